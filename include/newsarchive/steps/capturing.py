"""Keeping what is fetched, and how each visit ended."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from time import monotonic
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.coverage import is_definitive
from newsarchive.days import today
from newsarchive.fetch.budget import Spent, cost_of, used_up
from newsarchive.fetch.session import Fetched, Fetcher
from newsarchive.fetch.warc import settle
from newsarchive.model import Capture
from newsarchive.outcome import Outcome
from newsarchive.providers import LIVE, provider_of
from newsarchive.schema import (
    CAPTURES,
)
from newsarchive.steps.place import Place
from newsarchive.store.tables import rows_of

_BATCH = 500  # captures between two commits: what a kill can cost


_BATCH_SECONDS = 30.0


Put = Callable[[Fetched], None]


@contextmanager
def capturing(
    place: Place,
    run_day: date | None,
    name: str,
    outcome: Outcome,
    kept: Callable[[Sequence[Capture]], None] | None = None,
) -> Iterator[tuple[Fetcher, Put]]:
    """Yield a fetcher, and a function that keeps what it fetched: WARC files and `captures`.

    Rows are committed in batches, each after its WARC file is whole: a kill costs the batch at
    most. Earlier runs of the day count for the budget of its sources. What was not asked stands in
    the outcome's notes, with the reason.

    Args:
        place: where.
        run_day: what captures are filed under; None: each under the UTC day of its exchange.
        name: what the WARC files' names begin with.
        outcome: what the step did.
        kept: told of captures whose bytes are in a WARC file, before their rows are committed.
    """
    waiting: list[Capture] = []
    not_asked: Counter[tuple[str, str]] = Counter()
    since = monotonic()
    day = run_day or today()
    earlier = _asked_before(place, day)
    outcome.notes += clear_away(place, day)
    with Fetcher(
        place.settings,
        run_day,
        place.root,
        name,
        sources=[*place.sources.values(), *place.hosts_of_indexes.values()],
        spent=spent_on(earlier),
        attempts=_attempts(earlier),
    ) as fetcher:

        def commit() -> None:
            nonlocal since
            fetcher.roll()
            if waiting:
                place.archive.append("captures", rows_of(waiting, CAPTURES))
                waiting.clear()
            since = monotonic()

        def put(fetched: Fetched) -> None:
            waiting.extend(fetched.captures)
            if kept:
                kept(fetched.captures)
            source = fetched.request.source.name
            for capture in fetched.captures:
                outcome.received[source] += cost_of(capture.payload_bytes, capture.warc_length)
            if fetched.request.kind != "robots":
                outcome.add(source, "asked")
                ended = fetched.last.outcome if fetched.captures else fetched.why or "not asked"
                outcome.add(source, ended)
                if not fetched.captures:
                    not_asked[source, fetched.detail or ended] += 1
            if len(waiting) >= _BATCH or monotonic() - since > _BATCH_SECONDS:
                commit()

        try:
            yield fetcher, put
        finally:
            commit()
            outcome.notes += [
                f"{source}: {number} not asked: {why}"
                for (source, why), number in sorted(not_asked.items())
            ]
            told = {why for _, why in not_asked}
            slowed = (f"{host} {why}" for host, why in sorted(fetcher.slowed.items()))
            outcome.notes += [note for note in slowed if note not in told | {*outcome.notes}]


def clear_away(place: Place, day: date) -> list[str]:
    """Clear away the WARC files of a day that killed runs left open; say which."""
    left = settle(place.root, day, lambda: _warc_paths(place, day))
    return [f"{path}: left unfinished by a run that was killed; cleared away" for path in left]


def _warc_paths(place: Place, day: date) -> set[str]:
    """Return the WARC files that the captures of a day name."""
    rows = place.archive.open("captures").read([day], ["warc_path"])
    return set(pc.unique(rows["warc_path"]).to_pylist())


def _asked_before(place: Place, day: date) -> pa.Table:
    """Return what tells of the exchanges that are filed under a day so far."""
    columns = ["source", "kind", "url", "attempt", "payload_bytes", "warc_length"]
    return place.archive.open("captures").read(
        [day], columns, where=pc.field("elapsed_ms").is_valid()
    )


def spent_on(exchanges: pa.Table) -> dict[str, Spent]:
    """Return what a day's exchanges cost each source, by its name."""
    spent: dict[str, Spent] = {}
    for source, payload, stored in zip(
        *(exchanges[c].to_pylist() for c in ("source", "payload_bytes", "warc_length")), strict=True
    ):
        so_far = spent.get(source, Spent())
        spent[source] = Spent(so_far.requests + 1, so_far.bytes + cost_of(payload, stored))
    return spent


def budgets_used(place: Place, day: date) -> dict[str, str]:
    """Return in words which sources have used up their budget of a run day, by their names."""
    spent = spent_on(_asked_before(place, day))
    return {
        name: words
        for name, cost in spent.items()
        if (source := place.declared.get(name)) and (words := used_up(source, place.settings, cost))
    }


def _attempts(exchanges: pa.Table) -> dict[tuple[str, str], int]:
    """Return how often each listing and robots.txt was tried on a day, by source and URL."""
    tried: dict[tuple[str, str], int] = {}
    for row in exchanges.filter(pc.field("kind") != "page").to_pylist():
        key = row["source"], row["url"]
        tried[key] = max(tried.get(key, 0), row["attempt"])
    return tried


def visits_of(captures: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Return the captures that ended the attempts of each link's visits, by link id."""
    visits: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in captures.to_pylist():
        if row["link_id"] is not None and row["outcome"] != "redirect":
            visits[row["link_id"]].append(row)
    return visits


OF_OUTCOMES = (
    *("link_id", "source", "url", "outcome", "status", "provider"),
    *("captured_at", "attempt", "hop", "capture_id"),
)
"""Columns of `captures` that tell how visits ended."""


def page_outcomes(captures: pa.Table) -> dict[str, dict[str, Any]]:
    """Return how each link's visit ended, by link id: the latest with bytes, else the latest.

    Where several were asked for a page in vain, what counts is one that may yet give it.
    """
    return {identity: _telling(rows) for identity, rows in visits_of(captures).items()}


def _telling(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    latest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=_rank):
        latest[provider_of(row)] = row

    def weight(row: Mapping[str, Any]) -> tuple[Any, ...]:
        held, open_ = row["outcome"] == "ok", not is_definitive(row["outcome"], row["status"])
        return held, open_, provider_of(row) == LIVE, _rank(row)

    return max(latest.values(), key=weight)


def _rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["outcome"] == "ok", row["captured_at"], row["attempt"], row["hop"], row["capture_id"]
