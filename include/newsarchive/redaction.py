"""Blanking what archived bytes say of an article that was removed; they keep their length. Pure.

Other records name it too: feeds, sitemaps, section pages, and pages that link to it. An entry of a
listing is blanked whole; of other pages the link with its text, its address wherever it stands,
and beside it its headline, its summary and its paragraphs. A headline without the address stays: it
may be another article's.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from urllib.parse import unquote_to_bytes, urlsplit

from newsarchive.text.identity import clean_url

Span = tuple[int, int]

_CODECS = ("utf-8", "cp1256", "iso8859-6", "cp1252")
"""In which newspapers write; a headline is looked for in each."""
_SHORTEST_SLUG = 20  # characters of a path's last part that tell an article by themselves
_FEWEST_WORDS = 4  # or so many words
_SHORTEST_PATH = 8  # characters of a path that is believed without its host in any place
_SHORTEST_TEXT = 4  # characters of a headline or passage that is looked for
_OWN_TEXT = 12  # and of one that is looked for as a part of words too
_BEGINNING = 40  # characters of a passage that tell it, where it is cut as well
_REST = rb"(?:[^<\"\\]|\\.)*"
"""What follows of a text up to the next tag or quote."""
_MOST_TOKEN = 2048  # bytes of an address, however it is written
_SPACE = rb"(?:\s|&nbsp;|&#160;|&#x[aA]0;|\xc2\xa0|\\[nrt])"
_OTHERWISE = {
    '"': rb"&quot;|&#34;|&#x22;|\\\"|&ldquo;|&rdquo;",
    "'": rb"&#0?39;|&#x27;|&apos;|\\u0027|\\'|&rsquo;|&lsquo;",
    "&": rb"&amp;|&#0?38;|&#x26;|\\u0026",
    "<": rb"&lt;|&#60;|\\u003[cC]",
    ">": rb"&gt;|&#62;|\\u003[eE]",
    "/": rb"\\/",
}
_SLASH = rb"(?:\\?/|%(?:25)?2[fF]|&#x2[fF];|&#47;)"
_HOST = rb"(?:(?:https?(?::|%(?:25)?3[aA]))?" + _SLASH * 2 + rb"[^\s\"'<>/\\%]{1,255})"
_BEFORE = re.compile(rb"(?:" + _HOST + rb"|[\"'=>\s(])\Z")
_BEFORE_SHORT = re.compile(rb"(?:" + _HOST + rb"|href=[\"'])\Z")
_ENDS = rb"\s\"'<>()\[\]{}`|"
_LEFT = re.compile(rb"[^" + _ENDS + rb"=,;]*\Z")
_RIGHT = re.compile(rb"[^" + _ENDS + rb"\\]*")
_LISTING = re.compile(rb"<\s*(?:\w+:)?(?:rss|feed|rdf|urlset|sitemapindex)\b", re.IGNORECASE)
_ENTRY = re.compile(rb"<(/?)((?:\w+:)?(?:item|entry|url))\b[^>]*?(/?)>", re.IGNORECASE)
_ANCHOR = re.compile(rb"<(/?)(a)\b[^>]*?(/?)>", re.IGNORECASE)
_ADDRESS = re.compile(
    rb"\bhref\s*=\s*[\"']?([^\"'\s<>]+)|(https?:\\?/\\?/[^\s\"'<>]+)", re.IGNORECASE
)
_BOX = re.compile(
    rb"<(/?)(article|div|li|section|tr|td|dd|dl|figure|p|h[1-6])\b[^>]*?(/?)>", re.IGNORECASE
)
_HREF = re.compile(rb"<a\b[^>]*?\shref=", re.IGNORECASE)
_MOST_TEASER = 16_384  # bytes of what a listing says of one article, markup included
_JSON = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_NOT_BLANK = re.compile(rb"[^\s]")


@dataclass(frozen=True, slots=True)
class Secret:
    """What an article said, and where it stood: what is looked for."""

    urls: list[str] = field(default_factory=list)
    """Cleaned."""
    titles: list[str] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)
    """Its summaries and paragraphs; each is looked for by its beginning."""


def addresses_in(data: bytes, base: str) -> set[str]:
    """Return the addresses that a page, a feed or a list holds, cleaned.

    Args:
        data: its bytes, any content coding undone.
        base: its own address.
    """
    found = {m[1] or m[2] for m in _ADDRESS.finditer(data)}
    texts = (unescape(a.decode("utf-8", "replace")).replace("\\/", "/") for a in found)
    return {url for text in texts if (url := clean_url(text, base))}


class Blanking:
    """Finds what bytes say of some articles, and blanks it."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Prepare to look for some articles."""
        self._looks = [_Look(s) for s in secrets]

    def names(self, data: bytes) -> bool:
        """Say whether bytes hold the address of one of the articles."""
        return any(look.addresses(data) for look in self._looks)

    def blanked(self, data: bytes, *, listing: bool = False) -> bytes:
        """Return bytes of the same length that say nothing of the articles.

        Args:
            data: a page, a feed, a list of addresses; any content coding undone.
            listing: whether it is a listing: then whole entries go, not the links alone.
        """
        for look in self._looks:
            data = look.blanked(data, listing)
        return data

    def strings(self, texts: Iterable[str]) -> set[str]:
        """Return those of some texts that are the address or the headline of one of them."""
        return {
            t
            for t in texts
            for look in self._looks
            if t in look.titles or look.addresses(t.encode("utf-8", "surrogatepass"))
        }


