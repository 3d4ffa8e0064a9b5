"""The few functions that join I/O to pure code. DAGs and the command line call nothing else.

    discover -> links      parse -> versions or rejects
    fetch    -> captures   publish -> articles, coverage, the snapshot

Each is a function of what the step before left on disk and replaces its own partition whole;
`captures` are only ever added to. Every step can be run again, in any order of days, and beside
itself.
"""

from datetime import date

from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.settings import Settings
from newsarchive.steps.backfill import days_to_do, plan_backfill
from newsarchive.steps.backing_up import back_up
from newsarchive.steps.imports import IMPORTS, import_files
from newsarchive.steps.listings import discover, poll
from newsarchive.steps.maintaining import maintain
from newsarchive.steps.pages import fetch
from newsarchive.steps.parsing import parse
from newsarchive.steps.place import Progress, quiet
from newsarchive.steps.publishing import judge, publish
from newsarchive.steps.removing import erase_again, list_removals, remove
from newsarchive.steps.reparsing import reparse
from newsarchive.steps.verifying import verify
from newsarchive.steps.warc_imports import import_warcs
from newsarchive.steps.watching import newest_ages, watch

__all__ = [
    "IMPORTS",
    "Progress",
    "back_up",
    "days_to_do",
    "discover",
    "erase_again",
    "fetch",
    "import_files",
    "import_warcs",
    "judge",
    "list_removals",
    "maintain",
    "newest_ages",
    "parse",
    "plan_backfill",
    "poll",
    "publish",
    "quiet",
    "remove",
    "reparse",
    "run",
    "verify",
    "watch",
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
