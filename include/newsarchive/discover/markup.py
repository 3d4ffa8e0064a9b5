"""From the bytes of a listing to its entries as elements: gzip, charsets, kind, broken XML.

Nothing here trusts what a server declares, no entity of a document is ever expanded, and work is
bounded: 20 MB of text, a number of entries, linear scans.
"""

import html
import re
import zlib
from dataclasses import dataclass

from lxml import etree

from newsarchive.text.decode import decode

MOST_BYTES = 20_000_000

_ROOT = re.compile(
    r"<(?:[A-Za-z_][\w.-]*:)?(rss|rdf|feed|channel|urlset|sitemapindex)(?=[\s>/])[^>]{0,4000}>",
    re.IGNORECASE,
)
_COMMENT_OR_ROOT = re.compile(rf"<!--.*?(?:-->|\Z)|{_ROOT.pattern}", re.DOTALL | re.IGNORECASE)
_PROLOG = 65_536  # characters before the root element
_ADDRESS_LINE = re.compile(r"https?://\S+[ \t]*(?:[\r\n]|\Z)", re.IGNORECASE)
_FIRST_TAG = re.compile(r"<(?:!doctype\s+)?([A-Za-z][\w:.-]*)", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{0,31});)?",
    re.DOTALL,
)
_LANGUAGE = re.compile(
    rb"""(?:<language>\s*|<(?:\w+:)?language>\s*|xml:lang\s*=\s*["'])([a-zA-Z]{2})"""
)
_PREFIX_USED = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_][\w.-]*(?=[\s>/=])")
_PREFIX_DECLARED = re.compile(r"xmlns:([A-Za-z_][\w.-]*)\s*=")

# Single bytes that are not what they are declared to be: what is usual for the file's language.
_USUAL = {
    **dict.fromkeys(("ar", "fa", "ur"), "windows-1256"),
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk", "be"), "windows-1251"),
    **{
        "el": "windows-1253",
        "tr": "windows-1254",
        "he": "windows-1255",
        "pl": "windows-1250",
        "cs": "windows-1250",
    },
}
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a listing from its root element on, and what that root is."""

    root: str
    """rss, rdf, feed, urlset or sitemapindex; `text` for no markup at all; `json` for what may be
    a JSON Feed; `html` for a page for readers, which is no listing by itself; else empty."""
    text: str
    problem: str | None
    """What was wrong with the bytes, or why it is no listing."""


def unpack(body: bytes) -> tuple[bytes, str | None]:
    """Return `body` with gzip undone, `MOST_BYTES` at most, and what was wrong with it."""
    problem = None
    for _ in range(2):  # some servers pack a packed file again
        if not body.startswith(b"\x1f\x8b"):
            break
        body, problem = _gunzip(body)
        if problem:
            break
    if len(body) > MOST_BYTES:
        return body[:MOST_BYTES], f"larger than {MOST_BYTES // 1_000_000} MB; read that far"
    return body, problem


def _gunzip(body: bytes) -> tuple[bytes, str | None]:
    out: list[bytes] = []
    size = 0
    while body.startswith(
        b"\x1f\x8b"
    ):  # a gzip file may have several members; what follows them is padding
        inflater = zlib.decompressobj(wbits=31)
        try:
            piece = inflater.decompress(body, MOST_BYTES + 1 - size)
        except zlib.error as error:
            # One call loses what came before the fault; a second pass by small pieces keeps it.
            piece = _inflated_until_broken(body, MOST_BYTES + 1 - size)
            return b"".join([*out, piece]), f"gzip broken ({error})"
        out.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            break
        if not inflater.eof:
            return b"".join(out), "gzip broken (cut off)"
        body = inflater.unused_data
    return b"".join(out), None


def _inflated_until_broken(body: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    out = bytearray()
    try:
        for start in range(0, len(body), 512):
            out += inflater.decompress(body[start : start + 512], most - len(out) or 1)
            if len(out) >= most:
                break
    except zlib.error:
        pass  # the fault that the caller reports
    return bytes(out)


def sniff(body: bytes, content_type: str | None) -> Document:
    """Say what a listing really is, by its content.

    The prolog is cut off with its DOCTYPE: no entity is ever defined, let alone expanded.

    Args:
        body: as served, content coding undone; it may be a gzip file.
        content_type: the header; only its charset is used, and only where the bytes do not tell.
    """
    data, problem = unpack(body)
    language = _LANGUAGE.search(data[:20_000])
    usual = _USUAL.get(language.group(1).decode().lower()) if language else None
    text = NOT_XML.sub("", decode(data, content_type, usual)).lstrip("\ufeff \t\r\n")
    if not text:
        return Document("", "", joined(problem, "empty"))
    if _ADDRESS_LINE.match(text):
        return Document("text", text, problem)
    first = _FIRST_TAG.search(_COMMENT.sub("", text[:_PROLOG]))
    if text[0] == "{":
        return Document("json", text, problem)
    if text[0] == "[" or first is None:
        kind = "JSON" if text[0] == "[" else "unknown"
        return Document("", "", joined(problem, f"not a listing ({kind})"))
    if first.group(1).lower() == "html":
        return Document("html", text, joined(problem, "not a listing (HTML)"))
    # Whatever stands before the root (a declaration, a warning of the server's own program) goes.
    for found in _COMMENT_OR_ROOT.finditer(text, 0, _PROLOG):
        if found.group(1):
            name = found.group(1).lower()
            root = "rss" if name == "channel" else name
            return Document(root, text[found.start() :], problem)
    return Document("", "", joined(problem, f"not a listing ({first.group(1)})"))


def joined(*problems: str | None) -> str | None:
    """Return what was wrong in one line; None when nothing was."""
    return "; ".join(filter(None, problems)) or None


def elements(
    document: Document, names: tuple[str, ...], most: int
) -> tuple[etree._Element, list[etree._Element], str | None]:
    """Return the root, its entries in order, and what was wrong.

    Where the whole does not parse, it is cut into its entries and each is read alone, so that one
    broken entry harms no other. An entry that the end of the file cuts off is left out: its address
    may be cut too.

    Args:
        document: of an XML kind.
        names: local names of the elements that are entries.
        most: how many entries are taken; that there were more is a problem.
    """
    problem = document.problem
    try:
        root = etree.fromstring(document.text.encode("utf-8", "replace"), _parser(recover=False))
    except etree.XMLSyntaxError as error:
        root, found = _entries_apart(document.text, names, most)
        reason = " ".join(str(error.msg).partition(", line")[0].split())[:120]
        problem = joined(problem, f"XML broken ({reason}); read entry by entry")
    else:
        found = [e for e in root.iter(etree.Element) if local_name(e) in names]
    if len(found) > most:
        del found[most:]
        problem = joined(problem, f"more than {most} entries; the rest is left out")
    return root, found, problem


def local_name(element: etree._Element) -> str:
    """Return an element's name without namespace or prefix, in lower case."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        remove_pis=True,
        remove_comments=True,
    )


