"""What a right archive of the sample newspapers holds, as rows.

The rows have every lasting column that follows from what the newspapers publish. Left out is what
belongs to the archive itself: parser version, evidence and confidence, word counts, cited
agencies, folded sums, details in words.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from newsarchive.sample import pages
from newsarchive.sample.clock import moment_shown
from newsarchive.sample.generate import (
    ENGLISH,
    NO_ARTICLE,
    PAPERS,
    SEED,
    Kind,
    Markup,
    Paper,
    State,
    Story,
    day,
    embedded_in,
    of_path,
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

_OF_VERSIONS = {"run_day", "link_id", "canonical_url", "part", "visit", "changes"}
_OF_VERSIONS |= {"captured_at", "seen_until"}
"""Columns of versions that articles have not."""

_ONE_DAY = timedelta(days=1)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visited:
    """A link of a run day, and when its page was asked for."""

    run_day: date
    source: str
    url: str
    """Cleaned."""
    routes: frozenset[str]
    """The kinds of listing that had it."""
    visits: tuple[tuple[datetime, str], ...]
    """The newspapers' clock and the label of each visit that ended in an answer, in order."""


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
    at `now`, and without polls of feeds. Days that they do not show have no rows, nor have pages
    that were deleted by then. Times are ISO 8601 in UTC, days ISO dates.

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
                    version |= {"visit": "first", "state": "live", "changes": []}
                    rows["versions"].append(version)
                    rows["articles"].append(_article(story, source, version))
    return _sorted(rows)


def truth_of_visits(
    links: Iterable[Visited], base_url: str, seed: int = SEED
) -> dict[str, list[Row]]:
    """Return the rows that are right once the pages of some links were visited at given times.

    Besides the lasting columns there are the times that follow from the visits, as the newspapers'
    clock showed them: `captured_at` and `seen_until` of versions, `first_seen`, `last_seen` and
    `gone_at` of articles.

    Args:
        links: each link once per run day.
        base_url: where they are served: scheme, name and port.
        seed: of everything that is published.

    Returns:
        Rows of `versions` (in order of time for each link), `articles` and `rejects`.
    """
    base_url = base_url.rstrip("/")
    papers = {p.name: p for p in PAPERS}
    sources = {name: load_file(BUNDLED / f"{name}.toml") for name in papers}
    rows: dict[str, list[Row]] = {"versions": [], "articles": [], "rejects": []}
    of_story: dict[Story, list[Row]] = defaultdict(list)
    for visited in links:
        source = sources[visited.source]
        story = of_path(papers[visited.source], urlsplit(visited.url).path, seed)
        if story is None:
            raise ValueError(f"no page of the newspapers: {visited.url}")
        versions, reject = _told(story, source, visited, base_url)
        rows["versions"] += versions
        rows["rejects"] += [reject] if reject else []
        of_story[story] += versions
    for story, versions in of_story.items():
        source = sources[story.paper.name]
        if any("moved" in v["changes"] for v in versions):
            # One who saw it move knows that both addresses are of one article: the former's.
            first_address = _clean(base_url + story.path)
            for version in versions:
                version["article_id"] = article_id(source.name, first_address)
        for identity in sorted({v["article_id"] for v in versions}):
            own = [v for v in versions if v["article_id"] == identity]
            rows["articles"].append(_merged(story, source, own))
    return _sorted(rows)


def _told(
    story: Story, source: Source, visited: Visited, base_url: str
) -> tuple[list[Row], Row | None]:
    """Return the versions that the visits of one link tell, or its reject."""
    link: Row = {
        "run_day": visited.run_day,
        "link_id": link_id(visited.source, visited.url),
        "url": visited.url,
        **_listed(story, visited.routes),
    }
    versions: list[Row] = []
    before: State | None = None
    for at, label in visited.visits:
        state = story.state(at)
        if story.kind in NO_ARTICLE or (state.deleted and not versions):
            return [], _reject(story, source, link, at, base_url)
        changes = _changes(before, state)
        if before is not None and not changes:
            versions[-1]["seen_until"] = at
            continue
        if state.deleted:
            row = versions[-1] | {"payload_sha256": _sum(pages.not_found(story.paper))}
            row["version_id"] = version_id(
                row["article_id"], f"gone after {versions[-1]['version_id']}"
            )
        else:
            row = _version(story, source, link, at, base_url)
        if versions:  # it stays the article that it was
            row["article_id"] = versions[0]["article_id"]
            if not state.deleted:
                row["version_id"] = version_id(row["article_id"], row["payload_sha256"])
        row |= {
            "visit": label,
            "state": "gone" if state.deleted else "live",
            "changes": changes,
            "captured_at": at,
            "seen_until": at,
        }
        versions.append(row)
        before = state
    return versions, None


def _changes(before: State | None, after: State) -> list[str]:
    """Return in words what differs between two states, in the order of the column `changes`."""
    if before is None or before == after:
        return []
    if after.deleted:
        return [] if before.deleted else ["gone"]
    differ = {
        "title": before.title != after.title,
        "text": before.paragraphs != after.paragraphs,
        "date": before.redated != after.redated,
        "moved": before.moved != after.moved,
    }
    return [word for word, so in differ.items() if so]


