"""The few functions that join I/O to pure code. DAGs and the command line call nothing else.

    discover -> links      parse -> versions or rejects
    fetch    -> captures   publish -> articles, coverage, the snapshot

Each is a function of what the step before left on disk and replaces its own partition whole;
`captures` are only ever added to. Every step can be run again, in any order of days, and beside
itself.
"""

from datetime import date

from newsarchive.days import days_between
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.settings import Settings
from newsarchive.steps.backfill import days_to_do, plan_backfill
from newsarchive.steps.imports import IMPORTS, import_files
from newsarchive.steps.listings import discover, poll
from newsarchive.steps.pages import fetch
from newsarchive.steps.parsing import parse, parse_day
from newsarchive.steps.place import Progress, place_of, quiet, reported
from newsarchive.steps.publishing import judge, publish, show_day
from newsarchive.steps.warc_imports import import_warcs
from newsarchive.store.tables import committing

__all__ = [
    "IMPORTS",
    "Progress",
    "days_to_do",
    "discover",
    "fetch",
    "import_files",
    "import_warcs",
    "judge",
    "parse",
    "plan_backfill",
    "poll",
    "publish",
    "quiet",
    "reparse",
    "run",
]


def run(
    run_day: date, settings: Settings | None = None, progress: Progress = quiet
) -> list[Outcome]:
    """Do the four steps of one day, as Airflow's `archive_day` does.

    Pages are parsed while others are fetched; the rows are those that `parse` would make after.
    """
    outcomes = [discover(run_day, settings, progress)]
    with Parsers() as parsers:
        outcomes.append(fetch(run_day, None, settings, progress, parsers))
        outcomes.append(parse(run_day, settings, progress, parsers))
    return [*outcomes, publish(run_day, settings, progress)]


def reparse(
    first: date, last: date, settings: Settings | None = None, progress: Progress = quiet
) -> Outcome:
    """Parse what is archived of a range of run days again, and publish it; needs no network.

    Only captures that another parser or source file was used on are parsed.
    """
    place = place_of(settings)
    outcome = Outcome("reparse", [])
    there = set(place.archive.open("captures").days())
    days = [d for d in days_between(first, last) if d in there]
    with Parsers() as parsers:
        for done, day in enumerate(days, 1):
            committing(f"parse {day}", parse_day, place, day, outcome, progress, parsers)
            show_day(place, day, outcome)
            progress("days", done, len(days))
    return reported(outcome)
