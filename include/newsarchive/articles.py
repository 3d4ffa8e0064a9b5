"""From what parsing found to rows: versions, rejects, and articles merged from them. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from newsarchive.model import Article, Capture, Found, Link, Refused, Reject, Version
from newsarchive.parse import PARSER_VERSION
from newsarchive.parse.wires import cited_agencies
from newsarchive.sources import Source
from newsarchive.text.folding import fold
from newsarchive.text.identity import article_id, imported_article_id, version_id
from newsarchive.text.words import count_words

NO_SOURCE = "none"  # version of the source file of rows that come from no declared source
_MADE = ("part", "evidence", "confidence", "canonical_url")
_COPIED = [f.name for f in fields(Found) if f.name not in _MADE]
DECIDE_THE_DAY = (
    "article_id",
    "version_id",
    "run_day",
    "url",
    "state",
    "published_day",
    "captured_at",
    "seen_until",
    "text_sha256",
    "payload_sha256",
)
"""Columns of versions that decide which day an article is filed under."""
_SHOWN = {f.name for f in fields(Article)} & {f.name for f in fields(Version)}


def versions_of(
    found: Iterable[Found],
    capture: Capture,
    link: Link | None,
    final_url: str,
    source: Source | None,
) -> list[Version]:
    """Return one version per article found in a capture, the page's own first.

    Args:
        found: what parsing found, part 0 being the page's own article.
        capture: the exchange (or import) that holds the bytes.
        link: the link that was fetched; None for imports.
        final_url: where redirects ended, cleaned; stands for the canonical URL where the page
            states none.
        source: the declared source, if there is one.
    """
    made: list[Version] = []
    payload = capture.payload_sha256 or ""
    for article in sorted(found, key=lambda f: f.part):
        if capture.kind == "import":
            identity = imported_article_id(capture.source, payload, article.part)
        else:
            identity = article_id(capture.source, article.canonical_url or final_url, article.part)
        made.append(
            Version(
                run_day=capture.run_day,
                version_id=version_id(identity, payload),
                article_id=identity,
                source=capture.source,
                url=link.url if link else capture.url,
                link_id=capture.link_id,
                # Where the page names none but its link was redirected, that is its address.
                canonical_url=article.canonical_url
                or (final_url if link and final_url != link.url else None),
                visit=capture.visit,
                state="live",
                changes=[],
                part=article.part,
                parent_article_id=made[0].article_id if made else None,
                word_count=count_words(article.text),
                evidence=dict(sorted(article.evidence.items())),
                confidence=dict(sorted(article.confidence.items())),
                cited_agencies=cited_agencies(article.text),
                text_sha256=hashlib.sha256(
                    f"{fold(article.title)}\n{fold(article.text)}".encode()
                ).hexdigest(),
                parser_version=PARSER_VERSION,
                source_version=source.version if source else NO_SOURCE,
                payload_sha256=payload,
                capture_id=capture.capture_id,
                captured_at=capture.captured_at,
                seen_until=capture.captured_at,
                warc_path=capture.warc_path or "",
                warc_offset=capture.warc_offset or 0,
                warc_length=capture.warc_length or 0,
                record_sha256=capture.record_sha256 or "",
                **{name: getattr(article, name) for name in _COPIED},
            )
        )
    return made


def reject_of(
    refused: Refused, capture: Capture, link: Link | None, source: Source | None
) -> Reject:
    """Return the row that says why a capture became no article."""
    return Reject(
        run_day=capture.run_day,
        source=capture.source,
        link_id=capture.link_id,
        url=link.url if link else capture.url,
        reason=refused.reason,
        detail=refused.detail,
        status=capture.status,
        parser_version=PARSER_VERSION,
        source_version=source.version if source else NO_SOURCE,
        payload_sha256=capture.payload_sha256,
        capture_id=capture.capture_id,
        captured_at=capture.captured_at,
        warc_path=capture.warc_path,
        warc_offset=capture.warc_offset,
        warc_length=capture.warc_length,
    )


def merge(
    versions: Iterable[Mapping[str, Any]],
    sources: Mapping[str, Source],
    shown_as: Mapping[str, str] | None = None,
) -> list[Article]:
    """Return one article per article id, from all its versions, whatever order they come in.

    What was found last is shown; the article day is that of the latest version that has a date,
    else the run day that first saw it.

    Args:
        versions: rows of `versions`, every version of each article among them.
        sources: declared sources by name, for country and time zone.
        shown_as: the id that is shown in place of another (`moves.remaining`).
    """
    other = shown_as or {}
    merged = []
    for identity, rows in _told_of(versions, other):
        latest = _shown(rows)
        source = sources.get(latest["source"])
        parent = latest["parent_article_id"]
        values = {name: latest[name] for name in _SHOWN}
        values.update(
            article_day=_article_day(rows, latest),
            article_id=identity,
            parent_article_id=other.get(parent, parent),
            url=latest["canonical_url"] or latest["url"],
            published_local_date=_local_date(latest, source),
            country=source.country if source else None,
            evidence=dict(latest["evidence"]),
            confidence=dict(latest["confidence"] or ()),  # files from before it have none
            versions=len({_state_of(r) for r in rows}),
            first_run_day=min(r["run_day"] for r in rows),
            last_run_day=max(r["run_day"] for r in rows),
            first_seen=min(r["captured_at"] for r in rows),
            last_seen=rows[-1]["seen_until"],
            gone_at=_gone_at(rows),
        )
        merged.append(Article(**values))
    return merged


def article_days(
    versions: Iterable[Mapping[str, Any]], shown_as: Mapping[str, str] | None = None
) -> dict[str, date]:
    """Return the article day of each article that `merge` would return, by its id.

    Args:
        versions: as for `merge`, with `DECIDE_THE_DAY` alone.
        shown_as: as for `merge`.
    """
    return {
        identity: _article_day(rows, _shown(rows))
        for identity, rows in _told_of(versions, shown_as or {})
    }


def _told_of(
    versions: Iterable[Mapping[str, Any]], shown_as: Mapping[str, str]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield each article's id and its versions, in the order they were found so the last time."""

    def identity_of(row: Mapping[str, Any]) -> str:
        return shown_as.get(row["article_id"], row["article_id"])

    def age(row: Mapping[str, Any]) -> tuple[Any, ...]:
        # When it was found so the last time: a page may be gone at one address, and be seen
        # later at another.
        moment = row["seen_until"], row["captured_at"]
        return identity_of(row), *moment, row["run_day"], row["version_id"]

    for identity, group in groupby(sorted(versions, key=age), key=identity_of):
        yield identity, list(group)


