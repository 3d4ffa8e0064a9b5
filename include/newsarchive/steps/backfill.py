"""`backfill`: a range of past days, each source's own gaps, and what that will take."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow.compute as pc

from newsarchive.days import days_between
from newsarchive.discover.ccnews import CcNews
from newsarchive.planning import Known, Plan, plan
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.steps.place import Place, one_of, place_of

_DONE = frozenset({"complete", "empty"})
_SAMPLE_DAYS = 30  # latest days of the archive from which the size of pages is taken


@dataclass(frozen=True, slots=True)
class Todo:
    """One day of a backfill, with the sources that are not done."""

    day: date
    sources: list[Source]

    def settings(self, given: Settings) -> Settings:
        """Return the settings with which the day is run for those sources alone."""
        return given.model_copy(update={"sources": [s.name for s in self.sources]})


def days_to_do(
    first: date, last: date, settings: Settings | None = None, again: bool = False
) -> list[Todo]:
    """Return the days of a range that have gaps, earliest first, with the sources that have them.

    A day on which a source is `complete` or `empty` has none: of it nothing more is to be had.

    Args:
        first: first run day.
        last: last run day, included.
        settings: as loaded from the environment, if None.
        again: all days and sources, whatever is here.
    """
    return list(_days_to_do(place_of(settings), first, last, again))


def _days_to_do(place: Place, first: date, last: date, again: bool) -> Iterator[Todo]:
    days = days_between(first, last)
    done: set[tuple[date, str]] = set()
    if place.root.exists():
        rows = place.archive.open("coverage").read(
            days, ["run_day", "source"], where=one_of("status", _DONE)
        )
        done |= set(zip(rows["run_day"].to_pylist(), rows["source"].to_pylist(), strict=True))
    for day in days:
        sources = [s for s in place.sources.values() if again or (day, s.name) not in done]
        if sources:
            yield Todo(day, sources)


def plan_backfill(
    first: date, last: date, settings: Settings | None = None, again: bool = False
) -> Plan:
    """Return what a backfill will take, without asking anybody anything."""
    place = place_of(settings)
    wanted = {t.day: t.sources for t in _days_to_do(place, first, last, again)}
    names = {s.name for some in wanted.values() for s in some}
    delays = {
        s.name: place.settings.delay if s.politeness.delay is None else s.politeness.delay
        for s in [*place.sources.values(), *place.hosts_of_indexes.values()]
    }
    if not place.root.exists():  # planning makes none
        return plan(wanted, place.newest, {}, delays)
    return plan(wanted, place.newest, _known(place, list(wanted), names), delays, _read(place))


def _known(place: Place, days: list[date], names: set[str]) -> dict[str, Known]:
    """Return what the archive knows of some sources, with the days that are to be run."""
    of_names = one_of("source", names)
    recent = place.archive.open("captures").days()[-_SAMPLE_DAYS:]
    captures = place.archive.open("captures")
    pages = captures.read(
        recent,
        ["source", "payload_bytes", "kind", "outcome"],
        where=of_names & (pc.field("kind") == "page") & (pc.field("outcome") == "ok"),
    )
    sizes: dict[str, list[int]] = defaultdict(list)
    for name, size in zip(
        pages["source"].to_pylist(), pages["payload_bytes"].to_pylist(), strict=True
    ):
        sizes[name].append(size or 0)
    counts: dict[str, list[int]] = defaultdict(list)
    links: dict[str, dict[date, int]] = defaultdict(dict)
    held: dict[str, dict[date, int]] = defaultdict(dict)
    wanted = set(days)
    for row in (
        place.archive.open("coverage")
        .read(columns=["run_day", "source", "status", "listed", "captured"], where=of_names)
        .to_pylist()
    ):
        if row["status"] in ("complete", "low"):
            counts[row["source"]].append(row["listed"])
        if row["run_day"] in wanted and row["listed"]:
            links[row["source"]][row["run_day"]] = row["listed"]
            held[row["source"]][row["run_day"]] = row["captured"]
    polled: dict[str, set[date]] = defaultdict(set)
    shown = captures.read(
        days,
        ["run_day", "source", "route"],
        where=of_names & one_of("route", ["feed", "section"]),
    )
    for name, day in zip(shown["source"].to_pylist(), shown["run_day"].to_pylist(), strict=True):
        polled[name].add(day)
    return {
        name: Known(
            pages_a_day=_mean(counts[name]),
            page_bytes=_mean(sizes[name]),
            polled=frozenset(polled[name]),
            links=links[name],
            held=held[name],
        )
        for name in names
    }


def _read(place: Place) -> set[date]:
    """Return the days of which files of CC-NEWS were searched."""
    of_index = (pc.field("route") == CcNews.name) & (pc.field("kind") == "index")
    rows = place.archive.open("captures").read(columns=["run_day", "route", "kind"], where=of_index)
    return set(rows["run_day"].to_pylist())


def _mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None
