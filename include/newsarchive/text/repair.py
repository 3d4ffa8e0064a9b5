"""Mend texts: letters that were decoded with the wrong charset, and characters that nobody sees."""

import re

import ftfy
import ftfy.badness

from newsarchive.text.remember import remembered

# What cp1252 leaves undefined, browsers and most software read as the C1 control of the same
# number.
_SLOPPY_1252 = {b: bytes([b]).decode("cp1252", "ignore") or chr(b) for b in range(0x80, 0x100)}
_TO_1252 = {c: bytes([b]) for b, c in _SLOPPY_1252.items()} | {
    chr(b): bytes([b]) for b in range(0x80, 0x100)
}
_TO_1256 = {bytes([b]).decode("cp1256", "ignore") or chr(b): bytes([b]) for b in range(0x80, 0x100)}

_HIGH_LATIN = re.compile("[\u00c0-\u00ff]")
_NOT_LETTERS = bytes(b for b in range(128) if not chr(b).isalpha())
_ARABIC = re.compile("[\u0621-\u064a]")
_WORD_LETTER = re.compile(r"[^\W\d_]")
# A sign that UTF-8 was read as windows-1256: the first bytes of Arabic letters come out as ط and
# ظ, the second ones mostly as signs that never follow these letters.
_UTF8_AS_1256 = re.compile(
    "[طظâأ][\u0080-\u00bf\u0152\u0153\u0192\u02c6\u2013-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122\u0688]"
)
# The second byte of ف is nothing in cp1252, so that a strict reader lost it; no other letter is
# written so.
_LOST_FEH = re.compile("Ù\ufffd")
_UTF8_AS_1252 = re.compile("[ØÙ][^\\s\\w]?")

_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff\ufff9-\ufffb\ud800-\udfff]"
)
_DIRECTION = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u200b\u00ad\ufeff\u180e]"
)
_JOINER = re.compile(
    "(?<![^\\W\\d_\u064b-\u0652\u0900-\u0dff])[\u200c\u200d]+|[\u200c\u200d]+(?![^\\W\\d_\u0900-\u0dff])"
)
# Whatever tidying takes out; most texts hold none of it.
_UNSEEN = re.compile(f"{_CONTROL.pattern[:-1]}{_DIRECTION.pattern[1:-1]}\u200c\u200d]")
# What stands alone among ASCII, as a curly quote or an accented letter, is as it should be but for
# these.
_SUSPECT = re.compile(
    f"{_UNSEEN.pattern[:-1]}\t-\r\x80-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufffdŒœÃÂ]"
)
_LINE_END = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
# What ftfy calls bad is a control character, one of four letters, or two signs together of those
# that it knows, not both of them plain Greek or Cyrillic letters, but for two Cyrillic ones. To ask
# it takes long, and most texts that are not ASCII, all of Arabic, have nothing of it.
_PLAIN_KINDS = ("lower_common", "upper_common")
_ODD = "Ђў" + "".join(
    signs for kind, signs in ftfy.badness.MOJIBAKE_CATEGORIES.items() if kind not in _PLAIN_KINDS
)
_KNOWN = _ODD + "".join(ftfy.badness.MOJIBAKE_CATEGORIES[kind] for kind in _PLAIN_KINDS)
_MAY_BE_BAD = re.compile(f"[{_ODD}](?:(?=[{_KNOWN}])|(?<=[{_KNOWN}].)|(?<=[\x80-\x9fŒœÃÂ]))", re.S)


