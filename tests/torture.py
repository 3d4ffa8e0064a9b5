"""Processes that write to an archive, or read it, again and again; and what readers may never see.

A writer gives all versions of a run day one generation, in their titles, and publishes the day. So
whoever reads sees one generation a day, the same in every table, or a mix.
"""

import random
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from archives import version, write

from newsarchive import settings, steps
from newsarchive.settings import Settings
from newsarchive.store import snapshot
from newsarchive.store.tables import committing

# Each must be empty, whenever it is asked.
NEVER = {
    "generations mixed in a day": """
        SELECT run_day, list(DISTINCT title) FROM versions GROUP BY ALL
        HAVING count(DISTINCT title) > 1""",
    "an article whose version is not there": """
        SELECT article_id FROM articles ANTI JOIN versions USING (version_id)""",
    "an article that is not as its version": """
        SELECT a.title, v.title FROM articles a JOIN versions v USING (version_id)
        WHERE a.title <> v.title""",
    "a version whose article is not there": """
        SELECT article_id FROM versions ANTI JOIN articles USING (article_id)""",
    "coverage that counts what is not there": """
        SELECT run_day, c.kept, v.number
        FROM (SELECT run_day, sum(kept) AS kept FROM coverage GROUP BY run_day) c
        FULL JOIN (SELECT run_day, count(*) AS number FROM versions GROUP BY run_day) v
        USING (run_day)
        WHERE coalesce(c.kept, 0) <> coalesce(v.number, 0)""",
}


def mixes(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return what a connection sees that nobody may see."""
    return [
        f"{what}: {found[:3]}"
        for what, sql in NEVER.items()
        if (found := connection.execute(sql).fetchall())
    ]


def torture_settings(archive: Path | str, state: Path) -> Settings:
    """Return settings for an archive, in a folder or a store."""
    return settings.load(archive=str(archive), state_dir=state, sources="sample_en")


def write_generations(
    own: Settings, writer: str, days: Sequence[date], number: int, seed: int
) -> int:
    """Give days a new generation and publish them, each once, then by chance; return how often."""
    chance = random.Random(seed)
    for generation in range(number):
        day = days[generation] if generation < len(days) else chance.choice(days)
        made = [
            version(
                day,
                f"https://a.example/{day}/{n}",
                title=f"{writer} {generation}",
                payload=f"{writer} {generation} {n}",
                text=f"{day} {n} tells of generation {generation} by {writer}.",
            )
            for n in range(chance.randint(1, 30))
        ]
        committing(f"write {day}", write, own.archive_path, made)
        steps.publish(day, own)
    return number


def maintain_again_and_again(own: Settings, until: Any) -> int:
    """Maintain until told to stop; return how often."""
    number = 0
    while not until.is_set():
        steps.maintain(own)
        number += 1
    return number


def read_again_and_again(own: Settings, how: str, until: Any) -> tuple[int, list[str]]:
    """Read until told to stop; return how often, and what was seen that may never be.

    Args:
        own: of the archive.
        how: `new` opens the snapshot for each look, `kept` looks fifty times through one
            connection, which must see the same each time.
        until: an event that ends it.
    """
    looks, wrong = 0, []
    while not until.is_set() and len(wrong) < 5:
        try:
            if how == "new":
                with _new(own) as reader:
                    wrong += mixes(reader)
            else:
                with snapshot.reading(own.archive_path) as reader:
                    wrong += _look_often(reader, until)
        except Exception as error:  # whatever it is, a reader may not meet it
            wrong.append(f"{type(error).__name__}: {error}")
        looks += 1
    return looks, wrong


def _new(own: Settings) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Open the snapshot as others' programs do, where it is a file."""
    root = own.archive_path
    if not isinstance(root, Path):
        return snapshot.reading(root)
    return closing(duckdb.connect(str(root / snapshot.NAME), read_only=True))


def _look_often(reader: duckdb.DuckDBPyConnection, until: Any) -> list[str]:
    sql = "SELECT run_day, any_value(title), count(*) FROM versions GROUP BY ALL ORDER BY ALL"
    first, wrong = reader.execute(sql).fetchall(), mixes(reader)
    for _ in range(50):
        if until.is_set() or wrong:
            break
        time.sleep(0.02)
        wrong += mixes(reader)
        if reader.execute(sql).fetchall() != first:
            wrong.append("an open snapshot changed")
    return wrong
