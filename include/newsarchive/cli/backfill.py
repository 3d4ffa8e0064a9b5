"""Command `backfill`: a range of past days, with a plan of what it takes before it starts."""

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from newsarchive.cli import output
from newsarchive.cli.collect import report
from newsarchive.cli.options import (
    OK,
    Options,
    json_option,
    over,
    pass_options,
    range_options,
)
from newsarchive.cli.progress import showing
from newsarchive.days import days_between, yesterday

if TYPE_CHECKING:
    from newsarchive.outcome import Outcome
    from newsarchive.planning import Line, Plan

_LINES = ["month", "source", "listing", "days", "requests", "MB", "note"]


@click.command(short_help="Collect a range of past days, as far as they can still be had.")
@range_options
@click.option(
    "--sources", metavar="PATTERNS", help="Only these sources: names, patterns, tags; commas."
)
@click.option("--plan", "plan_only", is_flag=True, help="Show what it will take, and do nothing.")
@click.option("--again", is_flag=True, help="Days too that are complete already.")
@json_option
@pass_options
def backfill(
    options: Options,
    first: date | None,
    last: date | None,
    sources: str | None,
    plan_only: bool,
    again: bool,
) -> int:
    """Collect each day of a range, as far as somebody can still answer for it.

    Listings addressed by date are asked, and the indexes that a source names (gdelt, wayback,
    ccnews); feeds know only the present, and are not. Begins by saying what it will take. A source
    that is complete on a day, or published nothing then, is left out. Stop it as you like: the same
    command goes on, and what is in the archive is not asked for again.

    Exits as `run` does.

    \b
    Examples:
      newsarchive backfill --from 2026-10-01 --to 2026-10-31 --plan
      newsarchive backfill --from 2026-10-01 --to 2026-10-31
      newsarchive backfill --from 2025-01-01 --sources 'ar/*'
      newsarchive --set indexes=gdelt --set bodies=live,wayback backfill --from 2025-01-01
    """  # noqa: D301 - click reads it
    if first is None:
        raise click.UsageError("--from is needed: the first day of the range")
    last = last or yesterday()
    over(first, last, newest=yesterday())
    if sources is not None:
        options.settings_given["sources"] = sources
    settings = options.settings()
    from newsarchive import steps

    plan = steps.plan_backfill(first, last, settings, again)
    if plan_only:
        _show(options, plan)
        return OK
    output.say(_in_words(plan, first, last))
    todo = steps.days_to_do(first, last, settings, again)
    outcomes: list[Outcome] = []
    began = time.monotonic()
    for done, each in enumerate(todo):
        place = f"{each.day} ({done + 1} of {len(todo)}{_left(began, done, len(todo))})"
        with showing(place) as tell:
            outcomes += steps.run(each.day, each.settings(settings), tell)
    days = days_between(first, last)
    return report(options, settings.archive_path, days, list(settings.enabled_sources()), outcomes)


def _left(began: float, done: int, of: int) -> str:
    """Return in words how long the rest will take, from how long it took so far."""
    if not done:
        return ""
    seconds = (time.monotonic() - began) / done * (of - done)
    return f", about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    rounded = timedelta(seconds=round(seconds))
    if rounded.days:
        return f"{rounded.days} d {rounded.seconds // 3600} h"
    minutes = rounded.seconds // 60
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{rounded.seconds} s"


def _in_words(plan: "Plan", first: date, last: date) -> str:
    total = (last - first).days + 1
    if not plan.days:
        return f"{first} … {last}: nothing to do, all is complete; --again asks all the same"
    return (
        f"{first} … {last}: {plan.days} of {total} days, about {plan.requests:,} requests, "
        f"{_mb(plan.bytes)} MB, {_duration(plan.seconds)} at least"
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}" if size >= 10_000_000 else f"{size / 1e6:.1f}"


def _cells(line: "Line") -> list[Any]:
    return [
        f"{line.month:%Y-%m}",
        line.source,
        line.listing,
        f"{line.days} of {line.of}",
        line.requests,
        _mb(line.bytes),
        line.note,
    ]


def _show(options: Options, plan: "Plan") -> None:
    if options.json:
        from dataclasses import asdict

        output.print_json(
            {
                "days": plan.days,
                "requests": plan.requests,
                "bytes": plan.bytes,
                "seconds": round(plan.seconds),
                "lines": [asdict(line) for line in plan.lines],
            }
        )
        return
    output.print_table(_LINES, [_cells(line) for line in plan.lines], fold=("listing", "note"))
    click.echo(
        f"{plan.days} days, about {plan.requests:,} requests, {_mb(plan.bytes)} MB, "
        f"{_duration(plan.seconds)} at least (estimated; nothing was asked)"
    )