def _entries_apart(
    text: str, names: tuple[str, ...], most: int
) -> tuple[etree._Element, list[etree._Element]]:
    opening = re.compile(
        rf"<((?:[A-Za-z_][\w.-]*:)?(?:{'|'.join(names)}))(?=[\s>/])", re.IGNORECASE
    )
    starts = list(opening.finditer(text))[: most + 1]
    wrapper = _wrapper(text)
    root = etree.fromstring(
        (wrapper[0] + wrapper[1]).encode("utf-8", "replace"), _parser(recover=True)
    )
    if root is None:  # a tag that even recovery cannot read: its attributes are lost, no entry is
        wrapper = ("<rss>", "</rss>")
        root = etree.Element("rss")
    found: list[etree._Element] = []
    ends = [*(s.start() for s in starts[1:]), len(text)]
    for start, end in zip(starts, ends, strict=False):  # of none, the end is left over
        piece = text[start.start() : end]
        close = piece.rfind(f"</{start.group(1)}")
        if close < 0 and end == len(text):
            continue
        piece = (piece[:close] if close >= 0 else piece) + f"</{start.group(1)}>"
        piece = _AMPERSAND.sub(_mended_ampersand, piece)
        whole = etree.fromstring(
            f"{wrapper[0]}{piece}{wrapper[1]}".encode("utf-8", "replace"), _parser(recover=True)
        )
        if whole is not None:
            found += [e for e in whole.iter(etree.Element) if local_name(e) in names][:1]
    return root, found


def _wrapper(text: str) -> tuple[str, str]:
    """Return the root's start and end tags, the namespaces declared that were not."""
    tag = _ROOT.match(text)
    start = tag.group().rstrip("/>") if tag else "<rss"
    name = re.match(r"<([^\s>/]+)", start)
    used = set(_PREFIX_USED.findall(text)) - {"xml", "xmlns"} - set(_PREFIX_DECLARED.findall(start))
    # Prefixes that an entry declares itself are declared again there; that one wins.
    declared = "".join(
        f' xmlns:{p}="{_NAMESPACES.get(p, "urn:undeclared:" + p)}"' for p in sorted(used)[:50]
    )
    return f"{start}{declared}>", f"</{name.group(1) if name else 'rss'}>"


def _mended_ampersand(found: re.Match[str]) -> str:
    whole, name = found.group(), found.group(1)
    if whole.startswith("<") or name in ("amp", "lt", "gt", "quot", "apos"):
        return whole
    if name is None:
        return "&amp;"
    if name.startswith("#"):
        code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
        plain = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""
        return html.escape(NOT_XML.sub("", plain))
    character = html.unescape(whole)
    return html.escape(character) if character != whole else f"&amp;{name};"
