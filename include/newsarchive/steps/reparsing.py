"""`reparse`: archived bytes through the present parser again, and what that changes."""

import fnmatch
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.days import days_between
from newsarchive.differences import Differences, compare
from newsarchive.errors import ArchiveError
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.settings import Settings
from newsarchive.steps.parsing import Parsed, parse_day, parsed_day
from newsarchive.steps.place import Place, Progress, having, log, place_of, quiet, reported
from newsarchive.steps.publishing import show_day
from newsarchive.store.tables import committing

_GROUP = 512  # links whose rows are objects at once; the rest of a day is compact Arrow


@dataclass(frozen=True, slots=True)
class Reparsed:
    """What was done, and what differs between the rows of before and those of the parser now."""

    outcome: Outcome
    differences: Differences


def reparse(
    first: date,
    last: date,
    settings: Settings | None = None,
    progress: Progress = quiet,
    *,
    sources: Sequence[str] | None = None,
    dry_run: bool = False,
) -> Reparsed:
    """Parse what is archived of a range of run days again, and publish it; needs no network.

    Only captures that another parser or source file was used on are parsed.

    Args:
        first: the first run day.
        last: the last one, included.
        settings: as loaded from the environment, if None.
        progress: told of each day, and of the pages in it.
        sources: names, patterns, tags of the sources to parse, on or off; None: all.
        dry_run: whether to say what would differ, and to write nothing.

    Raises:
        ArchiveError: `sources` names none that is declared or in the archive.
    """
    place = place_of(settings)
    outcome = Outcome("reparse", [])
    differences = Differences()
    with Parsers() as parsers:
        days = _archived(place, first, last)
        for done, day in enumerate(days, 1):
            chosen = _chosen(place, day, sources)
            if chosen is None or chosen:
                if dry_run:
                    found = _without_writing(place, day, outcome, progress, parsers, chosen)
                else:
                    found = committing(
                        f"parse {day}", _anew, place, day, outcome, progress, parsers, chosen
                    )
                    show_day(place, day, outcome)
                differences.add(found)
            progress("days", done, len(days))
    known = sources is None or any(s.matches(sources) for s in place.declared.values())
    if sources is not None and not known and not differences.by_source:
        raise ArchiveError(f"no source is named {','.join(sources)!r}, declared or archived")
    for source, counts in differences.by_source.items():
        for what in ("gained", "lost", "moved", "changed"):
            outcome.add(source, what, counts[what])
    outcome.notes += differences.in_words()
    for kind, samples in differences.samples.items():
        for s in samples:
            log.info("%s: %s %s: %r → %r", kind, s.source, s.url, s.before, s.after)
    return Reparsed(reported(outcome), differences)


def _archived(place: Place, first: date, last: date) -> list[date]:
    if not place.archive.has("captures"):
        return []
    there = set(place.archive.open("captures").days())
    return [d for d in days_between(first, last) if d in there]


def _chosen(place: Place, day: date, patterns: Sequence[str] | None) -> Collection[str] | None:
    """Return the names of the sources with captures on a day that patterns name; None for all."""
    if patterns is None:
        return None
    captured = pc.unique(place.archive.open("captures").read([day], ["source"])["source"])
    return {
        name
        for name in captured.to_pylist()
        if (
            place.declared[name].matches(patterns)
            if name in place.declared  # else of imports, or no longer declared
            else any(fnmatch.fnmatchcase(name, p) for p in patterns)
        )
    }


def _anew(
    place: Place,
    day: date,
    outcome: Outcome,
    progress: Progress,
    parsers: Parsers,
    chosen: Collection[str] | None,
) -> Differences:
    found = Differences()

    def compare_with_before(parsed: Parsed) -> None:
        found.add(_differences(parsed))

    parse_day(place, day, outcome, progress, parsers, chosen, each=compare_with_before)
    return found


def _without_writing(
    place: Place,
    day: date,
    outcome: Outcome,
    progress: Progress,
    parsers: Parsers,
    chosen: Collection[str] | None,
) -> Differences:
    there = {
        name: place.archive.open(name)
        for name in ("versions", "rejects")
        if place.archive.has(name)  # opening one that is not there would make it
    }
    found = Differences()
    done = reused = 0
    for parsed in parsed_day(place, day, there, progress, parsers, chosen):
        found.add(_differences(parsed))
        done, reused = done + parsed.parsed, reused + parsed.reused
    outcome.days.append(day)
    outcome.notes.append(f"{day}: {done} parsed, {reused} reused; nothing written")
    return found


def _differences(parsed: Parsed) -> Differences:
    """Compare the rows of some sources, some links at a time."""
    tables = (
        parsed.old.versions,
        parsed.old.rejects,
        parsed.new.versions,
        parsed.new.rejects,
    )
    urls = pc.unique(pa.chunked_array([c for t in tables for c in t["url"].chunks], pa.string()))
    found = Differences()
    for n in range(0, len(urls), _GROUP):
        some = urls.slice(n, _GROUP)
        found.add(compare(*(having(t, "url", some).to_pylist() for t in tables)))
    return found