def _listed(story: Story, routes: frozenset[str]) -> Row:
    """Return the time and day that a link has from its listings: the better of what they give."""
    timed = "feed" in routes or not story.listed_by_date  # feeds give every entry a time
    # The English feeds write UTC, everything else is local. Of two days with one time the earlier.
    alone = routes == {"feed"} or (story.listed_by_date and "feed" in routes)
    in_utc = story.paper is ENGLISH and alone
    return {
        "listed_at": story.published_at if timed else None,
        "listed_day": story.published_at.date() if in_utc else story.local_date,
    }


def _merged(story: Story, source: Source, versions: list[Row]) -> Row:
    """Return the article that versions of one or more links make."""
    last = max(versions, key=lambda r: (r["seen_until"], r["captured_at"], r["run_day"]))
    # Which of two links to one page was asked last tells nothing: the later day's is shown.
    ends: dict[tuple[date, str], Row] = {}
    for row in sorted(versions, key=lambda r: r["captured_at"]):
        ends[row["run_day"], row["url"]] = row
    same = [r for r in ends.values() if _what_is_told(r) == _what_is_told(last)]
    shown = min(same, key=lambda r: (-r["run_day"].toordinal(), r["url"]))
    gone_at = None
    if last["state"] == "gone":
        live = [r["seen_until"] for r in versions if r["state"] == "live"]
        gone = [r for r in versions if r["state"] == "gone" and r["seen_until"] > max(live)]
        gone_at = min(r["captured_at"] for r in gone)
    return {
        **_article(story, source, shown),
        "url": shown["canonical_url"] or shown["url"],
        "versions": len({_what_is_told(r) for r in versions}),
        "first_run_day": min(r["run_day"] for r in versions),
        "last_run_day": max(r["run_day"] for r in versions),
        "first_seen": min(r["captured_at"] for r in versions),
        "last_seen": last["seen_until"],
        "gone_at": gone_at,
    }


def _what_is_told(version: Row) -> tuple[str, str]:
    """Return what makes a version different from others of its article: its page or its absence."""
    gone = version["state"] == "gone"
    return version["state"], version["text"] if gone else version["payload_sha256"]


def stories_of(paper: Paper, run_day: date, now: datetime, seed: int = SEED) -> list[Story]:
    """Return the pages of a run day that are shown at `now`, earliest first."""
    if not first_day(now) <= run_day <= now.date() + _ONE_DAY:
        return []
    near = [s for n in (-1, 0, 1) for s in day(paper, run_day + timedelta(days=n), seed)]
    return [s for s in near if s.run_day == run_day and shown(s, now)]


def _link(story: Story, source: Source, now: datetime, base_url: str, in_sitemap: bool) -> Row:
    url = _clean(base_url + story.listed_path(now))
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
        "listed_title": story.state(now).title,
        **_listed(story, frozenset(routes)),
        "updated_at": lastmod(story, now),
    }


def _reject(story: Story, source: Source, link: Row, now: datetime, base_url: str) -> Row:
    state = story.state(now)
    gone = story.kind is Kind.GONE or state.deleted
    forbidden = story.kind is Kind.FORBIDDEN
    payload = None
    if gone:
        payload = _sum(pages.not_found(story.paper))
    elif not forbidden:
        payload = _sum(pages.payload(story, now, base_url))
    return {
        "run_day": link["run_day"],
        "source": source.name,
        "link_id": link["link_id"],
        "url": link["url"],
        "reason": "http_error" if gone else _REASONS[story.kind],
        "status": None if forbidden else state.status if state.deleted else story.status,
        "source_version": source.version,
        "payload_sha256": payload,
    }


def _version(story: Story, source: Source, link: Row, now: datetime, base_url: str) -> Row:
    state, labels = story.state(now), story.markup is Markup.LABELS
    canonical = None if labels else _clean(base_url + story.path_at(now))
    payload = _sum(pages.payload(story, now, base_url))
    identity = article_id(source.name, canonical or link["url"])
    published = _published(story, state, link)
    other = embedded_in(story)
    return {
        "run_day": link["run_day"],
        "version_id": version_id(identity, payload),
        "article_id": identity,
        "source": source.name,
        "url": link["url"],
        "link_id": link["link_id"],
        "canonical_url": canonical,
        "part": 0,
        "title": state.title,
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
    own = {k: v for k, v in version.items() if k not in _OF_VERSIONS}
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


def _published(story: Story, state: State, link: Row) -> _Stated:
    """Return when a story was published: as its page says, else as its listings say."""
    if story.kind is not Kind.UNDATED:
        return _stated(story, story.stated_in(state))
    return _Stated(link["listed_at"], link["listed_day"], "second" if link["listed_at"] else "day")


def _stated(story: Story, moment: datetime) -> _Stated:
    """Return how exactly the page of a story tells a moment of it."""
    local = story.paper.local(moment)
    if story.kind is Kind.DAY_ONLY:
        return _Stated(None, local.date(), "day")
    if story.markup is not Markup.LABELS or (story.new_layout and story.paper.language == "en"):
        # The newer layout shows a time in UTC beside the newspaper's own.
        in_utc = story.in_utc and not story.new_layout
        return _Stated(moment, moment.date() if in_utc else local.date(), "second")
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


def _sum(body: bytes) -> str:
    return sha256(body).hexdigest()


def _sorted(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the rows with their days and times written, sorted by source and URL."""
    written = {name: [_written(r) for r in table] for name, table in rows.items()}
    return {n: sorted(t, key=lambda r: (r["source"], r["url"])) for n, t in written.items()}


def _written(row: Row) -> Row:
    return {k: v.isoformat() if isinstance(v, date | datetime) else v for k, v in row.items()}
