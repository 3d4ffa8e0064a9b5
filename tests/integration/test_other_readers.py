"""The tables are Delta Lake: a program that knows nothing of ours reads the rows of the views."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from days import settings_for

from newsarchive import steps
from newsarchive.days import days_between
from newsarchive.sample.serve import start
from newsarchive.schema import TABLES
from newsarchive.store import snapshot

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
DAYS = days_between(date(2026, 11, 10), date(2026, 11, 12))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return one of three days, one of them run twice, so that tables have former files too."""
    with start(now=NOW) as server:
        chosen = settings_for(tmp_path_factory.mktemp("three-days"), server.server_port)
        for day in (*DAYS, DAYS[0]):
            steps.run(day, chosen)
        yield chosen.archive_path


def of_view(archive: Path, view: str, columns: list[str]) -> list[str]:
    """Return the rows of a view, sorted, in a form that can be compared."""
    with snapshot.reading(archive) as connection:
        names = ", ".join(f'"{c}"' for c in columns)
        found = connection.execute(f"SELECT {names} FROM {view}").fetchall()
    return sorted(repr([plain(value) for value in row]) for row in found)


def plain(value: Any) -> Any:
    """Return a value as both readers give it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return dict(value) if isinstance(value, dict) else value


def of_polars(rows: pl.LazyFrame, columns: list[str]) -> list[str]:
    """Return the rows of a table as Polars reads them, sorted, in the same form."""
    found = rows.select(columns).collect().rows()
    return sorted(repr([plain(value) for value in row]) for row in found)


@pytest.mark.parametrize("name", [n for n in TABLES if n != "removals"])
def test_polars_reads_the_rows_of_each_table(archive: Path, name: str) -> None:
    columns = TABLES[name].arrow.names
    wanted = of_view(archive, f"_{name}", columns)
    assert of_polars(pl.scan_delta(str(archive / name)), columns) == wanted
    assert wanted or name in ("aliases", "rejects")


def test_polars_reads_the_articles_with_their_stories(archive: Path) -> None:
    articles = pl.scan_delta(str(archive / "articles"))
    stories = pl.scan_delta(str(archive / "stories")).select(
        "article_day", "article_id", "story_id"
    )
    columns = ["article_day", "article_id", "source", "title", "text", "published_at", "story_id"]
    joined = articles.join(stories, on=["article_day", "article_id"], how="left")
    assert of_polars(joined, columns) == of_view(archive, "articles", columns)
