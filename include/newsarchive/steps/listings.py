"""`poll` and `discover`: listings are archived, then read; links are made of what is archived."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import discover as discovery
from newsarchive.days import today
from newsarchive.discover.links import Archived, Discovered
from newsarchive.discover.links import discover as discover_links
from newsarchive.fetch.session import Fetched, Fetcher, Request
from newsarchive.fetch.warc import read_record
from newsarchive.model import ListingState
from newsarchive.outcome import Outcome
from newsarchive.schema import (
    LINKS,
    LISTINGS,
)
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.sources.load import WARC
from newsarchive.steps import ccnews, gdelt, hourly
from newsarchive.steps.archived import (
    MEMORY_DAYS,
    Pages,
    by_source,
    index_page,
    is_declared,
    listing_captures,
    memory_of,
    page_of,
)
from newsarchive.steps.capturing import Put, capturing
from newsarchive.steps.place import (
    Place,
    Progress,
    one_of,
    place_of,
    plan_of,
    quiet,
    reported,
    run_days,
)
from newsarchive.store.tables import committing, rows_of

_SHARED = (gdelt, ccnews)
"""Indexes that answer for all sources at once."""
_MOST_FILES = 12  # of the running day, in a table that each hour reads


def poll(settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Archive the feeds and sitemaps as they stand now, filed by the time of the exchange.

    Asks conditionally: what has not changed costs a 304. What they show for the first time is
    fetched, parsed and shown to readers, for each source whose `capture` is hourly.
    """
    place = place_of(settings)
    now = today()
    outcome = Outcome("poll", [now])
    recent = latest_of(listing_captures(place.archive, [now - timedelta(days=1), now], held=True))
    requests = [
        _conditional(
            Request(source=s, kind=a.kind, url=a.url, listing=a.listing, route=a.route), recent
        )
        for s in place.sources.values()
        for a in discovery.polls(s)
    ]
    known = _shown_on_pages(place, requests, now)
    with capturing(place, None, "poll", outcome) as keep:
        answered = _listings(place, requests, keep, recent, now, progress, known)
    changed = [f for f in answered if f.request.source.capture == "hourly"]
    if changed:
        hourly.collect(place, changed, outcome, progress)
    for table in ("captures", "links"):
        committing(f"compact {table}", _few_files, place, table, now)
    return reported(outcome)


def _few_files(place: Place, table: str, day: date) -> None:
    """Keep the running day's files few, so that an hour does not read one for each before it."""
    place.archive.open(table).compact(day, _MOST_FILES)


