"""Keeping what is fetched, and how each visit ended."""

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


def page_outcomes(captures: pa.Table) -> dict[str, dict[str, Any]]:
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
