"""The few functions that join I/O to pure code. DAGs and the command line call nothing else.

    discover -> links      parse -> versions or rejects
    fetch    -> captures   publish -> articles, coverage, the snapshot

Each is a function of what the step before left on disk and replaces its own partition whole;
`captures` are only ever added to. Every step can be run again, in any order of days, and beside
itself.
"""

import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import coverage
from newsarchive import discover as discovery
from newsarchive import settings as settings_module
from newsarchive.articles import NO_SOURCE, merge, reject_of, versions_of
from newsarchive.days import days_between, today
from newsarchive.discover.links import Archived
from newsarchive.discover.links import discover as discover_links
from newsarchive.errors import ArchiveError
from newsarchive.fetch.session import Fetched, Fetcher, Request
from newsarchive.fetch.warc import WarcFiles, read_record
from newsarchive.model import Capture, Link, ListingState, Refused, Reject, Version
from newsarchive.outcome import Outcome
from newsarchive.parse import PARSER_VERSION
from newsarchive.parse.document import parse_document
from newsarchive.parse.page import parse_page
from newsarchive.schema import (
    ALIASES,
    ARTICLE_INDEX,
    ARTICLES,
    CAPTURES,
    COVERAGE,
    LINKS,
    LISTINGS,
    REJECTS,
    VERSIONS,
)
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive, committing, rows_of
from newsarchive.text.identity import capture_id, clean_url, host_of

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""What is being done, how many of it are done, out of how many."""

IMPORTS = "imports"
_BATCH = 500  # captures between two commits: what a kill can cost
_BATCH_SECONDS = 30.0
_MEMORY_DAYS = 30  # how far back a feed's last poll is looked for
_PARALLEL_FROM = 48  # pages; below that starting processes costs more than it gives
_CHUNK = 8


def quiet(what: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step works: settings, the archive, and the sources that are on."""

    settings: Settings
    archive: Archive
    declared: dict[str, Source]
    sources: dict[str, Source]

    @property
    def root(self) -> Path:
        return self.archive.root


def _place(settings: Settings | None) -> _Place:
    settings = settings or settings_module.load()
    declared = settings.all_sources()
    on = {n: s for n, s in declared.items() if s.matches(settings.sources)}
    if not on:
        raise ArchiveError(
            f"no source is on: the setting sources = {','.join(settings.sources)!r} names none of "
            f"{len(declared)} declared ones; `newsarchive sources list` shows them"
        )
    return _Place(settings, Archive(settings.archive_path), declared, on)


# ------------------------------------------------------------------------------------------------
# steps