class _Look:
    """What is looked for, of one article."""

    def __init__(self, secret: Secret) -> None:
        self.titles = {t for t in secret.titles if t.strip()}
        self._paths = [path for url in secret.urls if (path := _Path(url)).tells]
        self._secret = secret

    @cached_property
    def _words(self) -> list[re.Pattern[bytes]]:
        titles = {t for t in self.titles if len(t.strip()) >= _SHORTEST_TEXT}
        passages = {p for p in map(_beginning, self._secret.passages) if p}
        patterns = [p for t in sorted(titles) for p in _words(t)]
        patterns += [p + _REST for b in sorted(passages) for p in _words(b)]
        return [re.compile(p) for p in patterns]

    def addresses(self, data: bytes) -> list[Span]:
        return [span for path in self._paths for span in path.found(data)]

    def blanked(self, data: bytes, listing: bool) -> bytes:
        spans = self.addresses(data)
        if not spans:
            return data
        spans += _entries(data, spans, listing)
        spans += [m.span() for words in self._words for m in words.finditer(data)]
        out = bytearray(data)
        for begin, end in spans:
            out[begin:end] = _NOT_BLANK.sub(b" ", data[begin:end])
        return bytes(out)


class _Path:
    """One address, in all the ways in which it may be written."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._has_query = bool(parts.query)
        path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
        slug = parts.path.rstrip("/").rpartition("/")[2]
        plain = unquote_to_bytes(slug).decode("utf-8", "replace")
        telling = len(re.findall(r"[^\W_]+", plain)) >= _FEWEST_WORDS
        telling |= len(plain) >= _SHORTEST_SLUG
        self._by_slug = telling and not self._has_query
        self.tells = bool(path)
        self._pattern = re.compile(_spelled(slug if self._by_slug else path))
        self._before = _BEFORE if len(path) >= _SHORTEST_PATH else _BEFORE_SHORT
        self._hints = _hints(slug if self._by_slug else path)

    def found(self, data: bytes) -> Iterator[Span]:
        if self._hints and not any(hint in data for hint in self._hints):
            return
        for match in self._pattern.finditer(data):
            end = match.end()
            right = _RIGHT.match(data, end, end + _MOST_TOKEN)
            tail = right.group() if right else b""
            begin, first = match.start(), max(0, match.start() - _MOST_TOKEN)
            before = data[first:begin]
            if not self._by_slug and not (self._before.search(before) and self._ends(tail)):
                continue
            left = _LEFT.search(before)
            yield first + left.start() if left else begin, end + len(tail)

    def _ends(self, tail: bytes) -> bool:
        """Say whether what follows adds nothing that makes it another address."""
        text = unescape(unquote_to_bytes(tail).decode("utf-8", "replace")).rstrip(".,;:!")
        text = text.removeprefix("/").removeprefix("amp").removeprefix("/")
        if not text or text[0] in "#,;":
            return True
        if text[0] != ("&" if self._has_query else "?"):
            return False
        cleaned = clean_url(f"http://a/?{text[1:]}")
        return cleaned is not None and "?" not in cleaned


def _beginning(passage: str) -> str:
    """Return as much of a passage as tells it, cut after a word; empty of a short one."""
    passage = " ".join(passage.split())
    if len(passage) <= _BEGINNING:
        return passage if len(passage) >= _BEGINNING // 2 else ""
    return passage[:_BEGINNING].rpartition(" ")[0] or passage[:_BEGINNING]


def _hints(path: str) -> list[bytes]:
    """Return bytes of which an address holds one, however it is written; none if that is unsure.

    They are looked for first: in most pages there is none of them.
    """
    plain = unquote_to_bytes(path).decode("utf-8", "replace")
    words = re.findall(r"[A-Za-z0-9]{4,}|[^\W_]{3,}", plain)
    letters = max(words, key=lambda w: (not w.isdigit(), len(w)), default="")
    if "\ufffd" in plain or not letters:
        return []
    if letters.isascii():
        return [letters.encode()]
    percent = "".join(f"%{octet:02X}" for octet in letters.encode())
    codes = [ord(letter) for letter in letters]
    ways = [percent, percent.replace("%", "%25")]
    for form in ("&#{};", "&#x{:x};", "&#x{:X};", "\\u{:04x}", "\\u{:04X}"):
        ways.append("".join(form.format(code) for code in codes))
    return sorted({*(w.encode() for w in (*ways, *map(str.lower, ways))), *_encoded(letters)})


def _encoded(text: str) -> Iterator[bytes]:
    for codec in _CODECS:
        with suppress(UnicodeEncodeError):
            yield text.encode(codec)


def _spelled(path: str) -> bytes:
    """Return the pattern of a path in all the ways in which it may be written."""
    raw = unquote_to_bytes(path)
    try:
        return b"".join(_letter_of_address(c) for c in raw.decode())
    except UnicodeDecodeError:
        return b"".join(_octet(o) for o in raw)


def _letter_of_address(letter: str) -> bytes:
    if letter == "/":
        return _SLASH
    if letter.isascii() and letter.isalnum():
        return letter.encode()
    ways = [*map(re.escape, dict.fromkeys(_encoded(letter)))]
    ways.append(b"".join(map(_percent, letter.encode())))
    ways += _numbered(letter)
    if letter in _OTHERWISE:
        ways.append(_OTHERWISE[letter])
    if letter == " ":
        ways.append(rb"\+")
    return rb"(?:" + b"|".join(ways) + rb")"


def _octet(octet: int) -> bytes:
    return rb"(?:" + re.escape(bytes([octet])) + rb"|" + _percent(octet) + rb")"


def _percent(octet: int) -> bytes:
    digits = "".join(f"[{d}{d.lower()}]" if d.isalpha() else d for d in f"{octet:02X}")
    return b"%(?:25)?" + digits.encode()


def _numbered(letter: str) -> list[bytes]:
    """Return a letter as HTML and JSON may number it."""
    units = letter.encode("utf-16-be")
    number = ord(letter)
    pairs = [f"{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)]
    escaped = "".join(rf"\\u(?i:{p})" for p in pairs)
    return [f"&#0*{number};".encode(), f"&#[xX]0*(?i:{number:x});".encode(), escaped.encode()]


def _words(text: str) -> Iterator[bytes]:
    """Yield the patterns of a text as a page, a feed or a list of JSON may write it."""
    seen = set()
    for codec in _CODECS:
        try:
            encoded = text.encode(codec)
        except UnicodeEncodeError:
            continue
        if encoded in seen:
            continue
        seen.add(encoded)
        pattern = (_SPACE + b"+").join(
            b"".join(_letter(c, codec) for c in word) for word in text.split()
        )
        if len(text.strip()) < _OWN_TEXT:
            pattern = rb"(?<![\w\x80-\xff])" + pattern + rb"(?![\w\x80-\xff])"
        yield pattern


def _letter(letter: str, codec: str) -> bytes:
    raw = letter.encode(codec)
    if letter.isascii() and (letter.isalnum() or letter in " ,.-:"):
        return re.escape(raw)
    ways = [re.escape(raw), *_numbered(letter)]
    if letter in _OTHERWISE:
        ways.append(_OTHERWISE[letter])
    if letter in "‘’“”":
        ways += [rb"&[lr][sd]quo;", b"'", b'"']
    return rb"(?:" + b"|".join(ways) + rb")"


def _entries(data: bytes, spans: Sequence[Span], listing: bool) -> list[Span]:
    """Return what is around some places and goes with them: entries of a listing, links."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"{", b"[")):
        return _entries_of_json(data, spans)
    if _LISTING.search(head):
        return [min(around) for around in _elements(data, spans, _ENTRY)]
    links = [max(around) for around in _elements(data, spans, _ANCHOR)]
    return links + (_teasers(data, links) if listing else [])


def _teasers(data: bytes, links: Sequence[Span]) -> list[Span]:
    """Return the largest box around each link of a page that lists articles, with no other link."""
    others = [m.start() for m in _HREF.finditer(data)]
    inside = {h for h in others for begin, end in links if begin <= h < end}
    strange = [h for h in others if h not in inside]
    found = []
    for around in _elements(data, links, _BOX):
        alone = [
            (begin, end)
            for begin, end in around
            if end - begin <= _MOST_TEASER
            and bisect_right(strange, begin) == bisect_right(strange, end)
        ]
        found += [min(alone)] if alone else []
    return found


def _elements(data: bytes, spans: Iterable[Span], tags: re.Pattern[bytes]) -> Iterator[list[Span]]:
    """Yield the elements of some names that hold each of some places, if there are any."""
    elements: list[Span] = []
    open_: list[tuple[bytes, int]] = []
    for tag in tags.finditer(data):
        name = tag[2].lower()
        if tag[3]:
            elements.append(tag.span())
        elif not tag[1]:
            open_.append((name, tag.start()))
        else:
            while open_:
                opened, begin = open_.pop()
                if opened == name:
                    elements.append((begin, tag.end()))
                    break
    elements.sort()
    for begin, end in spans:
        around = [e for e in elements if e[0] <= begin and end <= e[1]]
        if around:
            yield around


def _entries_of_json(data: bytes, spans: Iterable[Span]) -> list[Span]:
    """Return the strings of the innermost objects or lists that hold some places; lines, if alone.

    Blanked so, the rest stays JSON.
    """
    strings: list[Span] = []
    boxes: list[Span] = []
    open_: list[int] = []
    alone: set[Span] = set()
    for token in _JSON.finditer(data):
        kind = token.group()[:1]
        if kind == b'"':
            strings.append((token.start() + 1, token.end() - 1))
        elif kind in b"{[":
            open_.append(token.start())
        elif open_:
            box = open_.pop(), token.end()
            boxes.append(box)
            if not open_:
                alone.add(box)
    begins = [s[0] for s in strings]
    lines = len(alone) > 1
    found = []
    for begin, end in spans:
        around = [b for b in boxes if b[0] <= begin and end <= b[1]]
        if not around:
            continue
        box = max(around)
        if lines and box in alone:
            found.append(box)
            continue
        first, last = bisect_right(begins, box[0]), bisect_right(begins, box[1])
        found += strings[first:last]
    return found
