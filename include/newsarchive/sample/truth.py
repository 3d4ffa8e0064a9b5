"""What a right archive of the sample newspapers holds, as rows.

The rows have every lasting column that follows from what the newspapers publish. Left out is what
belongs to the archive itself: parser version, evidence, word counts, folded sums, details in words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from newsarchive.sample import pages
from newsarchive.sample.clock import moment_shown
from newsarchive.sample.generate import (
    NO_ARTICLE,
    PAPERS,
    SEED,
    Kind,
    Markup,
    Paper,
    Story,
    day,
    embedded_in,
)
from newsarchive.sample.listings import first_day, lastmod, recent, shown
from newsarchive.sources.load import BUNDLED, SAMPLE_HOST, Source, load_file
from newsarchive.text.identity import article_id, clean_url, host_of, link_id, version_id

_REASONS = {
    Kind.GONE: "http_error",
    Kind.EMPTY: "empty",
    Kind.GALLERY: "no_text",
    Kind.FORBIDDEN: "robots",
    Kind.PDF: "not_html",
}

_ONE_DAY = timedelta(days=1)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A moment as far as a page tells it."""

    at: datetime | None
    day: date
    precision: str


def truth(
    days: Iterable[date], now: datetime | None, base_url: str, seed: int = SEED
) -> dict[str, list[Row]]:
    """Return the rows that are right once each of `days` was archived, by table.

    Every run is taken to have been made, by the steps of one day, while the newspapers' clock stood
    at `now`, and without polls of feeds. Days that they do not show have no rows. Times are ISO
    8601 in UTC, days ISO dates.

    Args:
        days: run days.
        now: the newspapers' clock, UTC; None for the real time.
        base_url: where they are served: scheme, name and port.
        seed: of everything that is published.

    Returns:
        Rows of `links`, `versions`, `articles` and `rejects`, each sorted by source and URL.
    """
    now, base_url, wanted = moment_shown(now), base_url.rstrip("/"), sorted(set(days))
    rows: dict[str, list[Row]] = {"links": [], "versions": [], "articles": [], "rejects": []}
    for paper in PAPERS:
        source = load_file(BUNDLED / f"{paper.name}.toml")
        in_sitemap = {s.number for s in recent(paper, now, seed)}
        for run_day in wanted:
            for story in stories_of(paper, run_day, now, seed):
                link = _link(story, source, now, base_url, story.number in in_sitemap)
                rows["links"].append(link)
                if story.kind in NO_ARTICLE:
                    rows["rejects"].append(_reject(story, source, link, now, base_url))
                else:
                    version = _version(story, source, link, now, base_url)
                    rows["versions"].append(version)
                    rows["articles"].append(_article(story, source, version))
    written = {name: [_written(r) for r in table] for name, table in rows.items()}
    return {n: sorted(t, key=lambda r: (r["source"], r["url"])) for n, t in written.items()}


def stories_of(paper: Paper, run_day: date, now: datetime, seed: int = SEED) -> list[Story]:
    """Return the pages of a run day that are shown at `now`, earliest first."""
    if not first_day(now) <= run_day <= now.date() + _ONE_DAY:
        return []
    near = [s for n in (-1, 0, 1) for s in day(paper, run_day + timedelta(days=n), seed)]
    return [s for s in near if s.run_day == run_day and shown(s, now)]


def _link(story: Story, source: Source, now: datetime, base_url: str, in_sitemap: bool) -> Row:
    url = _clean(base_url + story.listed_path)
    routes = {"dated", "sitemap"} if in_sitemap else {"dated"}
    return {
        "run_day": story.run_day,
        "source": source.name,
        "link_id": link_id(source.name, url),
        "url": url,
        "host": host_of(url),
        "routes": sorted(routes),
        "listings": sorted(
            li.url.replace(f"http://{SAMPLE_HOST}", base_url)
            for li in source.listing
            if li.kind in routes
        ),
        "listed_title": story.title,
        "listed_at": None if story.listed_by_date else story.published_at,
        "listed_day": story.local_date,
        "updated_at": lastmod(story, now),
    }


