"""`fetch`: the pages of a day's links."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import pyarrow.compute as pc

from newsarchive import coverage
from newsarchive import settings as settings_module
from newsarchive.fetch.session import Request
from newsarchive.outcome import Outcome
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.steps.capturing import capturing, page_outcomes
from newsarchive.steps.place import Place, Progress, place_of, plan_of, quiet, reported, run_days
from newsarchive.text.identity import host_of


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
    place = place_of(settings)
    name = "pages" if shard is None else f"pages-{shard}"
    outcome = Outcome("fetch" if shard is None else f"fetch_{shard}", run_days(place, run_day))
    of = settings_module.shard_count(place.settings, place.sources)
    for day, sources in plan_of(place, run_day):
        requests = [
            r
            for r in _wanted_pages(place, day, sources)
            if shard is None or _shard(r.url, of) == shard
        ]
        if not requests:
            continue
        with capturing(place, day, name, outcome) as keep:
            fetcher, put = keep
            for done, fetched in enumerate(fetcher.fetch(requests), 1):
                put(fetched)
                progress("pages", min(done, len(requests)), len(requests))
    return reported(outcome)


def _wanted_pages(place: Place, day: date, sources: Iterable[Source]) -> list[Request]:
    by_name = {s.name: s for s in sources}
    links = place.archive.open("links").read([day], ["link_id", "url", "source"])
    captures = place.archive.open("captures").read([day], where=pc.field("kind") == "page")
    ended = page_outcomes(captures)
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


def _shard(url: str, of: int) -> int:
    return int.from_bytes(hashlib.sha256(host_of(url).encode()).digest()[:4]) % of
