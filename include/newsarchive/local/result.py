"""What a day brought, read from the snapshot and printed for a person."""

import shlex
from collections.abc import Collection
from datetime import date
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from newsarchive.errors import ArchiveError
from newsarchive.objects import Folder
from newsarchive.store import snapshot

BIN = ".venv/bin"
QUERY = """SELECT article_day, source, language, count(*) AS articles
FROM articles GROUP BY ALL ORDER BY article_day DESC, source LIMIT 6"""


def show(archive: Folder, day: date, sources: Collection[str], console: Console) -> bool:
    """Print what a run day brought and how to query it; return whether each source is complete.

    Raises:
        ArchiveError: there is no snapshot to read.
    """
    if not (archive / snapshot.NAME).exists():
        raise ArchiveError(f"{archive / snapshot.NAME} is missing: nothing was published")
    with snapshot.reading(archive) as db:
        complete = _coverage(db, day, sources, console)
        _headlines(db, console)
        console.print(f"\n[bold]A first query[/]\n{QUERY}")
        console.print(_table(db.sql(QUERY)))
    console.print(f"\n[bold]The archive[/]   {archive}", soft_wrap=True, highlight=False)
    database = shlex.quote(str(archive / snapshot.NAME))
    for program in (
        *([f'duckdb -readonly {database} "FROM articles LIMIT 5"'] * isinstance(archive, Path)),
        f'newsarchive --archive {shlex.quote(str(archive))} query "FROM coverage"',
    ):
        console.print(f"{BIN}/{program}", soft_wrap=True, markup=False, highlight=False)
    return complete


def days_run(archive: Folder, sources: Collection[str]) -> list[date]:
    """Return the run days on which any of some sources was run."""
    if not (archive / snapshot.NAME).exists():
        return []
    with snapshot.reading(archive) as db:
        rows = db.execute(
            "SELECT DISTINCT run_day FROM coverage WHERE list_contains(?, source) ORDER BY 1",
            [list(sources)],
        ).fetchall()
    return [day for (day,) in rows]


def _coverage(
    db: duckdb.DuckDBPyConnection, day: date, sources: Collection[str], console: Console
) -> bool:
    rows = db.execute(
        "SELECT source, status, listed, captured, kept, rejected, note FROM coverage "
        "WHERE run_day = ? ORDER BY source",
        [day],
    ).fetchall()
    table = Table(title=f"Articles of {day} (UTC)", title_justify="left")
    for column in ("source", "status"):
        table.add_column(column)
    for column in ("listed", "captured", "articles", "rejected"):
        table.add_column(column, justify="right")
    table.add_column("note")
    for source, status, *numbers, note in rows:
        table.add_row(source, status, *map(str, numbers), note or "")
    console.print(table)
    status_of = {row[0]: row[1] for row in rows}
    wanting = sorted(name for name in sources if status_of.get(name) != "complete")
    if wanting or not sources:
        what = ", ".join(f"{name} ({status_of.get(name, 'no coverage')})" for name in wanting)
        console.print(f"[red]{day} is not complete[/]: {what or 'no source is on'}", soft_wrap=True)
    return bool(sources) and not wanting


def _headlines(db: duckdb.DuckDBPyConnection, console: Console) -> None:
    rows = db.execute(
        "SELECT language, title, source FROM articles WHERE language IN ('ar', 'en') QUALIFY "
        "row_number() OVER (PARTITION BY language ORDER BY published_at DESC, article_id) <= 2 "
        "ORDER BY language, published_at DESC, article_id"
    ).fetchall()
    if rows:
        console.print("\n[bold]Headlines[/]")
    for language, title, source in rows:
        console.print(Text(f"  {language}  {title}  ({source})"), soft_wrap=True)


def _table(relation: duckdb.DuckDBPyRelation) -> Table:
    table = Table()
    for column in relation.columns:
        table.add_column(column)
    for row in relation.fetchall():
        table.add_row(*("" if value is None else str(value) for value in row))
    return table
