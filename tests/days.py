"""Whole days of the sample newspapers through the steps, and their rows beside the truth."""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from newsarchive import settings
from newsarchive.schema import TABLES
from newsarchive.settings import Settings
from newsarchive.store import snapshot

KEYS = {
    "links": ("run_day", "source", "url"),
    "versions": ("run_day", "source", "url", "part"),
    "articles": ("article_id",),
    "rejects": ("run_day", "source", "url"),
}
# What a second, undisturbed run must give again: every view over a table, but the events.
SAME = ("links", "listings", "versions", "rejects", "articles", "coverage", "aliases")


def settings_for(folder: Path, port: int, **more: Any) -> Settings:
    """Return settings for an archive below `folder` and samples at `port`."""
    given: dict[str, Any] = {
        "archive": str(folder / "archive"),
        "state_dir": folder / "state",
        "sample_port": port,
        "sources": "sample_*",
        "backoff": 0.02,
        "delay": 0.0,
    }
    return settings.load(**(given | more))


def program_for(archive: Path, state: Path, port: int) -> list[str]:
    """Return the words that start the program on an archive, with samples at `port`."""
    options = {
        "archive": archive,
        "state_dir": state,
        "sample_port": port,
        "sources": "sample_*",
        "delay": 0,
        "backoff": 0.02,
    }
    given = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "newsarchive.cli", *given]


def plain(value: Any) -> Any:
    """Return a value in the form in which the truth writes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def rows(archive: Path, view: str) -> list[dict[str, Any]]:
    """Return every row of a view, values in plain form."""
    with snapshot.reading(archive) as connection:
        cursor = connection.execute(f"SELECT * FROM {view}")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchall()]


def lasting(archive: Path) -> dict[str, list[str]]:
    """Return what two equal archives have in common: per view the lasting columns, sorted."""
    views = {view: view for view in SAME} | {"stories": "_stories"}
    return {
        table: sorted(
            repr([row[name] for name in TABLES[table].lasting]) for row in rows(archive, view)
        )
        for table, view in views.items()
    }


def differences(archive: Path, truth: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return in words where the archive's rows are not what the truth says they must be."""
    found: list[str] = []
    for view, key in KEYS.items():
        have = {tuple(str(r[k]) for k in key): r for r in rows(archive, view)}
        want = {tuple(str(plain(r[k])) for k in key): r for r in truth[view]}
        found += [f"{view}: missing {k}" for k in want.keys() - have.keys()]
        found += [f"{view}: extra {k}" for k in have.keys() - want.keys()]
        for identity in want.keys() & have.keys():
            found += [
                f"{view} {identity} {name}: {have[identity][name]!r}, not {value!r}"
                for name, value in want[identity].items()
                if not _equal(have[identity][name], value)
            ]
    return found


def _equal(have: Any, want: Any) -> bool:
    if have == want:
        return True
    if isinstance(have, str) and isinstance(want, str) and "T" in want:
        try:
            return datetime.fromisoformat(have) == datetime.fromisoformat(want)
        except ValueError:
            return False
    return False


def live_files(archive: Path) -> dict[str, int]:
    """Return how many files the snapshot names, by table."""
    counts = dict.fromkeys(TABLES, 0)
    for file in snapshot.named_files(archive):
        counts[file.table] += 1
    return counts


def files_per_partition(archive: Path) -> Iterable[int]:
    """Return the number of files of each partition that the snapshot names."""
    counts: dict[tuple[str, date], int] = {}
    for file in snapshot.named_files(archive):
        counts[file.table, file.day] = counts.get((file.table, file.day), 0) + 1
    return counts.values()


def changed(first: Path, second: Path) -> list[str]:
    """Return in words where two archives differ in their lasting columns."""
    found: list[str] = []
    for view in SAME:
        key = KEYS.get(view, (*TABLES[view].order, TABLES[view].partition))
        one, two = (
            {tuple(str(r[k]) for k in key): r for r in rows(a, view)} for a in (first, second)
        )
        found += [f"{view}: only in one: {k}" for k in one.keys() ^ two.keys()]
        found += [
            f"{view} {k} {name}: {one[k][name]!r}, {two[k][name]!r}"
            for k in one.keys() & two.keys()
            for name in TABLES[view].lasting
            if one[k][name] != two[k][name]
        ]
    return found