def discover(
    run_day: date, settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Ask the listings that can answer for a day, and make its links from what is archived.

    Each recent day before it that was run already is asked again too (`lookback`), as if it were
    run again.
    """
    place = place_of(settings)
    outcome = Outcome("discover", run_days(place, run_day))
    for work in plan_of(place, run_day):
        if work.listed:
            _ask_listings(place, work.day, work.listed, outcome, progress)
            file_links(place, work.day, work.listed, outcome)
    return reported(outcome)


def _shown_on_pages(
    place: Place, requests: Sequence[Request], now: date
) -> dict[tuple[str, str], set[str]]:
    """Return what the last polls of paged sections showed, by source and listing."""
    paged = {
        (r.source.name, r.listing or "")
        for r in requests
        if (li := r.source.listing_of(r.url, "section")) and li.pages_at_most > 1
    }
    if not paged:
        return {}
    days = [now - timedelta(days=n) for n in range(MEMORY_DAYS + 1)]
    rows = by_source(
        r
        for r in listing_captures(place.archive, days, held=True)
        if r["route"] == "section" and (r["source"], r["listing"]) in paged
    )
    pages = Pages(place.root, place.declared)
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in {source for source, _ in paged}:
        for archived in filter(None, map(pages.archived, memory_of(rows.get(name, [])))):
            known[name, archived.listing].update(e.url for e in archived.page.entries)
    return known


Latest = Mapping[tuple[str, str], Mapping[str, Any]]
"""By source and address: the latest capture of a listing that holds bytes."""


def latest_of(captures: Iterable[Mapping[str, Any]]) -> Latest:
    """Return the latest capture that holds bytes of each listing; `captures` earliest first."""
    return {(r["source"], r["url"]): r for r in captures if r["outcome"] == "ok"}


def _conditional(request: Request, archived: Latest) -> Request:
    """Return the request with the validators of the latest archived answer that has bytes."""
    latest = archived.get((request.source.name, request.url))
    if latest is None:
        return request
    return replace(request, etag=latest["etag"], last_modified=latest["last_modified"])


def _listings(
    place: Place,
    requests: list[Request],
    keep: tuple[Fetcher, Put],
    archived: Latest,
    day: date,
    progress: Progress,
    known: Mapping[tuple[str, str], set[str]] | None = None,
) -> list[Fetched]:
    """Fetch listings, the sub-sitemaps that an index names for `day`, the pages after a page.

    Returns those that came with new bytes.
    """
    fetcher, put = keep
    walk = discovery.Walk(day)
    for r in requests:
        walk.begin(r.source, _ask_of(r), (known or {}).get((r.source.name, r.listing or ""), ()))
    wave = requests
    answered: list[Fetched] = []
    while wave:
        following: list[Request] = []
        # What a public index said of a past day it is not asked again.
        kept = [r for r in wave if r.kind == "index" and (r.source.name, r.url) in archived]
        for request in kept:
            row = archived[request.source.name, request.url]
            page = index_page(place, row, request)
            following += _following(walk, request, page, request.url, archived)
        asked = [r for r in wave if r not in kept] if kept else wave
        for done, fetched in enumerate(fetcher.fetch(asked), 1):
            put(fetched)
            progress("listings", min(done, len(wave)), len(wave))
            if fetched.request.listing and fetched.captures and fetched.last.outcome == "ok":
                answered.append(fetched)
            body = _listing_body(place, fetched, archived)
            if body is None:
                continue
            page = page_of(fetched, body, day)
            following += _following(walk, fetched.request, page, fetched.last.url, archived)
        wave = following
    return answered


def _following(
    walk: discovery.Walk, request: Request, page: discovery.Page, url: str, archived: Latest
) -> list[Request]:
    """Return what is asked after a request was answered with a page, found at an address."""
    return [
        _conditional(
            replace(request, kind=ask.kind, url=ask.url, etag=None, last_modified=None), archived
        )
        for ask in walk.after(request.source, _ask_of(request), page, url)
    ]


def _ask_of(request: Request) -> discovery.Ask:
    listing, route = request.listing or request.url, request.route or request.kind
    return discovery.Ask(request.url, listing, route, request.kind)


def _listing_body(place: Place, fetched: Fetched, archived: Latest) -> bytes | None:
    """Return what a listing says now: the new bytes, or after a 304 those that are archived."""
    if not fetched.captures or fetched.request.kind not in ("sitemap", "section", "index"):
        return None
    if fetched.last.outcome == "ok":
        return fetched.body
    request = fetched.request
    row = archived.get((request.source.name, request.url))
    if fetched.last.outcome == "not_modified" and row is not None:
        return read_record(
            place.root, row["warc_path"], row["warc_offset"], row["warc_length"]
        ).body
    return None


def _ask_listings(
    place: Place, day: date, sources: Sequence[Source], outcome: Outcome, progress: Progress
) -> None:
    archived = latest_of(listing_captures(place.archive, [day], held=True))
    requests = [
        _conditional(
            Request(source=s, kind=a.kind, url=a.url, listing=a.listing, route=a.route), archived
        )
        for s in sources
        for a in discovery.asks(s, day)
    ]
    requests += [
        Request(
            source=place.asking(s, index.name),
            kind="index",
            url=url,
            listing=index.name,
            route=index.name,
        )
        for s in sources
        for index in discovery.indexes_for(s, day, place.newest)
        if not index.shared
        for url in index.addresses(day, s)
    ]
    if requests:
        with capturing(place, day, "listings", outcome) as keep:
            _listings(place, requests, keep, archived, day, progress)
    for shared in _SHARED:
        shared.ask(place, day, sources, outcome, progress)


def file_links(
    place: Place, day: date, sources: Sequence[Source], outcome: Outcome, *, asked: bool = True
) -> None:
    """Make the links of a day, for some sources, from what is archived of their listings.

    Args:
        place: where.
        day: the run day.
        sources: whose links.
        outcome: what the step does.
        asked: whether their listings were asked for the day; an import asks nobody, and tells of
            the files imported only.
    """

    def work() -> dict[str, int]:
        targets = place.archive.open_all("links", "listings")
        rows = by_source(listing_captures(place.archive, [day]))
        days = [day - timedelta(days=n) for n in range(1, MEMORY_DAYS + 1)]
        earlier = by_source(listing_captures(place.archive, days, held=True))
        pages = Pages(place.root, place.declared)
        removed = place.archive.removed().links
        # As Arrow a link takes a quarter of what it does as an object.
        links = [LINKS.arrow.empty_table()]
        states: list[ListingState] = []
        for source in sources:
            own = [r for r in rows.get(source.name, []) if is_declared(source, r["route"])]
            archived = [a for r in own if (a := pages.archived(r))]
            memory = [
                a for r in memory_of(earlier.get(source.name, [])) if (a := pages.archived(r))
            ]
            found = discover_links(source, day, archived, memory)
            found = replace(found, links=[li for li in found.links if li.link_id not in removed])
            links.append(rows_of(found.links, LINKS))
            states += _listing_states(place, source, day, own, archived, found)
            for shared in _SHARED:
                state = shared.state(place, day, source, found.links)
                states += [state] if state else []
        names = [s.name for s in sources]
        others = untold = ~one_of("source", names)
        if not asked:
            states = [s for s in states if s.route == WARC]
            untold |= pc.field("route") != WARC
        for name, new, kept in (
            ("links", links, others),
            ("listings", [rows_of(states, LISTINGS)], untold),
        ):
            target = targets[name]
            target.replace(pa.concat_tables([target.read([day], where=kept), *new]), [day])
        return {s.name: rows.num_rows for s, rows in zip(sources, links[1:], strict=True)}

    for name, number in committing(f"discover {day}", work).items():
        outcome.add(name, "links", number)


def _listing_states(
    place: Place,
    source: Source,
    day: date,
    captures: Sequence[Mapping[str, Any]],
    archived: Sequence[Archived],
    found: Discovered,
) -> list[ListingState]:
    """Return what each listing of a source answered for a day, those that could and did not too.

    Indexes that answer for all sources at once have their own way to tell.
    """
    links, gaps = found.links, found.gaps
    routes = {a.listing: a.route for a in discovery.asks(source, day)}
    indexes = discovery.indexes_for(source, day, place.newest)
    routes |= {i.name: i.name for i in indexes}
    routes |= {r["listing"]: r["route"] for r in captures}
    told_elsewhere = {shared.NAME for shared in _SHARED}
    routes = {li: route for li, route in routes.items() if route not in told_elsewhere}
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
        pages = [a.page for a in archived if a.listing == listing]
        problems = sorted({p.problem for p in pages if p.problem})
        if pages and all(p.problem and not p.entries and not p.children for p in pages):
            status = "failed"  # an error page, say: that nothing was published it does not mean
        if any(p.next and p.next not in last for p in pages if route == "wayback"):
            status, problems = "failed", [*problems, "not read to its end"]
        if not last:  # its host is left alone, or the source's budget is used up
            problems = ["not asked"]
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
