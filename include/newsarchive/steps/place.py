"""Where a step works: the archive, the sources that are on, and the days of its run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from newsarchive import settings as settings_module
from newsarchive.days import today
from newsarchive.errors import ArchiveError
from newsarchive.outcome import Outcome
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.store.tables import Archive

log = logging.getLogger("newsarchive.steps")

Progress = Callable[[str, int, int], None]
"""What is being done, how many of it are done, out of how many."""


def quiet(what: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step works: settings, the archive, and the sources that are on."""

    settings: Settings
    archive: Archive
    declared: dict[str, Source]
    sources: dict[str, Source]

    @property
    def root(self) -> Path:
        """The archive's folder."""
        return self.archive.root


def place_of(settings: Settings | None) -> Place:
    """Return where to work, from settings as given or as loaded.

    Raises:
        ArchiveError: no source is on.
    """
    settings = settings or settings_module.load()
    declared = settings.all_sources()
    on = {n: s for n, s in declared.items() if s.matches(settings.sources)}
    if not on:
        raise ArchiveError(
            f"no source is on: the setting sources = {','.join(settings.sources)!r} names none of "
            f"{len(declared)} declared ones; `newsarchive sources list` shows them"
        )
    return Place(settings, Archive(settings.archive_path), declared, on)


def plan_of(place: Place, run_day: date) -> list[tuple[date, list[Source]]]:
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


def run_days(place: Place, run_day: date) -> list[date]:
    """Return the days that a run works on."""
    return [day for day, _ in plan_of(place, run_day)]


def table_of(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as an Arrow table."""
    return pa.Table.from_pylist(rows, schema=schema)


def reported(outcome: Outcome) -> Outcome:
    """Log the outcome's table, as the last thing that a step does."""
    log.info("%s", outcome.table())
    return outcome
