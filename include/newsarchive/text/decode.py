"""Bytes to text, whatever the page says of its charset."""

import codecs
import itertools
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ANY_BOM = tuple(bom for bom, _ in _BOMS)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
# Names that pages use and Python does not know, or means less by (what is declared latin-1 is
# cp1252 in practice).
_ALIASES = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "x-euc-jp": "euc_jp",
    "x-windows-1256": "cp1256",
    "utf8mb4": "utf-8",
    "unicode": "utf-8",
    "x-user-defined": "cp1252",
}
# Charsets by script, for bytes that nobody named rightly: the share of characters beyond ASCII
# that must be letters of the script. Japanese needs kana, as Chinese characters alone come out of
# any bytes.
_GUESSES: tuple[tuple[str, re.Pattern[str], float], ...] = (
    (
        "cp1256",
        re.compile(
            "[\u0621-\u0652\u067e\u0686\u0698\u06af\u060c\u061b\u061f\u00ab\u00bb\u201c\u201d\u2018\u2019\u2026\u2013\u00a0]"
        ),
        0.93,
    ),
    ("cp932", re.compile("[\u3041-\u30ff]"), 0.3),
    ("euc_jp", re.compile("[\u3041-\u30ff]"), 0.3),
    ("cp949", re.compile("[\uac00-\ud7a3]"), 0.85),
    (
        "gb18030",
        re.compile("[\u4e00-\u9fa5\u3000-\u3017\uff01-\uff5e\u2014\u201c\u201d\u2026]"),
        0.97,
    ),
    ("big5", re.compile("[\u4e00-\u9fa5\u3000-\u3017\uff01-\uff5e]"), 0.97),
    (
        "cp1251",
        re.compile(
            "[\u0410-\u044f\u0451\u00ab\u00bb\u2014\u2013\u0406\u0456\u0457\u0454\u00a0\u2116]"
        ),
        0.95,
    ),
    ("cp1253", re.compile("[\u0384-\u03ce\u00ab\u00bb\u00a0\u2013\u2019\u00b7]"), 0.95),
    ("cp1255", re.compile("[\u05d0-\u05ea\u2013\u201c\u201d\u00a0]"), 0.95),
)
_MIXED = re.compile("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")
_LONG_RUN = re.compile("[^\x00-\x7f]{3,}")
_HIGH = re.compile(rb"[\x80-\xff]")
_SAMPLE = 200_000


def decode(body: bytes, content_type: str | None = None, usual: str | None = None) -> str:
    """Return the text of a page or document.

    Byte order mark first. Then bytes that are valid UTF-8 are UTF-8 whatever they are said to be,
    as no other charset's
    text looks like it by chance. Else what header, meta element or XML declaration say, where it
    fits; Arabic in
    windows-1256 is known by its letters, also when it is declared something else; then other
    charsets by their letters,
    UTF-8 with faults, cp1252. A byte that fits nothing becomes U+FFFD. Never fails.

    Args:
        body: content coding undone.
        content_type: the Content-Type header, if there was one.
        usual: the charset of single bytes that the text's language tells, where it is known.
    """
    text = utf8_of(body)
    if text is not None:
        return text
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body.decode(name, "replace").removeprefix("\ufeff")
    wide = _utf16_without_bom(body)
    if wide:
        return body.decode(wide, "replace")
    if body.isascii():
        # ISO-2022 and the like write other letters in seven bits.
        declared = next(
            (d for d in _declared(body, content_type) if d.startswith("iso2022") or d == "hz"), None
        )
        return body.decode(declared or "ascii", "replace")
    faulty = body.decode("utf-8", "replace")
    if _is_cut(body):
        return faulty
    faults = faulty.count("\ufffd") - body.count(b"\xef\xbf\xbd")
    declared_names = [
        d for d in _declared(body, content_type) if not d.startswith(("utf_8", "utf_16", "utf_32"))
    ]
    high = max(1, len(_HIGH.findall(body)))
    if faults / high < 0.02:  # UTF-8 with a few broken characters, as cut or spliced pages have
        return faulty
    arabic = _guess(body, _GUESSES[:1])
    if arabic and (not declared_names or declared_names[0] in ("cp1252", "cp1256", "iso8859_6")):
        return body.decode(arabic, "replace")
    for name in declared_names:
        try:
            return body.decode(name)
        except UnicodeDecodeError as error:
            if name in ("cp1252", "cp1256", "cp1251") or error.start > len(body) - 4:
                return body.decode(name, "replace")
            text = body.decode(name, "replace")
            if text.count("\ufffd") * 200 < len(text):
                return text
    if faults / high < 0.15:
        return faulty
    return body.decode(usual or _guess(body, _GUESSES) or "cp1252", "replace")


