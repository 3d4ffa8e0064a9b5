"""Plain-text articles: pages saved as text, with whatever labels, and other articles below."""

import html
import itertools
import re

from newsarchive.model import Found, Refused
from newsarchive.parse.borders import Line, separate
from newsarchive.parse.labels import match_labels
from newsarchive.parse.pieces import found_of
from newsarchive.text.decode import decode
from newsarchive.text.repair import repair
from newsarchive.text.words import count_words

_LEAST_WORDS = 8
_TITLE_CHARS = 300
_BINARY = (
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"RIFF",
    b"\x7fELF",
    b"Rar!",
    b"\xd0\xcf\x11\xe0",
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")
_MARKUP = re.compile(r"^\s*(?:<!doctype\s+html|<html[\s>]|<\?xml)", re.I)
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,5}|[a-z]{2,8}\d?);", re.I)
_END = re.compile(r"[.!?؟…:。！？][\"'»”’)\]]*$")


def parse_document(
    body: bytes, *, name: str, language_hint: str | None = None
) -> list[Found] | Refused:
    """Return the articles of a plain-text document: its own first, then those embedded in it.

    Args:
        body: the file's bytes, in any charset.
        name: of the file; it says what a refusal is about.
        language_hint: what its collection is mostly written in, ISO 639-1; for texts that do not
            say.

    Returns:
        One or more `Found` in the document's order (`part` 0, 1, …), or why it holds no article.
    """
    if not body.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        return Refused("empty", f"{name}: no text")
    if body.startswith(_BINARY):
        return Refused("not_html", f"{name}: binary data, no text")
    text = decode(body)
    if len(_CONTROL.findall(text)) * 20 > len(text):
        return Refused("not_html", f"{name}: binary data, no text")
    if _MARKUP.match(text):
        return Refused("not_html", f"{name}: markup, not plain text")
    if _ENTITY.search(text):
        text = html.unescape(text)
    lines = lines_of(repair(text))
    if not lines:
        return Refused("empty", f"{name}: no text")
    pieces = separate(lines)
    main = pieces[0]
    if (
        main.title is None
        or len(main.title) > _TITLE_CHARS
        or (len(lines) == 1 and _END.search(main.title) and count_words(main.title) > 12)
    ):
        return Refused("no_title", f"{name}: no headline")
    if not main.paragraphs:
        return Refused("no_text", f"{name}: a headline without text")
    if main.words < _LEAST_WORDS:
        return Refused("too_short", f"{name}: {main.words} words")
    return [found_of(piece, part, language_hint=language_hint) for part, piece in enumerate(pieces)]


def lines_of(text: str) -> list[Line]:
    """Return the lines of a repaired text; paragraphs broken at a width are one line again."""
    groups: list[list[str]] = [[]]
    for raw in text.split("\n"):
        line = raw.strip()
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    groups = [g for g in groups if g]
    if _is_wrapped(groups):
        groups = [_unwrap(g) for g in groups]
    return [
        Line(line, gap=at == 0 and number > 0)
        for number, group in enumerate(groups)
        for at, line in enumerate(group)
    ]


def _is_wrapped(groups: list[list[str]]) -> bool:
    """Whether line ends are a typewriter's: full lines of one width that stop within sentences."""
    inner = [(a, b) for group in groups for a, b in itertools.pairwise(group) if _may_join(a, b)]
    if len(inner) < 3:
        return False
    width = max(len(a) for a, _ in inner)
    full = sum(len(a) >= 0.75 * width and not _END.search(a) for a, _ in inner)
    # Where letters have no case, a small width is the only other sign; headlines are not that many.
    inside = sum(not b[:1].isupper() for _, b in inner)
    return width <= 120 and full >= 0.7 * len(inner) and inside >= 0.6 * len(inner)


def _may_join(line: str, below: str) -> bool:
    return len(line) >= 40 and not match_labels(line) and not match_labels(below)


def _unwrap(group: list[str]) -> list[str]:
    out, last = [group[0]], group[0]
    for line in group[1:]:
        if _may_join(last, line):
            out[-1] += " " + line
        else:
            out.append(line)
        last = line
    return out
