"""Rows as tables for people (right-to-left text included), CSV, Markdown, and JSON for machines."""

import csv
import io
import json
import math
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MOST_CELL = 300  # characters of one value in a table
_WIDE = 100_000  # columns, where no terminal sets a limit
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# What would drive the terminal, or turn the direction of the rest of the line.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_BAR = re.compile("[│┃]")
_LEFT_TO_RIGHT_MARK = "\u200e"
_STYLES = {
    "complete": "green",
    "empty": "green",
    "partial": "yellow",
    "low": "yellow",
    "failed": "red",
    "not_available": "dim",
    "not_run": "dim",
}


def json_value(value: Any) -> Any:
    """Return `value` as JSON has it: times in UTC with offset, days as ISO dates, bytes as hex."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case date():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(k): json_value(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [json_value(v) for v in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case timedelta() | Path():
            return str(value)
        case _:
            return str(value)


def text_value(value: Any) -> str:
    """Return `value` as one string: NULL is empty, times to the second where that loses nothing."""
    match value:
        case None:
            return ""
        case str():
            return value
        case datetime():
            value = value.astimezone(UTC) if value.tzinfo else value
            text = value.replace(tzinfo=None).isoformat(" ")
            return f"{text}Z" if value.tzinfo else text
        case list() | tuple() if all(isinstance(v, str) for v in value):
            return ", ".join(value)
        case list() | tuple() | Mapping():
            return json.dumps(json_value(value), ensure_ascii=False)
        case bytes():
            return value.hex()
        case _:
            return str(value)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    _write(json.dumps(json_value(value), ensure_ascii=False, indent=2) + "\n")


def print_json_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as an array of objects, one a line, as they come."""
    names = unique(columns)
    before = "[\n"
    for row in rows:
        values = json_value(dict(zip(names, row, strict=True)))
        _write(before + json.dumps(values, ensure_ascii=False))
        before = ",\n"
    _write("[]\n" if before == "[\n" else "\n]\n")


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as CSV (RFC 4180) with a header; lists and maps as JSON, NULL as nothing."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_value(v) for v in row])
        if buffer.tell() > 1 << 16:
            _write(buffer.getvalue())
            buffer.seek(0)
            buffer.truncate()
    _write(buffer.getvalue())


def print_markdown(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a Markdown table, values whole."""

    def line(values: Iterable[str]) -> str:
        cells = (re.sub(r"\r?\n|\r", "<br>", v.replace("|", "\\|")) for v in values)
        return f"| {' | '.join(cells)} |\n"

    _write(line(columns) + f"|{' --- |' * len(columns)}\n")
    for row in rows:
        _write(line(text_value(v) for v in row))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    title: str | None = None,
    fold: Sequence[str] = (),
) -> None:
    """Print rows as a table that fits the terminal; values over `MOST_CELL` characters are cut.

    Args:
        columns: headers.
        rows: one value per column; numbers go to the right.
        title: stands above.
        fold: columns whose values are needed whole: broken over lines rather than cut.
    """
    from rich import box
    from rich.table import Table

    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", box=box.ROUNDED, header_style="bold")
    for number, name in enumerate(columns):
        values = [row[number] for row in rows if row[number] is not None]
        numeric = bool(values) and all(
            isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in values
        )
        table.add_column(
            _clean(name),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=numeric or all(isinstance(v, date) for v in values),
        )
    for row in rows:
        table.add_row(
            *(
                cell(v, MOST_CELL if n not in fold else None)
                for n, v in zip(columns, row, strict=True)
            )
        )
    print_rich(table)


def print_fields(fields: Mapping[str, Any], title: str | None = None) -> None:
    """Print names and values, one pair a line."""
    from rich.table import Table

    grid = Table(box=None, show_header=False, title=title, title_justify="left", pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        grid.add_row(_clean(name), cell(value, 2 * MOST_CELL))
    print_rich(grid)


def print_rich(what: "RenderableType") -> None:
    """Print what rich renders, at the terminal's width, or as wide as it is where that is none."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=shutil.get_terminal_size().columns if terminal else _WIDE,
        force_terminal=terminal,
        highlight=False,
        legacy_windows=False,
    )
    console.print(what, soft_wrap=False)
    lines = (line.rstrip() if not terminal else line for line in buffer.getvalue().splitlines())
    _write("".join(_directed(line) + "\n" for line in lines))


def cell(value: Any, most: int | None) -> "Text":
    """Return a value as one paragraph, with nothing in it that drives the terminal."""
    from rich.text import Text

    text = _clean(text_value(value))
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    return Text(text, style=_STYLES.get(text, ""))


def unique(names: Sequence[str]) -> list[str]:
    """Return column names made different: a second `n` becomes `n_2`."""
    made: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in made:
            number += 1
            candidate = f"{name}_{number}"
        made.append(candidate)
    return made


def say(line: str) -> None:
    """Print a line for people on standard error."""
    click.echo(line, err=True)


def _write(text: str) -> None:
    sys.stdout.write(text)


def _clean(text: str) -> str:
    return _CONTROLS.sub("", " ".join(text.split()) if "\n" in text or "\t" in text else text)


def _directed(line: str) -> str:
    """Return a table's line so that terminals that reorder Arabic do it within each cell."""
    if not _RIGHT_TO_LEFT.search(line):
        return line
    return _BAR.sub(lambda m: f"{_LEFT_TO_RIGHT_MARK}{m.group()}{_LEFT_TO_RIGHT_MARK}", line)


def _csv_value(value: Any) -> str:
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(json_value(value), ensure_ascii=False)
    return text_value(value)