def utf8_of(body: bytes) -> str | None:
    """Return the text of bytes that are UTF-8 and nothing else; None for others, and for ASCII.

    Args:
        body: content coding undone.
    """
    if body.isascii() or body.startswith(_ANY_BOM) or _utf16_without_bom(body):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _is_cut(body: bytes) -> bool:
    """Whether bytes are UTF-8 but for their last character, in the middle of which they end."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(body) - 3 and error.reason == "unexpected end of data"
    return False


def _declared(body: bytes, content_type: str | None) -> list[str]:
    """Python names of the charsets that header, meta element and XML declaration name."""
    found = []
    match = _HEADER.search(content_type or "")
    if match:
        found.append(match.group(1))
    head = body[:8192]
    for pattern in (_META, _XML):
        inside = pattern.search(head)
        if inside:
            found.append(inside.group(1).decode("ascii", "ignore"))
    names = []
    for label in found:
        label = label.lower()
        try:
            name = codecs.lookup(_ALIASES.get(label, label)).name.replace("-", "_")
            b"a".decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue  # no such charset, or a codec that is none (rot13): the next evidence
        if name in (
            "idna",
            "punycode",
            "unicode_escape",
            "raw_unicode_escape",
            "undefined",
            "charmap",
            "mbcs",
            "utf_7",
        ):
            continue
        names.append(name)
    return list(dict.fromkeys(names))


def _utf16_without_bom(body: bytes) -> str | None:
    sample = body[:2000]
    if sample[:400].count(0) * 3 > len(sample[:400]) > 8:  # markup, whatever script is within
        return "utf-16-le" if sample[1] == 0 else "utf-16-be"
    if len(sample) < 8 or b"\x00" not in sample:
        # Arabic in UTF-16 has no zero bytes in its words, but its spaces and line ends do have
        # them.
        return None
    for name in ("utf-16-le", "utf-16-be"):
        text = sample[: len(sample) // 2 * 2].decode(name, "replace")
        good = sum(c.isalnum() or c in " \r\n\t.,:;<>/\"'=-،؛؟" for c in text)
        common = sum(c < "\u0700" for c in text)
        if good > 0.9 * len(text) and common > 0.9 * len(text):
            return name
    return None


def _guess(body: bytes, guesses: tuple[tuple[str, re.Pattern[str], float], ...]) -> str | None:
    sample = body[:_SAMPLE]
    for name, letters, share in guesses:
        try:
            text = sample.decode(name)
        except UnicodeDecodeError as error:
            if error.start < len(sample) - 4 and name not in ("cp1253", "cp1255", "cp1256"):
                continue
            text = sample.decode(name, "replace")
        beyond = [c for c in text if c > "\x7f"]
        if len(beyond) < 3 or len(letters.findall(text)) < share * len(beyond):
            continue
        if not _reads_as(name, text, beyond):
            continue
        return name
    return None


def _reads_as(name: str, text: str, beyond: list[str]) -> bool:
    """Whether the letters stand in words: single ones are accented letters misread."""
    if name == "cp1256":
        words = re.findall("[\u0621-\u0652\u067e\u0686\u0698\u06af]{2,}", text)
        return sum(map(len, words)) > 0.7 * len(beyond) and ("ال" in text or len(words) > 2)
    if name in ("cp1251", "cp1253", "cp1255"):
        mixed = len(_MIXED.findall(text))
        humps = sum(a.islower() and b.isupper() for a, b in itertools.pairwise(text))
        return (mixed + humps) * 20 < len(beyond)
    return sum(map(len, _LONG_RUN.findall(text))) > 0.6 * len(beyond)
