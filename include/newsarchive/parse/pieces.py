"""From a piece of text with its labels to an article: documents, and articles embedded in pages."""

from collections.abc import Iterable
from datetime import datetime

from newsarchive.model import Found
from newsarchive.parse.agencies import dateline_origin, is_agency
from newsarchive.parse.borders import Piece
from newsarchive.parse.keywords import split_keywords
from newsarchive.parse.names import sort_names, split_names
from newsarchive.parse.title import without_site_name
from newsarchive.text.dates import Moment, first_possible, parse_moment
from newsarchive.text.language import language_of


def found_of(
    piece: Piece,
    part: int,
    *,
    language_hint: str | None = None,
    zone: str = "UTC",
    month_first: bool = False,
    latest: datetime | None = None,
    sites: Iterable[str] = (),
) -> Found:
    """Return the article that a piece of text is, with what its labels say.

    Args:
        piece: with a title and paragraphs.
        part: its number in the document or page.
        language_hint: for texts that do not say, ISO 639-1.
        zone: where its times without offset are meant.
        month_first: read 03/04/2026 as the American press does.
        latest: dates after it are not believed.
        sites: what the site calls itself.
    """
    labels = piece.labels

    def moment_of(values: Iterable[str | None]) -> Moment | None:
        moments = (parse_moment(v, zone, month_first=month_first) for v in values if v)
        if latest is None:
            return next(filter(None, moments), None)
        return first_possible(moments, latest)

    evidence = {"title": "label" if "title" in labels else "heuristic", "text": "heuristic"}
    published = moment_of([labels.get("published")])
    kind = "label"
    if published is None:
        published, kind = moment_of(piece.dates), "heuristic"
    if published:
        evidence["published_day"] = kind
        if published.at:
            evidence["published_at"] = kind
    modified = moment_of([labels.get("modified")])
    persons, groups = sort_names(split_names(labels.get("author", "")), sites)
    authors, agencies = persons or groups, [g for g in groups if is_agency(g)]
    origin = labels.get("origin") or (agencies[0] if agencies else None)
    kind = "label"
    if origin is None:
        origin, kind = dateline_origin(piece.paragraphs), "heuristic"
    if origin:
        evidence["origin"] = kind
    raw = labels.get("keywords")
    text = "\n\n".join(piece.paragraphs)
    language = language_of(text, language_hint)
    for name, value, by in (
        ("authors", authors, "label"),
        ("keywords", raw, "label"),
        ("section", labels.get("section"), "label"),
        ("related", piece.related, "label"),
        ("modified_at", modified and modified.at, "label"),
        ("language", language, "heuristic"),
    ):
        if value:
            evidence[name] = by
    return Found(
        title=without_site_name(piece.title or "", [*sites, *([origin] if origin else [])]),
        text=text,
        authors=authors,
        published_at=published.at if published else None,
        published_day=published.day if published else None,
        published_precision=published.precision if published else None,
        modified_at=modified.at if modified else None,
        keywords_raw=raw,
        keywords=split_keywords(raw) if raw else [],
        section=labels.get("section"),
        language=language,
        origin=origin,
        related=piece.related,
        evidence=evidence,
        part=part,
    )
