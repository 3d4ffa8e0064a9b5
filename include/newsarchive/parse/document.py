"""Plain-text articles: an aggregator's page saved as text, with whatever labels it has, and other articles below."""

import re

from newsarchive.model import Found, Refused
from newsarchive.parse.agencies import dateline_origin, is_agency
from newsarchive.parse.borders import Line, Piece, separate
from newsarchive.parse.dates import parse_moment
from newsarchive.parse.keywords import split_keywords
from newsarchive.parse.names import split_names
from newsarchive.parse.title import without_site_name
from newsarchive.text.decode import decode
from newsarchive.text.language import language_of
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
_END = re.compile(r"[.!?؟…:。！？][\"'»”’)\]]*$")


def parse_document(
    body: bytes, *, name: str, language_hint: str | None = None
) -> list[Found] | Refused:
    """Return the articles of a plain-text document: its own first, then whole other articles embedded in it.

    Args:
        body: the file's bytes, in any charset.
        name: of the file; it says what a refusal is about.
        language_hint: what its collection is mostly written in, ISO 639-1; for texts that do not say.

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
    return [_found(piece, part, language_hint) for part, piece in enumerate(pieces) if piece.title]


def lines_of(text: str) -> list[Line]:
    """Return the lines of a repaired text; paragraphs that were broken at a fixed width are one line again."""
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
    """Whether line ends are those of a typewriter: full lines of one width that stop in the middle of a sentence."""
    inner = [line for group in groups for line in group[:-1]]
    if len(groups) < 3 or len(inner) < 3:
        return False
    full = [line for line in inner if 45 <= len(line) <= 110 and not _END.search(line)]
    return len(full) >= 0.6 * len(inner) and max(map(len, inner)) <= 120


def _unwrap(group: list[str]) -> list[str]:
    out = [group[0]]
    for line in group[1:]:
        if len(out[-1].rsplit("\n", 1)[-1]) >= 45 and not re.match(
            r"^[^\s:：]{2,20}(?:\s[^\s:：]{2,20}){0,2}\s*[:：]", line
        ):
            out[-1] += "\n" + line
        else:
            out.append(line)
    return [line.replace("\n", " ") for line in out]


def _found(piece: Piece, part: int, language_hint: str | None) -> Found:
    evidence = {"title": "label" if piece.labels.get("title") else "heuristic", "text": "heuristic"}
    labels = piece.labels
    text = "\n\n".join(piece.paragraphs)
    moment = None
    for value, kind in (
        (labels.get("published"), "label"),
        *((line, "heuristic") for line in piece.dates),
    ):
        moment = parse_moment(value) if value else None
        if moment:
            evidence["published"] = kind
            break
    modified = parse_moment(labels["modified"]) if "modified" in labels else None
    origin = labels.get("origin")
    author = labels.get("author")
    if author and is_agency(author):
        origin, author = origin or author, None
    if origin:
        evidence["origin"] = "label"
    else:
        origin = dateline_origin(piece.paragraphs)
        if origin:
            evidence["origin"] = "heuristic"
    keywords_raw = labels.get("keywords")
    language = language_of(text, language_hint)
    for field, value in (
        ("authors", author),
        ("keywords", keywords_raw),
        ("section", labels.get("section")),
    ):
        if value:
            evidence[field] = "label"
    if modified and modified.at:
        evidence["modified"] = "label"
    if language:
        evidence["language"] = "heuristic"
    if piece.related:
        evidence["related"] = "label"
    return Found(
        title=without_site_name(piece.title or "", [origin] if origin else []),
        text=text,
        authors=split_names(author) if author else [],
        published_at=moment.at if moment else None,
        published_day=moment.day if moment else None,
        published_precision=moment.precision if moment else None,
        modified_at=modified.at if modified else None,
        keywords_raw=keywords_raw,
        keywords=split_keywords(keywords_raw) if keywords_raw else [],
        section=labels.get("section"),
        language=language,
        origin=origin,
        related=piece.related,
        evidence=evidence,
        part=part,
    )