def _article_day(rows: Sequence[Mapping[str, Any]], shown: Mapping[str, Any]) -> date:
    dated: list[date] = [r["published_day"] for r in [*rows, shown] if r["published_day"]]
    return dated[-1] if dated else min(r["run_day"] for r in rows)


def _shown(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the version that is shown: how the article was found last.

    Of several links that lead to one page, which was asked last is chance: that of the latest run
    day stands for them, then that with the smallest URL.

    Args:
        rows: versions, in the order in which they were found so the last time.
    """
    last_of_link = {(r["run_day"], r["url"]): r for r in rows}
    same = [r for r in last_of_link.values() if _state_of(r) == _state_of(rows[-1])]
    newest = max(r["run_day"] for r in same)
    return min((r for r in same if r["run_day"] == newest), key=lambda r: str(r["url"]))


def _state_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return what tells a version from others of its article, whichever link found it."""
    # The page that tells of the absence is not the article's: it may be another at each address.
    return row["state"], row["text_sha256" if row["state"] == "gone" else "payload_sha256"]


def _gone_at(rows: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return when the page was found gone, None while it is there.

    Args:
        rows: its versions, in the order in which they were found so the last time.
    """
    there = max((r["seen_until"] for r in rows if r["state"] == "live"), default=None)
    if rows[-1]["state"] == "live":
        return None
    gone = (r for r in rows if r["state"] == "gone")
    found: datetime = min(
        r["captured_at"] for r in gone if there is None or r["seen_until"] > there
    )
    return found


def _local_date(row: Mapping[str, Any], source: Source | None) -> date | None:
    if row["published_at"] is None or source is None:
        day: date | None = row["published_day"]
        return day
    local: date = row["published_at"].astimezone(ZoneInfo(source.timezone)).date()
    return local
