"""Keeping what is fetched, and how each visit ended."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from time import monotonic
from typing import Any

import pyarrow as pa

from newsarchive.fetch.session import Fetched, Fetcher
from newsarchive.model import Capture
from newsarchive.outcome import Outcome
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
    place: Place, run_day: date | None, name: str, outcome: Outcome
) -> Iterator[tuple[Fetcher, Put]]:
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


def visits_of(captures: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Return the captures that ended the attempts of each link's visits, by link id."""
    visits: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in captures.to_pylist():
        if row["link_id"] is not None and row["outcome"] != "redirect":
            visits[row["link_id"]].append(row)
    return visits


def page_outcomes(captures: pa.Table) -> dict[str, dict[str, Any]]:
    """Return how each link's visit ended, by link id: the latest with bytes, else the latest."""
    return {identity: max(rows, key=_rank) for identity, rows in visits_of(captures).items()}


def _rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["outcome"] == "ok", row["captured_at"], row["attempt"], row["hop"], row["capture_id"]
