"""Command `coverage`: a calendar of what is known of each source and day, and of its gaps."""

import fnmatch
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from newsarchive.cli import output
from newsarchive.cli.options import (
    DAY,
    Options,
    json_option,
    over,
    pass_options,
    range_options,
    weeks_before,
)
from newsarchive.days import days_between, yesterday

if TYPE_CHECKING:
    from rich.text import Text

NOT_RUN = "not_run"
_SIGNS = {
    "complete": ("●", "green"),
    "empty": ("○", "green"),
    "partial": ("P", "yellow"),
    "low": ("L", "yellow"),
    "failed": ("F", "bold red"),
    "not_available": ("n", "dim"),
    NOT_RUN: ("·", "dim"),
}
_MEANS = {
    "complete": "all that was listed is here",
    "empty": "asked; nothing was published",
    "partial": "something is missing",
    "low": "fewer articles than expected",
    "failed": "no listing answered",
    "not_available": "no listing reaches to that day",
    NOT_RUN: "never asked",
}
_COLUMNS = [
    "run_day",
    "source",
    "status",
    "note",
    "expected_min",
    "expected_max",
    "listings_asked",
    "listings_answered",
    "routes",
    "providers",
    "listed",
    "captured",
    "parsed",
    "kept",
    "articles",
    "rejected",
    "missing",
    "duplicates",
    "estimated",
    "estimated_error",
]
_INDEXES = "--set indexes=gdelt,wayback --set bodies=live,wayback "
_MOST_GAPS = 40


@dataclass(frozen=True, slots=True)
class Gap:
    """Neighbouring days on which the same sources have the same status, and what fills them."""

    first: date
    last: date
    status: str
    sources: tuple[str, ...]
    note: str | None
    command: str | None
    """None where no command can fill it."""


@click.command(short_help="A calendar of days and sources, and its gaps.")
@range_options
@click.option("--day", type=DAY, help="One run day.")
@click.option(
    "--source", "patterns", multiple=True, metavar="PATTERN", help="Only sources of this name."
)
@json_option
@pass_options
def coverage(
    options: Options,
    first: date | None,
    last: date | None,
    day: date | None,
    patterns: tuple[str, ...],
) -> None:
    """Show a calendar of run days and sources, and each gap with the command that fills it.

    Shows the last four weeks, unless told otherwise. Sources that are on have a row, and those that
    the archive holds, and those named with --source.

    \b
    Examples:
      newsarchive coverage
      newsarchive coverage --from 2026-11-01 --source 'ar_*'
      newsarchive coverage --json
    """  # noqa: D301 - click reads it
    last = day or last or max(yesterday(), first or yesterday())
    first = day or first or weeks_before(last)
    over(first, last)
    days = days_between(first, last)
    settings = options.settings()
    declared = settings.all_sources()
    on = {n for n, s in declared.items() if s.matches(settings.sources)}
    rows = _read(options, first, last)
    # One that is off has a row where it is asked for by its name.
    names = sorted(on | {r["source"] for r in rows} | (declared.keys() & set(patterns)))
    if patterns:
        names = [n for n in names if any(fnmatch.fnmatchcase(n, p) for p in patterns)]
        if not names:
            raise click.BadParameter(
                f"no source is named {' or '.join(patterns)}", param_hint="'--source'"
            )
    asked = on | ({*names} & declared.keys() if patterns else set())
    if not rows and not (settings.archive_path / "archive.duckdb").exists():
        output.say(f"{settings.archive_path}: no archive here yet; `newsarchive run` makes one")
    table = fill(rows, days, names, asked)
    without_index = {n for n, s in declared.items() if not s.indexes}
    gaps = gaps_in(table, on, yesterday(), without_index)
    if options.json:
        output.print_json([{**row, "command": _command_for(row, gaps)} for row in table])
        return
    _print_calendar(table, days, names)
    _print_gaps(gaps)


def fill(
    rows: Iterable[Mapping[str, Any]],
    days: Sequence[date],
    names: Iterable[str],
    asked: Iterable[str],
) -> list[dict[str, Any]]:
    """Return a row for each day and source: of `coverage`, or `not_run` for one that none asked.

    Args:
        rows: of `coverage`.
        days: run days.
        names: sources to show.
        asked: those of them that each day's run asks; imports, for one, are not asked for.
    """
    found = {(r["run_day"], r["source"]): dict(r) for r in rows}
    wanted = set(asked)
    filled = []
    for name in names:
        for day in days:
            row = found.get((day, name))
            if row is None and name in wanted:
                row = dict.fromkeys(_COLUMNS)
                row.update(run_day=day, source=name, status=NOT_RUN)
            if row is not None:
                filled.append(row)
    return filled