def _reject(story: Story, source: Source, link: Row, now: datetime, base_url: str) -> Row:
    row = {
        "run_day": story.run_day,
        "source": source.name,
        "link_id": link["link_id"],
        "url": link["url"],
        "reason": _REASONS[story.kind],
        "status": None if story.kind is Kind.FORBIDDEN else story.status,
        "source_version": source.version,
    }
    if story.kind is Kind.GONE:
        row["payload_sha256"] = sha256(pages.not_found(story.paper)).hexdigest()
    elif story.kind is Kind.FORBIDDEN:
        row["payload_sha256"] = None
    else:
        row["payload_sha256"] = sha256(pages.payload(story, now, base_url)).hexdigest()
    return row


def _version(story: Story, source: Source, link: Row, now: datetime, base_url: str) -> Row:
    state, labels = story.state(now), story.markup is Markup.LABELS
    canonical = None if labels else _clean(base_url + story.path)
    payload = sha256(pages.payload(story, now, base_url)).hexdigest()
    identity = article_id(source.name, canonical or link["url"])
    published = _published(story)
    other = embedded_in(story)
    return {
        "run_day": story.run_day,
        "version_id": version_id(identity, payload),
        "article_id": identity,
        "source": source.name,
        "url": link["url"],
        "link_id": link["link_id"],
        "canonical_url": canonical,
        "part": 0,
        "title": story.title,
        "text": "\n\n".join(state.paragraphs),
        "authors": list(story.authors),
        "published_at": published.at,
        "published_day": published.day,
        "published_precision": published.precision,
        "modified_at": _modified_at(story, now),
        "summary": None if labels else story.summary,
        "keywords_raw": pages.keywords_line(story),
        "keywords": list(story.keywords),
        "section": story.section,
        "language": story.language,
        "image_url": pages.image_url(story, base_url),
        "origin": story.origin,
        "related": [_clean(base_url + other.path)] if other else [],
        "parent_article_id": None,
        "source_version": source.version,
        "payload_sha256": payload,
    }


def _article(story: Story, source: Source, version: Row) -> Row:
    at = version["published_at"]
    local_date = story.paper.local(at).date() if at else version["published_day"]
    own = {
        k: v for k, v in version.items() if k not in ("run_day", "link_id", "canonical_url", "part")
    }
    return {
        "article_day": version["published_day"],
        **own,
        "url": version["canonical_url"] or version["url"],
        "published_local_date": local_date,
        "country": source.country,
        "versions": 1,
        "first_run_day": version["run_day"],
        "last_run_day": version["run_day"],
    }


def _published(story: Story) -> _Stated:
    """Return when a story was published: as its page says, else as its listing says."""
    if story.kind is not Kind.UNDATED:
        return _stated(story, story.stated_at)
    if story.listed_by_date:
        return _Stated(None, story.local_date, "day")
    return _Stated(story.published_at, story.local_date, "second")


def _stated(story: Story, moment: datetime) -> _Stated:
    """Return how exactly the page of a story tells a moment of it."""
    local = story.paper.local(moment)
    if story.kind is Kind.DAY_ONLY:
        return _Stated(None, local.date(), "day")
    if story.markup is not Markup.LABELS or (story.new_layout and story.paper.language == "en"):
        return _Stated(moment, moment.date() if story.in_utc else local.date(), "second")
    return _Stated(moment.replace(second=0), local.date(), "minute")


def _modified_at(story: Story, now: datetime) -> datetime | None:
    since = story.state(now).since
    if story.kind in (Kind.UNDATED, Kind.DAY_ONLY):
        return None
    if since != story.published_at:
        # Of a change, labels tell readers alone: to the minute.
        return since.replace(second=0) if story.markup is Markup.LABELS else since
    # JSON-LD says so even of pages that never changed.
    return story.stated_at if story.markup is Markup.JSONLD else None


def _clean(url: str) -> str:
    cleaned = clean_url(url)
    if cleaned is None:
        raise ValueError(f"not a web address: {url!r}")
    return cleaned


def _written(row: Row) -> Row:
    return {k: v.isoformat() if isinstance(v, date | datetime) else v for k, v in row.items()}