@remembered(2048)  # the same lines are read several times, and on every page of a site
def repair(text: str) -> str:
    """Return `text` with wrongly decoded letters mended and invisible characters gone.

    Mended are UTF-8 read as latin-1, cp1252 or the like (also twice), UTF-8 read as windows-1256,
    and Arabic
    windows-1256 read as latin-1 or cp1252. Each line is judged by itself, as pages mix parts of
    different origin. Gone
    are control characters, direction marks, zero-width spaces and soft hyphens; ZWNJ and ZWJ stay
    between letters,
    where Persian, Urdu and Indic scripts need them. No-break and other spaces become plain ones.

    Args:
        text: anything, lone surrogates included.
    """
    if _is_sound(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = mend_letters(
            text
        )  # before other line ends are told: U+0085 may be half a letter still
    return tidy(text)


def _is_sound(text: str) -> bool:
    """Whether there is nothing to repair, as far as a few searches tell it: so it is for most."""
    return not (
        _SUSPECT.search(text)
        or _MAY_BE_BAD.search(text)
        or _UTF8_AS_1256.search(text)
        or "  " in text
        or text[:1] == " "
        or text[-1:] == " "
        or _arabic_read_as_latin(text)
    )


def mend_letters(text: str) -> str:
    """Return `text` with letters mended that were decoded with the wrong charset."""
    lines = text.split("\n")
    if _arabic_read_as_latin(text) is not None:
        # The whole text is so: also its lines that are mostly digits or Latin names.
        lines = [_arabic_read_as_latin(line, sure=True) or line for line in lines]
    return "\n".join(_mend_line(line) for line in lines)


def tidy(text: str) -> str:
    """Return `text` without characters that nobody sees, with plain single spaces."""
    text = _LINE_END.sub("\n", text.replace("\r\n", "\n"))
    if _UNSEEN.search(text):
        text = _CONTROL.sub("", text)
        text = _DIRECTION.sub("", text)
        text = _JOINER.sub("", text)
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip("\n")


def tidy_line(text: str) -> str:
    """Return `text` as one line: tidied, line ends and runs of white space made single spaces."""
    return " ".join((tidy(text) if _UNSEEN.search(text) else text).split())


def _mend_line(line: str) -> str:
    for _ in range(3):  # twice wrong is common, three times has been seen
        mended = _mend_once(line)
        if mended == line:
            return line
        line = mended
    return line


def _mend_once(line: str) -> str:
    if line.isascii():
        return line
    if _UTF8_AS_1256.search(line):
        mended = _utf8_read_as_1256(line)
        if mended is not None:
            return mended
    if "\ufffd" in line and len(_UTF8_AS_1252.findall(line)) > 3:
        line = _LOST_FEH.sub("Ù\x81", line)
    mended = _arabic_read_as_latin(line)
    if mended is None and _MAY_BE_BAD.search(line) and ftfy.badness.is_bad(line):
        mended = ftfy.fix_encoding(line)
    return mended or line


def _utf8_read_as_1256(line: str) -> str | None:
    raw = _encode(line, _TO_1256)
    if raw is None:
        return None
    mended = raw.decode("utf-8", "replace")
    return mended if mended.count("\ufffd") * 20 <= len(mended) else None


def _arabic_read_as_latin(line: str, *, sure: bool = False) -> str | None:
    """Mend "ÇáÎÈÑ", which is "الخبر": no language writes words of accented letters alone.

    Args:
        line: a line, or a whole text.
        sure: the text around it is so, so that two letters are enough.
    """
    high = len(_HIGH_LATIN.findall(line))
    if high < 2 or (not sure and (high < 3 or high < 1.2 * _ascii_letters(line))):
        return None
    raw = _encode(line, _TO_1252)
    if raw is None or _is_utf8(raw):
        return None
    mended = raw.decode("cp1256", "replace")
    arabic = len(_ARABIC.findall(mended))
    foreign = len(_WORD_LETTER.findall(mended)) - arabic - _ascii_letters(mended)
    return mended if arabic >= 2 and foreign * 8 <= arabic else None


def _ascii_letters(text: str) -> int:
    return len(text.encode("ascii", "ignore").translate(None, _NOT_LETTERS))


def _is_utf8(raw: bytes) -> bool:
    """Whether bytes are mostly valid UTF-8: then cp1256 is not what they were written in."""
    return raw.decode("utf-8", "replace").count("\ufffd") * 8 < sum(b > 0x7F for b in raw)


def _encode(line: str, table: dict[str, bytes]) -> bytes | None:
    out = []
    for char in line:
        byte = char.encode() if char < "\x80" else table.get(char)
        if byte is None:
            return None
        out.append(byte)
    return b"".join(out)