def gaps_in(
    table: Iterable[Mapping[str, Any]],
    on: Iterable[str],
    newest: date,
    without_index: Collection[str] = (),
) -> list[Gap]:
    """Return the days that are neither complete nor empty, neighbours together, latest first.

    Args:
        table: rows of `fill`.
        on: names of the sources that are on; a command switches the others on.
        newest: the latest day that can be run.
        without_index: sources that name no public index, which may know of their past days.
    """
    runs: dict[tuple[date, date, str, str | None, bool], list[str]] = defaultdict(list)
    wanting = sorted(
        (r for r in table if r["status"] not in ("complete", "empty") and r["run_day"] <= newest),
        key=lambda r: (r["source"], r["run_day"]),
    )
    for (source, status), group in groupby(wanting, key=lambda r: (r["source"], r["status"])):
        for days in _neighbours(group):
            notes = {r["note"] for r in days}
            note = notes.pop() if len(notes) == 1 else None
            bare = status == "not_available" and source in without_index
            runs[days[0]["run_day"], days[-1]["run_day"], status, note, bare].append(source)
    switched_on = set(on)
    gaps = [
        Gap(
            first,
            last,
            status,
            tuple(sorted(names)),
            note,
            _command(first, last, status, names, switched_on, bare),
        )
        for (first, last, status, note, bare), names in runs.items()
    ]
    return sorted(gaps, key=lambda g: (g.last, g.first, g.status, g.sources), reverse=True)


def _neighbours(rows: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    runs: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if runs and row["run_day"] - runs[-1][-1]["run_day"] == timedelta(days=1):
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _command(
    first: date, last: date, status: str, names: Iterable[str], on: set[str], bare: bool
) -> str | None:
    if status == "not_available" and not bare:
        return None
    off = sorted(set(names) - on)
    switch = f" --sources {shlex.quote(','.join(sorted(names)))}" if off else ""
    return f"newsarchive {_INDEXES if bare else ''}backfill --from {first} --to {last}{switch}"


def _command_for(row: Mapping[str, Any], gaps: Iterable[Gap]) -> str | None:
    for gap in gaps:
        if row["source"] in gap.sources and gap.first <= row["run_day"] <= gap.last:
            return gap.command
    return None


def _read(options: Options, first: date, last: date) -> list[dict[str, Any]]:
    from newsarchive.store import snapshot

    root = options.settings().archive_path
    if not (root / snapshot.NAME).exists():
        return []
    with snapshot.reading(root) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM coverage WHERE run_day BETWEEN ? AND ?",  # noqa: S608 - ours
            [first, last],
        ).fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def _print_calendar(
    table: Iterable[Mapping[str, Any]], days: Sequence[date], names: Sequence[str]
) -> None:
    from rich.text import Text

    status = {(r["source"], r["run_day"]): r["status"] for r in table}
    width = max([len(n) for n in names] + [6])
    for start in range(0, len(days), _across(width)):
        shown = days[start : start + _across(width)]
        output.print_rich(Text(f"{'':{width}}  {_months(shown)}", "bold"))
        output.print_rich(
            Text(f"{'source':{width}}  {' '.join(f'{d.day:2}' for d in shown)}", "bold")
        )
        for name in names:
            line = Text(f"{name:{width}}  ")
            for day in shown:
                sign, style = _SIGNS.get(status.get((name, day), ""), (" ", ""))
                line.append(f" {sign} ", style)
            line.rstrip()
            output.print_rich(line)
    output.print_rich(_legend(set(status.values())))


def _across(width: int) -> int:
    """Return how many days stand side by side."""
    import shutil
    import sys

    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    return max(7, (columns - width - 2) // 3)


def _months(days: Sequence[date]) -> str:
    """Return the header over the day numbers: each month's name where it begins."""
    line = ""
    for number, day in enumerate(days):
        if number == 0 or day.day == 1:
            place = number * 3
            # Days before it that are too few for their month's name go without.
            line = line.ljust(place) if len(line) < place else " " * place
            line += f"{day:%Y-%m}"
    return line.rstrip()


def _legend(there: set[str]) -> "Text":
    from rich.text import Text

    legend = Text("\n")
    for status, (sign, style) in _SIGNS.items():
        if status in there:
            legend.append(f"{sign} ", style).append(f"{status}: {_MEANS[status]}\n")
    legend.rstrip()
    return legend


def _print_gaps(gaps: Sequence[Gap]) -> None:
    if not gaps:
        click.echo("\nNo gaps.")
        return
    click.echo("\nGaps")
    for gap in gaps[:_MOST_GAPS]:
        days = str(gap.first) if gap.first == gap.last else f"{gap.first} … {gap.last}"
        note = f" ({gap.note})" if gap.note else ""
        click.echo(f"  {days}  {', '.join(gap.sources)}: {gap.status}{note}")
        click.echo(f"      {gap.command or 'nothing fills it: no listing and no index reaches it'}")
    if len(gaps) > _MOST_GAPS:
        output.say(f"and {len(gaps) - _MOST_GAPS} more: --json lists all")
