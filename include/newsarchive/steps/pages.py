"""`fetch`: the pages of a day's links."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import settings as settings_module
from newsarchive.coverage import refused_by_host
from newsarchive.days import bounds
from newsarchive.discover.wayback import original_of
from newsarchive.fetch.session import Fetched, Fetcher, Request
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.providers import LIVE, after, next_provider, provider_of, takes_over
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.steps.capturing import Put, capturing, page_outcomes, visits_of
from newsarchive.steps.page_requests import ABSENT, PageRequests
from newsarchive.steps.parsing import ahead
from newsarchive.steps.place import (
    Place,
    Progress,
    Work,
    having,
    place_of,
    plan_of,
    quiet,
    reported,
    run_days,
    source_groups,
)
from newsarchive.text.identity import clean_url, host_of
from newsarchive.visits import FIRST, due

_OF_VISITS = (
    "capture_id",
    "source",
    "url",
    "hop",
    "link_id",
    "visit",
    "attempt",
    "outcome",
    "status",
    "captured_at",
    "etag",
    "last_modified",
    "provider",
)


def fetch(
    run_day: date,
    shard: int | None = None,
    settings: Settings | None = None,
    progress: Progress = quiet,
    parsers: Parsers | None = None,
) -> Outcome:
    """Capture the pages of `run_day`'s links that are not in the archive yet, or due a revisit.

    Args:
        run_day: the day.
        shard: the number of a share of the hosts (by hash); None for all of them.
        settings: as loaded from the environment, if None.
        progress: told of each page.
        parsers: begin to parse what is kept, for the `parse` that follows with them.
    """
    place = place_of(settings)
    name = "pages" if shard is None else f"pages-{shard}"
    outcome = Outcome("fetch" if shard is None else f"fetch_{shard}", run_days(place, run_day))
    of = settings_module.shard_count(place.settings, place.sources)
    for work in plan_of(place, run_day):
        requests = PageRequests(
            r
            for r in wanted_pages(place, work.day, work.visited)
            if shard is None or _shard(r.page or r.url, of) == shard
        )
        if len(requests):
            kept = ahead(place, work.day, len(requests), parsers) if parsers else None
            with capturing(place, work.day, name, outcome, kept) as keep:
                _fetch(place, work, requests, keep, progress)
    return reported(outcome)


def _fetch(
    place: Place,
    work: Work,
    requests: PageRequests,
    keep: tuple[Fetcher, Put],
    progress: Progress,
) -> None:
    """Ask for pages; what one provider does not give the next one is asked for."""
    fetcher, put = keep
    day, before = work.day, None
    if any(len(place.bodies(source, day)) > 1 for source in work.visited):
        before = _captures_of_pages(place, day)
    wave, total, done = requests, len(requests), 0
    while len(wave):
        following = PageRequests()
        for fetched in fetcher.fetch(wave):
            fetched = _of_the_page(fetched)
            put(fetched)
            if fetched.request.kind != "page":
                continue
            done += 1
            progress("pages", done, total)
            if before is not None and (other := _other(place, day, fetched, before)):
                following.append(other)
        wave, total = following, total + len(following)


def _other(place: Place, day: date, fetched: Fetched, captures: pa.Table) -> Request | None:
    """Return the request for a page to the provider after one that did not give it.

    Args:
        place: where.
        day: the run day.
        fetched: what came of it.
        captures: of the day's pages before this run.
    """
    request = fetched.request
    ended = fetched.last.outcome if fetched.captures else None
    if request.visit != FIRST or not takes_over(ended, fetched.why):
        return None
    link_id = request.link_id or ""
    before = visits_of(having(captures, "link_id", pa.array([link_id]))).get(link_id, [])
    other = after(place.bodies(request.source, day), before, request.provider)
    return _at_wayback(place, day, request, before) if other == "wayback" else None


def _at_wayback(
    place: Place, day: date, request: Request, rows: Sequence[Mapping[str, Any]]
) -> Request:
    """Return the request for a page's capture at the Wayback Machine that is nearest to its day."""
    page = request.page or request.url
    tries = [r["attempt"] for r in rows if provider_of(r) == "wayback"]
    return replace(
        request,
        source=place.asking(request.source, "wayback"),
        url=place.wayback.replay(page, bounds(day)[1]),
        page=page,
        provider="wayback",
        absent=ABSENT,
        attempts_before=max(tries, default=0),
        etag=None,
        last_modified=None,
    )


def _of_the_page(fetched: Fetched) -> Fetched:
    """Return what an archive gave, each row with the address that the page itself had there."""
    page = fetched.request.page
    if page is None:
        return fetched
    return replace(
        fetched,
        captures=[replace(c, url=_own_address(c.asked_url or "", page)) for c in fetched.captures],
    )


def _own_address(asked: str, page: str) -> str:
    there = clean_url(original_of(asked) or "")
    # An archive's http for https, or port 80, is no other page.
    if there is None or urlsplit(there)[2:4] == urlsplit(page)[2:4]:
        return page
    return there


def _captures_of_pages(place: Place, day: date) -> pa.Table:
    captures = place.archive.open("captures")
    return captures.read([day], _OF_VISITS, where=pc.field("kind") == "page")


def wanted_pages(
    place: Place, day: date, sources: Iterable[Source], most_attempts: int | None = None
) -> Iterator[Request]:
    """Yield the requests for the pages of a day's links that are due a visit now.

    Args:
        place: where.
        day: the run day of the links.
        sources: whose links.
        most_attempts: leave alone what was tried so often; None for no such limit.
    """
    by_name = {s.name: s for s in sources}
    links = place.archive.open("links").read([day], ["link_id", "url", "source", "updated_at"])
    links = having(links, "source", pa.array(by_name, pa.string()))
    captures = _captures_of_pages(place, day)
    for group in source_groups(links):
        visits = visits_of(some := having(captures, "source", group))
        refused = refused_by_host(page_outcomes(some))
        for row in having(links, "source", group).to_pylist():
            request = _wanted(
                place,
                day,
                by_name[row["source"]],
                row,
                visits.get(row["link_id"], []),
                row["link_id"] in refused,
            )
            if request and (most_attempts is None or request.attempts_before < most_attempts):
                yield request


def _wanted(
    place: Place,
    day: date,
    source: Source,
    link: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    refused: bool,
) -> Request | None:
    """Return the request for a link's page, where a visit is due.

    Args:
        place: where.
        day: the run day of the link.
        source: whose link.
        link: its row.
        rows: the captures of its visits.
        refused: whether its host refuses nearly all.
    """
    request = Request(source, "page", link["url"], link["link_id"])
    bodies = place.bodies(source, day)
    if bodies != [LIVE] or any(provider_of(r) != LIVE for r in rows):
        provider = next_provider(bodies, rows, refused)
        if provider == "wayback":
            return _at_wayback(place, day, request, rows)
        if provider == LIVE:
            rows = [r for r in rows if provider_of(r) == LIVE]
        elif not any(r["outcome"] == "ok" for r in rows):
            return None
    visit = due(
        rows, source.politeness.revisits, link["updated_at"], datetime.now(UTC), refused=refused
    )
    return replace(request, **asdict(visit)) if visit else None


def _shard(url: str, of: int) -> int:
    return int.from_bytes(hashlib.sha256(host_of(url).encode()).digest()[:4]) % of