def poll(settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Archive the feeds and sitemaps as they stand now, filed by the time of the exchange.

    Asks conditionally: what has not changed costs a 304.
    """
    place = _place(settings)
    now = today()
    outcome = Outcome("poll", [now])
    recent = _listing_captures(place.archive, [now - timedelta(days=1), now])
    requests = [
        _conditional(
            Request(source=s, kind=a.kind, url=a.url, listing=a.listing, route=a.route), recent
        )
        for s in place.sources.values()
        for a in discovery.polls(s)
    ]
    with _capturing(place, None, "poll", outcome) as keep:
        following = _listings(place, requests, keep, recent, now, progress)
    log.debug("poll: %d sub-sitemaps", following)
    return _done(outcome)


def discover(
    run_day: date, settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Ask the listings that can answer for a day, and make its links from what is archived.

    Each recent day before it that was run already is asked again too (`lookback`), as if it were
    run again.
    """
    place = _place(settings)
    outcome = Outcome("discover", _run_days(place, run_day))
    for day, sources in _plan(place, run_day):
        _ask_listings(place, day, sources, outcome, progress)
        _file_links(place, day, sources, outcome)
    return _done(outcome)


def fetch(
    run_day: date,
    shard: int | None = None,
    settings: Settings | None = None,
    progress: Progress = quiet,
) -> Outcome:
    """Capture the pages of `run_day`'s links that are not in the archive yet.

    Args:
        run_day: the day.
        shard: the number of a share of the hosts (by hash); None for all of them.
        settings: as loaded from the environment, if None.
        progress: told of each page.
    """
    place = _place(settings)
    name = "pages" if shard is None else f"pages-{shard}"
    outcome = Outcome("fetch" if shard is None else f"fetch_{shard}", _run_days(place, run_day))
    of = settings_module.shard_count(place.settings, place.sources)
    for day, sources in _plan(place, run_day):
        requests = [
            r
            for r in _wanted_pages(place, day, sources)
            if shard is None or _shard(r.url, of) == shard
        ]
        if not requests:
            continue
        with _capturing(place, day, name, outcome) as keep:
            fetcher, put = keep
            for done, fetched in enumerate(fetcher.fetch(requests), 1):
                put(fetched)
                progress("pages", min(done, len(requests)), len(requests))
    return _done(outcome)


def parse(run_day: date, settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Make versions and rejects of `run_day`'s captures; needs no network.

    Rows that the same parser made of the same capture are reused.
    """
    place = _place(settings)
    outcome = Outcome("parse", _run_days(place, run_day))
    for day, _ in _plan(place, run_day):
        committing(f"parse {day}", _parse_day, place, day, outcome, progress)
    return _done(outcome)


def publish(run_day: date, settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Show a day to readers: merge its versions, count its coverage, move the snapshot.

    The outcome's days are the article days that changed. What is on disk is whole whatever happens,
    and running it again finishes the work.

    Raises:
        Conflict: another writer was first too often.
    """
    place = _place(settings)
    outcome = Outcome("publish", [])
    plan = _plan(place, run_day)
    for done, (day, _) in enumerate(plan, 1):
        _show_day(place, day, outcome, place.sources)
        progress("publish", done, len(plan))
    return _done(outcome)


def run(
    run_day: date, settings: Settings | None = None, progress: Progress = quiet
) -> list[Outcome]:
    """Do the four steps of one day, as Airflow's `archive_day` does."""
    return [
        discover(run_day, settings, progress),
        fetch(run_day, None, settings, progress),
        parse(run_day, settings, progress),
        publish(run_day, settings, progress),
    ]


def reparse(
    first: date, last: date, settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Parse what is archived of a range of run days again, and publish it; needs no network.

    Only captures that another parser or source file was used on are parsed.
    """
    place = _place(settings)
    outcome = Outcome("reparse", [])
    there = set(place.archive.open("captures").days())
    days = [d for d in days_between(first, last) if d in there]
    for done, day in enumerate(days, 1):
        committing(f"parse {day}", _parse_day, place, day, outcome, progress)
        _show_day(place, day, outcome)
        progress("days", done, len(days))
    return _done(outcome)


def import_files(
    files: Sequence[Path],
    source: str = IMPORTS,
    settings: Settings | None = None,
    progress: Progress = quiet,
) -> Outcome:
    """Take plain-text articles into the archive: keep their bytes, parse and publish them.

    The run day is today; the articles are filed under the day that they state. Bytes that are in
    the archive already add nothing.

    Raises:
        ArchiveError: a file cannot be read; none is imported then.
    """
    place = _place(settings)
    run_day = today()
    outcome = Outcome("import", [])
    bodies = []
    for file in files:
        try:
            bodies.append((file, file.read_bytes()))
        except OSError as error:
            raise ArchiveError(f"{file}: cannot be read: {error.strerror or error}") from None
    known = _imported(place.archive, source)
    captures: list[Capture] = []
    with WarcFiles(place.root, "imports", place.settings.user_agent) as warc:
        for done, (file, body) in enumerate(bodies, 1):
            digest = hashlib.sha256(body).hexdigest()
            outcome.add(source, "documents")
            if digest in known:
                outcome.add(source, "known already")
            else:
                known.add(digest)
                outcome.add(source, "new")
                now = datetime.now(UTC)
                urn = f"urn:sha256:{digest}"
                stored = warc.write_resource(run_day, urn, body, "text/plain", now)
                captures.append(
                    Capture(
                        run_day=run_day,
                        capture_id=capture_id(
                            run_day, source, file.name, "first", 1, 0, "ok", None, digest
                        ),
                        source=source,
                        kind="import",
                        url=file.name,
                        link_id=None,
                        listing=None,
                        route=None,
                        visit="first",
                        attempt=1,
                        hop=0,
                        outcome="ok",
                        captured_at=now,
                        content_type="text/plain",
                        payload_bytes=len(body),
                        payload_sha256=digest,
                        warc_path=stored.path,
                        warc_offset=stored.offset,
                        warc_length=stored.length,
                        warc_record_id=stored.record_id,
                        record_sha256=stored.sha256,
                    )
                )
            progress("documents", done, len(bodies))
    place.archive.append("captures", rows_of(captures, CAPTURES))
    unfinished = {c.run_day for c in captures} or _unpublished_imports(place, source)
    for day in sorted(unfinished):
        committing(f"parse {day}", _parse_day, place, day, outcome, progress)
        _show_day(place, day, outcome)
    return _done(outcome)


# -------------------------------------------------------------------------------------- which days,
# which sources


def _plan(place: _Place, run_day: date) -> list[tuple[date, list[Source]]]:
    """Return the days to work on, each with its sources: the run's own, then those redone.

    A day is redone while it is recent: a run of a day long past finds listings that have settled.
    """
    plan = [(run_day, list(place.sources.values()))]
    most = max((s.politeness.lookback for s in place.sources.values()), default=0)
    before = [run_day - timedelta(days=n) for n in range(1, most + 1)]
    before = [d for d in before if today() - d <= timedelta(days=most + 1)]
    if not before:
        return plan
    ran = place.archive.open("coverage").read(before, ["run_day", "source"])
    pairs = set(zip(ran["run_day"].to_pylist(), ran["source"].to_pylist(), strict=True))
    for day in before:
        again = [
            s
            for s in place.sources.values()
            if (run_day - day).days <= s.politeness.lookback and (day, s.name) in pairs
        ]
        if again:
            plan.append((day, again))
    return plan


def _run_days(place: _Place, run_day: date) -> list[date]:
    return [day for day, _ in _plan(place, run_day)]


def _shard(url: str, of: int) -> int:
    return int.from_bytes(hashlib.sha256(host_of(url).encode()).digest()[:4]) % of


# ------------------------------------------------------------------------------------------------
# captures


_Put = Callable[[Fetched], None]


@contextmanager
def _capturing(
    place: _Place, run_day: date | None, name: str, outcome: Outcome
) -> Iterator[tuple[Fetcher, _Put]]:
    """Yield a fetcher, and a function that keeps what it fetched: WARC files and `captures`.

    Rows are committed in batches, each after its WARC file is whole: a kill costs the batch at
    most.
    """
    waiting: list[Capture] = []
    since = monotonic()
    with Fetcher(place.settings, run_day, place.root, name) as fetcher:

        def commit() -> None:
            nonlocal since
            fetcher.roll()
            if waiting:
                place.archive.append("captures", rows_of(waiting, CAPTURES))
                waiting.clear()
            since = monotonic()

        def put(fetched: Fetched) -> None:
            waiting.extend(fetched.captures)
            source = fetched.request.source.name
            if fetched.request.kind != "robots":
                outcome.add(source, "asked")
                outcome.add(source, fetched.last.outcome if fetched.captures else "not asked")
            if len(waiting) >= _BATCH or monotonic() - since > _BATCH_SECONDS:
                commit()

        try:
            yield fetcher, put
        finally:
            commit()


def _page_outcomes(captures: pa.Table) -> dict[str, dict[str, Any]]:
    """Return how each link's visit ended, by link id: the latest with bytes, else the latest."""
    ended: dict[str, dict[str, Any]] = {}
    for row in captures.to_pylist():
        if row["link_id"] is None or row["outcome"] == "redirect":
            continue
        other = ended.get(row["link_id"])
        if other is None or _rank(row) > _rank(other):
            ended[row["link_id"]] = row
    return ended


def _rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["outcome"] == "ok", row["captured_at"], row["attempt"], row["hop"], row["capture_id"]


def _wanted_pages(place: _Place, day: date, sources: Iterable[Source]) -> list[Request]:
    by_name = {s.name: s for s in sources}
    links = place.archive.open("links").read([day], ["link_id", "url", "source"])
    captures = place.archive.open("captures").read([day], where=pc.field("kind") == "page")
    ended = _page_outcomes(captures)
    attempts: dict[str, int] = defaultdict(int)
    for identity, attempt in zip(
        captures["link_id"].to_pylist(), captures["attempt"].to_pylist(), strict=True
    ):
        attempts[identity] = max(attempts[identity], attempt)
    return [
        Request(
            source=by_name[row["source"]],
            kind="page",
            url=row["url"],
            link_id=row["link_id"],
            attempts_before=attempts[row["link_id"]],
        )
        for row in links.to_pylist()
        if row["source"] in by_name
        and not (
            (end := ended.get(row["link_id"]))
            and coverage.is_definitive(end["outcome"], end["status"])
        )
    ]


# ------------------------------------------------------------------------------------------------
# listings


def _listing_captures(archive: Archive, days: Iterable[date]) -> list[dict[str, Any]]:
    """Return the captures of listings filed under some days, earliest first, redirects left out."""
    rows = archive.open("captures").read(days, where=pc.field("listing").is_valid())
    kept: list[dict[str, Any]] = [r for r in rows.to_pylist() if r["outcome"] != "redirect"]
    return sorted(kept, key=lambda r: (r["captured_at"], r["capture_id"]))


def _asked_url(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["source"], row["url"]


def _conditional(request: Request, archived: Iterable[Mapping[str, Any]]) -> Request:
    """Return the request with the validators of the latest archived answer that has bytes."""
    latest = None
    for row in archived:
        if row["outcome"] == "ok" and _asked_url(row) == (request.source.name, request.url):
            latest = row
    if latest is None:
        return request
    return replace(request, etag=latest["etag"], last_modified=latest["last_modified"])


def _listings(
    place: _Place,
    requests: list[Request],
    keep: tuple[Fetcher, _Put],
    archived: list[dict[str, Any]],
    day: date,
    progress: Progress,
) -> int:
    """Fetch listings and the sub-sitemaps an index names for `day`; return how many those were."""
    fetcher, put = keep
    asked = {(r.source.name, r.url) for r in requests}
    wave, followed = requests, 0
    while wave:
        following: list[Request] = []
        for done, fetched in enumerate(fetcher.fetch(wave), 1):
            put(fetched)
            progress("listings", min(done, len(wave)), len(wave))
            body = _listing_body(place, fetched, archived)
            if body is None:
                continue
            page = discovery.read(body, fetched.last.url, fetched.last.content_type)
            for url in discovery.children_for(page, day, fetched.request.source.timezone):
                parent = fetched.request
                if (parent.source.name, url) not in asked:
                    asked.add((parent.source.name, url))
                    child = replace(parent, kind="sitemap", url=url, etag=None, last_modified=None)
                    following.append(_conditional(child, archived))
        followed += len(following)
        wave = following
    return followed


def _listing_body(place: _Place, fetched: Fetched, archived: list[dict[str, Any]]) -> bytes | None:
    """Return what a listing says now: the new bytes, or after a 304 those that are archived."""
    if not fetched.captures or fetched.request.kind != "sitemap":
        return None
    if fetched.last.outcome == "ok":
        return fetched.body
    if fetched.last.outcome == "not_modified":
        for row in reversed(archived):
            if row["outcome"] == "ok" and _asked_url(row) == (
                fetched.request.source.name,
                fetched.request.url,
            ):
                return read_record(
                    place.root, row["warc_path"], row["warc_offset"], row["warc_length"]
                ).body
    return None


def _ask_listings(
    place: _Place, day: date, sources: Sequence[Source], outcome: Outcome, progress: Progress
) -> None:
    archived = _listing_captures(place.archive, [day])
    requests = [
        _conditional(
            Request(source=s, kind=a.kind, url=a.url, listing=a.listing, route=a.route), archived
        )
        for s in sources
        for a in discovery.asks(s, day)
    ]
    if requests:
        with _capturing(place, day, "listings", outcome) as keep:
            _listings(place, requests, keep, archived, day, progress)


def _file_links(place: _Place, day: date, sources: Sequence[Source], outcome: Outcome) -> None:
    """Make the links of a day, for some sources, from what is archived of their listings."""

    def work() -> dict[str, int]:
        targets = place.archive.open_all("links", "listings")
        rows = _listing_captures(place.archive, [day])
        earlier = _listing_captures(
            place.archive, [day - timedelta(days=n) for n in range(1, _MEMORY_DAYS + 1)]
        )
        pages = _Pages(place.root)
        links: list[Link] = []
        states: list[ListingState] = []
        for source in sources:
            own = [r for r in rows if r["source"] == source.name]
            archived = [a for r in own if (a := pages.archived(r))]
            memory = [a for r in _memory(earlier, source.name, day) if (a := pages.archived(r))]
            found = discover_links(source, day, archived, memory)
            links += found.links
            states += _listing_states(source, day, own, archived, found.links, found.gaps)
        names = [s.name for s in sources]
        others = ~pc.field("source").isin(names)
        for name, new, table in (("links", links, LINKS), ("listings", states, LISTINGS)):
            target = targets[name]
            target.replace(
                pa.concat_tables([target.read([day], where=others), rows_of(new, table)]), [day]
            )
        counts = dict.fromkeys(names, 0)
        for link in links:
            counts[link.source] += 1
        return counts

    for name, number in committing(f"discover {day}", work).items():
        outcome.add(name, "links", number)


def _memory(earlier: list[dict[str, Any]], source: str, day: date) -> list[dict[str, Any]]:
    """Return a source's polls before `day` that tell which entries are old.

    Those of the two days before, and for a listing that had none there the last one of any earlier
    day.
    """
    polls = [
        r
        for r in earlier
        if r["source"] == source and r["route"] != "dated" and r["outcome"] == "ok"
    ]
    near = [r for r in polls if r["run_day"] >= day - timedelta(days=2)]
    seen = {r["listing"] for r in near}
    last = {r["listing"]: r for r in polls if r["listing"] not in seen}
    return [*last.values(), *near]


class _Pages:
    """Archived listings with their content read, each different body once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[tuple[str, str], discovery.Page] = {}

    def archived(self, row: Mapping[str, Any]) -> Archived | None:
        """Return the listing that a capture holds; None where it holds no bytes."""
        if row["outcome"] != "ok":
            return None
        key = row["url"], row["payload_sha256"]
        if key not in self._read:
            record = read_record(
                self._root, row["warc_path"], row["warc_offset"], row["warc_length"]
            )
            self._read[key] = discovery.read(record.body, row["url"], row["content_type"])
        return Archived(
            captured_at=row["captured_at"],
            listing=row["listing"],
            route=row["route"],
            url=row["url"],
            page=self._read[key],
            payload_sha256=row["payload_sha256"],
        )


def _listing_states(
    source: Source,
    day: date,
    captures: Sequence[Mapping[str, Any]],
    archived: Sequence[Archived],
    links: Sequence[Link],
    gaps: Mapping[str, str],
) -> list[ListingState]:
    """Return what each listing of a source answered for a day, those that could and did not too."""
    routes = {a.listing: a.route for a in discovery.asks(source, day)}
    routes |= {r["listing"]: r["route"] for r in captures}
    states = []
    for listing, route in sorted(routes.items()):
        last: dict[str, Mapping[str, Any]] = {}
        for row in captures:
            if row["listing"] == listing:
                last[row["url"]] = row
        ended = [(r["outcome"], r["status"]) for r in last.values()]
        answered = [o in ("ok", "not_modified") for o, _ in ended]
        absent = [s in (404, 410) for _, s in ended]
        if ended and all(answered):
            status = "answered"
        elif ended and all(a or b for a, b in zip(answered, absent, strict=True)):
            # One of several local dates may lie outside of what the site keeps.
            status = "answered" if any(answered) else "not_found"
        else:
            status = "failed"
        problems = sorted(
            {a.page.problem for a in archived if a.listing == listing and a.page.problem}
        )
        states.append(
            ListingState(
                run_day=day,
                source=source.name,
                listing=listing,
                route=route,
                status=status,
                links=sum(1 for link in links if listing in link.listings),
                gap=gaps.get(listing),
                problem="; ".join(problems) or None,
            )
        )
    return states


# ------------------------------------------------------------------------------------------------
# parsing


@dataclass(frozen=True, slots=True)
class _Job:
    """One capture to parse, with all that parsing it needs."""

    root: Path
    capture: Capture
    link: Link | None
    final_url: str
    source: Source | None


def _parse_day(place: _Place, day: date, outcome: Outcome, progress: Progress) -> None:
    targets = place.archive.open_all("versions", "rejects", "aliases")
    captures = place.archive.open("captures").read(
        [day], where=pc.field("kind").isin(["page", "import"])
    )
    links = {
        row["link_id"]: Link(**row) for row in place.archive.open("links").read([day]).to_pylist()
    }
    old = targets["versions"].read([day]).to_pylist()
    old_rejects = targets["rejects"].read([day]).to_pylist()
    reusable: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in (*old, *old_rejects):
        reusable[row["capture_id"], row["parser_version"], row["source_version"]].append(row)

    ended = list(_page_outcomes(captures).values())
    ended += _first_of_each_import(captures)
    jobs: list[_Job] = []
    versions: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for row in ended:
        source = place.declared.get(row["source"])
        key = row["capture_id"], PARSER_VERSION, source.version if source else NO_SOURCE
        if key in reusable:
            for reused in reusable[key]:
                (versions if "version_id" in reused else rejects).append(reused)
            continue
        capture = Capture(**row)
        final = clean_url(capture.url) or capture.url
        jobs.append(_Job(place.root, capture, links.get(capture.link_id or ""), final, source))
    made_versions: list[Version] = []
    made_rejects: list[Reject] = []
    for done, made in enumerate(_parsed(jobs), 1):
        for record in made:
            (made_versions if isinstance(record, Version) else made_rejects).append(record)  # type: ignore[arg-type]
        progress("parsed", done, len(jobs))
    new_versions = pa.concat_tables(
        [_table(versions, VERSIONS.arrow), rows_of(made_versions, VERSIONS)]
    )
    new_rejects = pa.concat_tables([_table(rejects, REJECTS.arrow), rows_of(made_rejects, REJECTS)])
    targets["versions"].replace(new_versions, [day])
    targets["rejects"].replace(new_rejects, [day])
    _keep_aliases(targets["aliases"], day, old, made_versions)
    for name in new_versions["source"].to_pylist():
        outcome.add(name, "versions")
    for name in new_rejects["source"].to_pylist():
        outcome.add(name, "rejects")
    outcome.notes.append(f"{day}: {len(jobs)} parsed, {len(ended) - len(jobs)} reused")


def _first_of_each_import(captures: pa.Table) -> list[dict[str, Any]]:
    """Return one capture for each document: bytes that two imports added at once are one."""
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in captures.to_pylist():
        if row["kind"] == "import":
            key = row["source"], row["payload_sha256"]
            first[key] = min(
                first.get(key, row), row, key=lambda r: (r["captured_at"], r["capture_id"])
            )
    return list(first.values())


def _parsed(jobs: list[_Job]) -> Iterator[list[Version | Reject]]:
    """Yield the rows of each job, in order; many jobs share all cores."""
    if len(jobs) < _PARALLEL_FROM or (os.cpu_count() or 1) < 2:
        yield from map(parse_one, jobs)
        return
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(parse_one, jobs, chunksize=_CHUNK)


def parse_one(job: _Job) -> list[Version | Reject]:
    """Return the rows that one capture becomes: versions, or one reject."""
    capture, link, source = job.capture, job.link, job.source
    if capture.outcome != "ok":
        detail = capture.error or (f"HTTP {capture.status}" if capture.status else None)
        return [reject_of(Refused(capture.outcome, detail), capture, link, source)]
    try:
        record = read_record(
            job.root, capture.warc_path or "", capture.warc_offset or 0, capture.warc_length or 0
        )
    except ArchiveError as error:
        return [reject_of(Refused("bytes_lost", str(error)), capture, link, source)]
    if capture.kind == "import":
        found = parse_document(record.body, name=capture.url)
    else:
        found = parse_page(
            record.body,
            url=job.final_url,
            content_type=capture.content_type,
            source=source,
            link=link,
            captured_at=capture.captured_at,
        )
    if isinstance(found, Refused):
        return [reject_of(found, capture, link, source)]
    return list(versions_of(found, capture, link, job.final_url, source))


def _keep_aliases(
    target: Any, day: date, old: Sequence[Mapping[str, Any]], new: Sequence[Version]
) -> None:
    """Record the former id of each article that the parser now gives another one."""
    before = {(r["source"], r["url"], r["part"]): r["article_id"] for r in old}
    changed = {
        (former, v.article_id)
        for v in new
        if (former := before.get((v.source, v.url, v.part))) and former != v.article_id
    }
    if changed:
        known = {(r["alias_id"], r["article_id"]) for r in target.read([day]).to_pylist()}
        rows = [
            {"run_day": day, "alias_id": a, "article_id": b} for a, b in sorted(known | changed)
        ]
        target.replace(_table(rows, ALIASES.arrow), [day])


# ------------------------------------------------------------------------------------------------
# publishing


def _show_day(place: _Place, day: date, outcome: Outcome, asked: Iterable[str] = ()) -> None:
    """Publish a run day as the only publisher, and add the article days changed to the outcome.

    Args:
        place: where.
        day: the run day.
        outcome: what the step did.
        asked: names of the sources whose listings the day's run asks; an import or a reparse asks
            none.
    """
    with snapshot.publishing(place.root):
        changed = committing(f"publish {day}", _publish_day, place, day, outcome, asked)
    outcome.days = sorted({*outcome.days, *changed})


def _publish_day(place: _Place, day: date, outcome: Outcome, asked: Iterable[str]) -> list[date]:
    """Commit articles, index, coverage, snapshot of a run day; return article days changed."""
    targets = place.archive.open_all(
        "articles",
        "article_index",
        "coverage",
        "captures",
        "versions",
        "rejects",
        "links",
        "listings",
        "aliases",
    )
    versions = targets["versions"].read([day])
    _compact(targets["captures"], day)

    index = targets["article_index"]
    known_here = index.read([day.replace(day=1)], ["article_id"], pc.field("run_day") == day)
    touched = pc.unique(
        pa.chunked_array(
            [*versions["article_id"].chunks, *known_here["article_id"].chunks], pa.string()
        )
    )
    of_touched = pc.field("article_id").isin(touched)
    filed = index.read(where=of_touched)
    other_days = sorted(set(filed["run_day"].to_pylist()) - {day})
    others = targets["versions"].read(other_days, where=of_touched)
    articles = merge([*versions.to_pylist(), *others.to_pylist()], place.declared)

    changed = sorted({*filed["article_day"].to_pylist(), *(a.article_day for a in articles)})
    untouched = targets["articles"].read(changed, where=~of_touched)
    targets["articles"].replace(pa.concat_tables([untouched, rows_of(articles, ARTICLES)]), changed)
    _file_index(targets["article_index"], articles, filed, versions, others)

    counted = _count_coverage(place, targets, day, versions, asked)
    targets["coverage"].replace(rows_of(counted, COVERAGE), [day])

    run_day_tables = ("links", "listings", "captures", "versions", "rejects", "coverage", "aliases")
    finished = {name: _named(targets[name], [day]) for name in run_day_tables}
    finished["articles"] = _named(targets["articles"], changed)
    finished["article_index"] = _named(targets["article_index"], _months(day, filed, articles))
    snapshot.build(place.root, finished, place.declared.values())

    for article in articles:
        outcome.add(article.source, "articles")
    for row in counted:
        if asked:  # else parsing counted them, in the same outcome
            outcome.add(row.source, "rejects", row.rejected)
        outcome.notes.append(
            f"{day} {row.source}: {row.status}{f' ({row.note})' if row.note else ''}"
        )
    return changed


def _named(target: Any, days: Iterable[date]) -> dict[date, list[str]]:
    by_day: dict[date, list[str]] = {day: [] for day in days}
    for day, path in target.files(by_day):
        by_day[day].append(path)
    return by_day


def _months(day: date, filed: pa.Table, articles: Iterable[Any]) -> set[date]:
    months = {d.replace(day=1) for d in filed["run_day"].to_pylist()}
    return months | {day.replace(day=1)}


def _file_index(
    target: Any, articles: Sequence[Any], filed: pa.Table, versions: pa.Table, others: pa.Table
) -> None:
    """Record where the touched articles' versions are, and under which day each is filed."""
    article_day = {a.article_id: a.article_day for a in articles}
    pairs = {
        (row_day, identity)
        for table in (versions, others)
        for row_day, identity in zip(
            table["run_day"].to_pylist(), table["article_id"].to_pylist(), strict=True
        )
    }
    rows = [
        {
            "run_month": d.replace(day=1),
            "run_day": d,
            "article_id": i,
            "article_day": article_day[i],
        }
        for d, i in pairs
    ]
    months = {r["run_month"] for r in rows} | {
        d.replace(day=1) for d in filed["run_day"].to_pylist()
    }
    touched = pa.array({*article_day, *filed["article_id"].to_pylist()}, pa.string())
    kept = target.read(months, where=~pc.field("article_id").isin(touched))
    target.replace(pa.concat_tables([kept, _table(rows, ARTICLE_INDEX.arrow)]), months)


def _compact(target: Any, day: date) -> None:
    """Leave one sorted file of a day's captures, which were committed in batches."""
    if len(target.files([day])) > 1:
        target.replace(target.read([day]), [day])


def _count_coverage(
    place: _Place,
    targets: Mapping[str, Any],
    day: date,
    versions: pa.Table,
    asked: Iterable[str],
) -> list[Any]:
    ran = targets["coverage"].read([day], ["source"])["source"].to_pylist()
    pages = targets["captures"].read([day], where=pc.field("kind") == "page")
    outcomes = {i: (r["outcome"], r["status"]) for i, r in _page_outcomes(pages).items()}
    by_source: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for name, table in (
        ("links", targets["links"].read([day], ["source", "link_id"])),
        ("listings", targets["listings"].read([day])),
        ("versions", versions.select(["source", "article_id", "link_id", "part"])),
        (
            "rejects",
            targets["rejects"].read([day], ["source", "link_id", "reason", "payload_sha256"]),
        ),
    ):
        for row in table.to_pylist():
            by_source[row["source"]][name].append(row)
    return [
        coverage.count(
            day,
            (source := place.declared.get(name)),
            name,
            bool(source and discovery.asks(source, day)),
            by_source[name]["listings"],
            by_source[name]["links"],
            outcomes,
            by_source[name]["versions"],
            by_source[name]["rejects"],
        )
        for name in sorted({*asked, *ran, *by_source})
    ]


# ------------------------------------------------------------------------------------------------
# imports


def _imported(archive: Archive, source: str) -> set[str]:
    """Return the SHA-256 of every document that was imported under a source's name."""
    rows = archive.open("captures").read(
        columns=["payload_sha256"],
        where=(pc.field("kind") == "import") & (pc.field("source") == source),
    )
    return {d for d in rows["payload_sha256"].to_pylist() if d}


def _unpublished_imports(place: _Place, source: str) -> set[date]:
    """Return the run days of imports that an earlier import kept but did not get to publish."""
    imports = (pc.field("kind") == "import") & (pc.field("source") == source)
    kept = place.archive.open("captures").read(columns=["run_day"], where=imports)
    shown = place.archive.open("coverage").read(
        columns=["run_day"], where=pc.field("source") == source
    )
    return set(kept["run_day"].to_pylist()) - set(shown["run_day"].to_pylist())


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)


def _done(outcome: Outcome) -> Outcome:
    log.info("%s", outcome.table())
    return outcome
