"""`fetch`: the pages of a day's links."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime

import pyarrow.compute as pc

from newsarchive import settings as settings_module
from newsarchive.coverage import refused_by_host
from newsarchive.fetch.session import Request
from newsarchive.outcome import Outcome
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.steps.capturing import capturing, page_outcomes, visits_of
from newsarchive.steps.place import Place, Progress, place_of, plan_of, quiet, reported, run_days
from newsarchive.text.identity import host_of
from newsarchive.visits import due

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
)


def fetch(
    run_day: date,
    shard: int | None = None,
    settings: Settings | None = None,
    progress: Progress = quiet,
) -> Outcome:
    """Capture the pages of `run_day`'s links that are not in the archive yet, or due a revisit.

    Args:
        run_day: the day.
        shard: the number of a share of the hosts (by hash); None for all of them.
        settings: as loaded from the environment, if None.
        progress: told of each page.
    """
    place = place_of(settings)
    name = "pages" if shard is None else f"pages-{shard}"
    outcome = Outcome("fetch" if shard is None else f"fetch_{shard}", run_days(place, run_day))
    of = settings_module.shard_count(place.settings, place.sources)
    for work in plan_of(place, run_day):
        requests = [
            r
            for r in wanted_pages(place, work.day, work.visited)
            if shard is None or _shard(r.url, of) == shard
        ]
        if not requests:
            continue
        with capturing(place, work.day, name, outcome) as keep:
            fetcher, put = keep
            for done, fetched in enumerate(fetcher.fetch(requests), 1):
                put(fetched)
                progress("pages", min(done, len(requests)), len(requests))
    return reported(outcome)


def wanted_pages(
    place: Place, day: date, sources: Iterable[Source], most_attempts: int | None = None
) -> list[Request]:
    """Return the requests for the pages of a day's links that are due a visit now.

    Args:
        place: where.
        day: the run day of the links.
        sources: whose links.
        most_attempts: leave alone what was tried so often; None for no such limit.
    """
    by_name = {s.name: s for s in sources}
    links = place.archive.open("links").read([day], ["link_id", "url", "source", "updated_at"])
    captures = place.archive.open("captures").read(
        [day], _OF_VISITS, where=pc.field("kind") == "page"
    )
    visits = visits_of(captures)
    refused = refused_by_host(page_outcomes(captures))
    now = datetime.now(UTC)
    requests = []
    for row in links.to_pylist():
        source = by_name.get(row["source"])
        if source is None:
            continue
        visit = due(
            visits.get(row["link_id"], ()),
            source.politeness.revisits,
            row["updated_at"],
            now,
            refused=row["link_id"] in refused,
        )
        if visit and (most_attempts is None or visit.attempts_before < most_attempts):
            requests.append(
                Request(
                    source=source,
                    kind="page",
                    url=row["url"],
                    link_id=row["link_id"],
                    **asdict(visit),
                )
            )
    return requests


def _shard(url: str, of: int) -> int:
    return int.from_bytes(hashlib.sha256(host_of(url).encode()).digest()[:4]) % of
