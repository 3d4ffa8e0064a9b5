"""Commands that read the archive with SQL: query, shell."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsarchive.cli import output
from newsarchive.cli.options import Options, json_option, pass_options
from newsarchive.cli.progress import showing
from newsarchive.errors import ArchiveError
from newsarchive.objects import on_disk

if TYPE_CHECKING:
    import duckdb

_AT_ONCE = 1000  # rows taken from DuckDB at a time
_QUIET = 1.0  # seconds before a query shows how far it is


@click.command(short_help="Ask the archive in SQL.")
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "markdown"]),
    default="table",
    show_default=True,
    help="How rows are printed; all but table print values whole.",
)
@click.option(
    "--rows",
    "most",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Most rows of a table; the other forms print all.",
)
@json_option
@pass_options
def query(options: Options, sql: str, form: str, most: int) -> None:
    """Ask the archive in SQL, and print the rows. SQL is DuckDB's; - reads it from standard input.

    Readers see the state of the last publish, all tables at one moment, and can change nothing in
    it. Views: articles, versions, captures, rejects, links, listings, coverage, daily_counts,
    keywords, aliases, sources, about. A condition on article_day (or run_day) reads that day's file
    alone.

    \b
    Examples:
      newsarchive query "SELECT source, title FROM articles ORDER BY published_at DESC LIMIT 10"
      newsarchive query "SELECT * FROM daily_counts" --format csv > counts.csv
      newsarchive query "DESCRIBE articles"
      newsarchive query - --json < report.sql
    """  # noqa: D301 - click reads it
    from newsarchive.store import snapshot

    if sql == "-":
        sql = sys.stdin.buffer.read().decode(errors="replace")
    form = "json" if options.json else form
    with snapshot.reading(options.settings().archive_path) as connection:
        columns, rows = _ask(connection, sql)
        if not columns:
            return
        match form:
            case "csv":
                output.print_csv(columns, rows)
            case "json":
                output.print_json_rows(columns, rows)
            case "markdown":
                output.print_markdown(columns, rows)
            case _:
                shown = list(islice(rows, most))
                output.print_table(columns, shown)
                if next(rows, None) is not None:
                    output.say(
                        f"only the first {most} rows: --rows shows more, --format csv or json all"
                    )


@click.command(
    short_help="Open the archive in DuckDB's command line.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- DUCKDB OPTIONS]")
@pass_options
def shell(options: Options, arguments: tuple[str, ...]) -> None:
    """Open the archive in DuckDB's own command line, for reading.

    What a publish shows while it is open is seen when it is opened again. `.tables` lists the
    views, `.quit` ends.

    \b
    Examples:
      newsarchive shell
      newsarchive shell -- -csv -c "SELECT source, count(*) FROM articles GROUP BY source"
    """  # noqa: D301 - click reads it
    from newsarchive.store import snapshot

    root = on_disk(options.settings().archive_path, "DuckDB's command line")
    database = root / snapshot.NAME
    with snapshot.reading(root):  # a missing or broken archive is one clear line
        pass
    place = str(root).replace("'", "''")
    program = _duckdb_program()
    command = [
        program,
        "-readonly",
        "-cmd",
        f"SET VARIABLE archive_root = '{place}/'; SET TimeZone = 'UTC';",
        str(database),
        *arguments,
    ]
    sys.stdout.flush()
    os.execv(program, command)  # noqa: S606 - the program that was asked for, in our place


def _duckdb_program() -> str:
    """Return the path of DuckDB's command line: the wheel's own binary, else one on the path.

    Raises:
        ArchiveError: there is none.
    """
    from importlib.util import find_spec

    spec = find_spec("duckdb_cli")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "duckdb"
        if os.access(binary, os.X_OK):
            return str(binary)
    found = shutil.which("duckdb")
    if found is None:
        raise ArchiveError("no duckdb command line here: `pip install duckdb-cli` brings it")
    return found


def _ask(
    connection: "duckdb.DuckDBPyConnection", sql: str
) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return column names and rows; no names where the statement gives no rows.

    Raises:
        ArchiveError: the SQL is wrong, or fails; one line, with the place where DuckDB tells it.
    """
    import duckdb

    connection.execute("SET errors_as_json = true")
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(connection.execute, sql)
            try:
                _wait(future, connection)
            except KeyboardInterrupt:
                connection.interrupt()
                raise
            future.result()
    except duckdb.Error as error:
        raise ArchiveError(sql_error(error, sql)) from error
    names = [column[0] for column in connection.description or []]
    return names, _rows(connection, sql)


def _wait(future: Any, connection: "duckdb.DuckDBPyConnection") -> None:
    if wait([future], timeout=_QUIET).done:
        return
    began = time.monotonic()
    with showing("query") as tell:
        while not wait([future], timeout=0.2).done:
            # DuckDB does not know how far it is in every query; then the seconds go on.
            percent = connection.query_progress()
            if percent > 0:
                tell("percent", int(percent), 100)
            else:
                tell("seconds", int(_QUIET + time.monotonic() - began), 0)


def _rows(connection: "duckdb.DuckDBPyConnection", sql: str) -> Iterator[Sequence[Any]]:
    import duckdb

    try:
        while rows := connection.fetchmany(_AT_ONCE):
            yield from rows
    except duckdb.Error as error:
        raise ArchiveError(sql_error(error, sql)) from error


def sql_error(error: Exception, sql: str) -> str:
    """Return DuckDB's error in one line, with line and column where it tells a place.

    Args:
        error: with its text as JSON (`errors_as_json`), or plain.
        sql: what was asked.
    """
    kind, _, rest = str(error).partition(": ")
    try:
        told = json.loads(rest)
        message, position = told["exception_message"], told.get("position")
    except (ValueError, TypeError, KeyError):
        return " ".join(str(error).split("\n\nLINE ")[0].split())
    line = f"{kind}: {' '.join(message.split())}"
    if position is None or not str(position).isdecimal():
        return line
    before = sql.encode()[: int(position)].decode(errors="ignore")
    row, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    return f"{line} (line {row}, column {column})"
