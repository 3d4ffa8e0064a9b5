"""`archive.duckdb`: what readers open, all tables at one moment.

Its views name exactly the files of finished partitions.

A new snapshot is the one before plus the partitions that a publish completed, built under another
name and moved into place, by one publisher at a time. It names files; it holds no rows of theirs.

In an object store it is one object, put in place if it is still the one that the publisher began
with: of publishers on several machines one is first, and the others do their work again. Readers
open a copy of it.
"""

import hashlib
import json
import os
import platform
import random
import re
import shutil
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from filelock import FileLock, Timeout

from newsarchive import __version__, sums
from newsarchive.errors import ArchiveError, Conflict
from newsarchive.objects import (
    Changed,
    Folder,
    ObjectPath,
    copy,
    etag,
    filesystem,
    put_if,
    staging,
)
from newsarchive.schema import SCHEMA_VERSION, TABLES, Table
from newsarchive.sources import Source
from newsarchive.store import parquet

NAME = "archive.duckdb"
# The oldest format that has all we use: DuckDB command lines lag behind the library.
_STORAGE = "v1.5.0"
_PUBLISH_WAIT = 600.0  # seconds
_TURN = 15.0  # seconds that another machine's publish is waited for
LOCK = ".publish.lock"
_LONGEST_LEFT = timedelta(days=8)  # more than the longest retention
_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_READ_NAME = re.compile(rf"\.{re.escape(NAME)}\.read-{_MACHINE}-(\d+)-[0-9a-f]{{32}}")
_FRESH_NAME = re.compile(rf"\.{re.escape(NAME)}\.[0-9a-f]{{32}}(\.wal)?")
# In the order in which they are made: later ones may build on earlier ones.
VIEWS = (
    "links",
    "listings",
    "captures",
    "versions",
    "rejects",
    "coverage",
    "articles",
    "aliases",
    "removals",
    "daily_counts",
    "keywords",
    "sources",
    "about",
)
_SOURCES = pa.schema(
    {
        "source": pa.string(),
        "title": pa.string(),
        "url": pa.string(),
        "language": pa.string(),
        "country": pa.string(),
        "timezone": pa.string(),
        "expected_min": pa.int32(),
        "expected_max": pa.int32(),
        "tags": pa.list_(pa.string()),
        "listings": pa.list_(pa.string()),
        "source_version": pa.string(),
        "declaration": pa.string(),
    }
)
_ARROW_TO_SQL = {
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.binary(): "BLOB",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.map_(pa.string(), pa.string()): "MAP(VARCHAR, VARCHAR)",
    pa.map_(pa.string(), pa.int64()): "MAP(VARCHAR, BIGINT)",
    pa.map_(pa.string(), pa.float64()): "MAP(VARCHAR, DOUBLE)",
}


@dataclass(frozen=True, slots=True)
class NamedFile:
    """One file that a snapshot names; `columns` tells files of different schema versions apart."""

    table: str
    day: date
    path: str
    columns: str


@contextmanager
def publishing(root: Folder) -> Iterator[None]:
    """Hold the archive's publish lease: one publisher at a time; the kernel frees it at death.

    Of an archive in an object store it is this machine's lease, and machines take turns; what two
    of them do at once all the same, `build` notices.

    Raises:
        Conflict: another publisher held it for ten minutes.
    """
    folder = staging(root)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=_PUBLISH_WAIT)
    try:
        lock.acquire()
    except Timeout:
        raise Conflict(
            f"{root}: another publish has run for ten minutes; run it again when that has ended"
        ) from None
    try:
        with _turn(root) if isinstance(root, ObjectPath) else nullcontext():
            _look(root)
            yield
    finally:
        _BEFORE.pop(root, None)
        lock.release()


@contextmanager
def _turn(root: ObjectPath) -> Iterator[None]:
    """Have this machine's turn: without turns the slower of two would be too late again and again.

    A turn keeps nothing whole, that is the conditional put's work. So one that does not end, of a
    publisher that is slow or was killed, is not waited for long.
    """
    path, here = root / LOCK, f"{_MACHINE} {staging(root)}\n"
    given = f"{here}{uuid.uuid4().hex}".encode()
    mine = before = None
    until = time.monotonic() + _PUBLISH_WAIT
    while mine is None and time.monotonic() < until:
        try:
            mine = put_if(path, given, before)
        except Changed:
            before = _other_turn(path, here)
    try:
        yield
    finally:
        with suppress(OSError):  # the store is down: what was published is all the same
            if mine is not None and etag(path) == mine:
                path.unlink(missing_ok=True)


def _other_turn(path: ObjectPath, here: str) -> str | None:
    """Wait until another machine's turn ends; return its tag if that takes too long.

    A turn of this machine is of a process that was killed: its lease is held by this one.
    """
    tag, until = etag(path), time.monotonic() + _TURN
    while tag is not None and time.monotonic() < until:
        try:
            if path.read_text("utf-8").startswith(here):
                break
        except FileNotFoundError:
            return None
        time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - spreads publishers, no secret
        before, tag = tag, etag(path)
        if tag != before:
            until = time.monotonic() + _TURN
    return tag


_BEFORE: dict[Folder, str | None] = {}
"""The tags of the snapshots that this process, a publisher, began with."""


def _look(root: Folder) -> None:
    """Remember which snapshot is in place, before the tables are opened that the next will show."""
    if isinstance(root, ObjectPath):
        _BEFORE[root] = etag(root / NAME)


def build(
    root: Folder, finished: Mapping[str, Mapping[date, Iterable[str]]], sources: Iterable[Source]
) -> Folder:
    """Move a new snapshot into place: the one before, with the `finished` partitions as given.

    Call within `publishing`.

    Args:
        root: the archive.
        finished: by table and day, the paths (below the archive) of the files that make up the
            partition now.
        sources: every declared source, for the view `sources`.

    Returns:
        The path of `archive.duckdb`.

    Raises:
        CommitFailedError: in an object store, a publisher on another machine was first since the
            lease was taken, or since this was raised last. What `finished` was made of has to be
            done again (`tables.committing`).
    """
    before, left_before = _own_rows(root)
    named = {(f.table, f.day, f.path): f for f in before if f.day not in finished.get(f.table, {})}
    for table, days in finished.items():
        for day, paths in days.items():
            for path in paths:
                columns = ",".join(sorted(parquet.columns_of(root / path)))
                named[table, day, path] = NamedFile(table, day, path, columns)
    now = datetime.now(UTC)
    shown = {path for _, _, path in named}
    left = {p: at for p, at in left_before.items() if _may_be_there(root / p, at, now)}
    left |= {f.path: now for f in before}
    left = {p: at for p, at in left.items() if p not in shown}
    _remove_strays(root)
    fresh = staging(root) / f".{NAME}.{uuid.uuid4().hex}"
    try:
        _write(fresh, root, [named[k] for k in sorted(named)], left, list(sources))
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        sums.record(root, {NAME: sums.digest(fresh)})
        _place(fresh, root)
    finally:
        for stray in (fresh, fresh.with_name(fresh.name + ".wal")):
            stray.unlink(missing_ok=True)
    return root / NAME


def discard(root: Folder) -> None:
    """Remove a snapshot that is damaged; the next one is made of what is given to `build` alone.

    Call within `publishing`.
    """
    (root / NAME).unlink(missing_ok=True)
    _look(root)


def _may_be_there(path: Folder, since: datetime, now: datetime) -> bool:
    """Say whether a file that left may still be there; a store is not asked for each."""
    return now - since < _LONGEST_LEFT if isinstance(path, ObjectPath) else path.exists()


def _place(fresh: Path, root: Folder) -> None:
    """Put a new snapshot in the place of the one before."""
    if isinstance(root, ObjectPath):
        try:
            _BEFORE[root] = put_if(root / NAME, fresh.read_bytes(), _BEFORE.get(root))
        except Changed as error:
            from deltalake.exceptions import CommitFailedError  # readers do without the library

            _look(root)
            raise CommitFailedError(str(error)) from None
        return
    fresh.replace(root / NAME)
    folder = os.open(root, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def reading(root: Folder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the snapshot for reading, whatever other connections this process has to an older one.

    DuckDB keeps one instance per path in a process, and would show the file as it was before it was
    replaced: so it is opened under a name of its own.
    """
    with _own_name(root) as path:
        connection = _connect(path, root)
        try:
            _lend(connection, root)
            connection.execute(f"SET VARIABLE archive_root = {_quoted(str(root) + '/')}")
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()


def named_files(root: Folder, table: str | None = None) -> list[NamedFile]:
    """Return what the current snapshot names, of one table or all; none where none is."""
    return _own_rows(root, table)[0]


def left_files(root: Folder) -> dict[str, datetime]:
    """Return when files left the snapshot that are still there, for readers of an older one."""
    return _own_rows(root)[1]


def _own_rows(
    root: Folder, table: str | None = None
) -> tuple[list[NamedFile], dict[str, datetime]]:
    if not (root / NAME).exists():
        return [], {}
    with _own_name(root) as path:
        connection = _connect(path, root)
        try:
            files = connection.execute(
                'SELECT "table", day, path, columns FROM _files WHERE $1 IS NULL OR "table" = $1',
                [table],
            ).fetchall()
            connection.execute("SET TimeZone = 'UTC'")
            has_left = "SELECT count(*) FROM duckdb_tables() WHERE table_name = '_left'"
            left = []
            if connection.execute(has_left).fetchone() != (0,):  # 0: of an older version
                left = connection.execute("SELECT path, left_at FROM _left").fetchall()
        finally:
            connection.close()
    return [NamedFile(*row) for row in files], dict(left)


def _lend(connection: duckdb.DuckDBPyConnection, root: Folder) -> None:
    """Let a connection read the files that a snapshot names.

    In an object store by DuckDB's own extension where it is installed, which asks for many pieces
    at once; it takes the keys from the environment.
    """
    if isinstance(root, ObjectPath) and not _has_httpfs(connection, root):
        connection.register_filesystem(filesystem(root))


def _has_httpfs(connection: duckdb.DuckDBPyConnection, root: ObjectPath) -> bool:
    try:
        connection.execute("LOAD httpfs")
    except duckdb.Error:
        return False
    keys = "SELECT coalesce(current_setting('s3_access_key_id'), '')"
    if connection.execute(keys).fetchone() == ("",):
        # The keys come from elsewhere, as from the machine's role: our library finds them.
        connection.execute("SET disabled_filesystems = 'S3FileSystem'")
        return False
    secure, _, host = root.bucket.endpoint.rpartition("://")
    if host:
        connection.execute(f"SET s3_endpoint = {_quoted(host.rstrip('/'))}")
        connection.execute("SET s3_url_style = 'path'")
        connection.execute(f"SET s3_use_ssl = {secure != 'http'}")
    return True


def _connect(path: Path, root: Folder) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise ArchiveError(
            f"{root / NAME}: cannot be opened: {str(error).splitlines()[0]}"
        ) from error


@contextmanager
def _own_name(root: Folder) -> Iterator[Path]:
    path = root / NAME
    alias = staging(root) / f".{NAME}.read-{_MACHINE}-{os.getpid()}-{uuid.uuid4().hex}"
    try:
        if isinstance(path, ObjectPath):
            alias.parent.mkdir(parents=True, exist_ok=True)
            copy(path, alias)
        else:
            os.link(path, alias)
    except FileNotFoundError:
        raise ArchiveError(
            f"{path}: no archive here yet; `make run` or `newsarchive run` makes one"
        ) from None
    except OSError:  # no hard links, or a read-only folder
        if isinstance(path, ObjectPath):
            raise
        try:
            shutil.copyfile(path, alias)
        except OSError:
            yield path
            return
    try:
        yield alias
    finally:
        with suppress(OSError):
            alias.unlink()


def _remove_strays(root: Folder) -> None:
    """Remove what killed readers and publishers left; call as the only publisher."""
    for path in staging(root).glob(f".{NAME}.*"):
        reader = _READ_NAME.fullmatch(path.name)
        if _FRESH_NAME.fullmatch(path.name) or (reader and not _is_alive(int(reader[1]))):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # another user's, or no number of a process
    return True


def _write(
    fresh: Path,
    root: Folder,
    named: list[NamedFile],
    left: Mapping[str, datetime],
    sources: list[Source],
) -> None:
    connection = duckdb.connect(":memory:")
    try:
        _lend(connection, root)
        connection.execute(
            f"ATTACH {_quoted(str(fresh))} AS snapshot (STORAGE_VERSION {_quoted(_STORAGE)})"
        )
        connection.execute("USE snapshot")
        # One commit: each waits for the disk, and there would be a few hundred.
        connection.execute("BEGIN")
        _write_own_tables(connection, root, named, left, sources)
        by_table: dict[str, list[NamedFile]] = defaultdict(list)
        for file in named:
            by_table[file.table].append(file)
        all_scans: list[_Scan] = []
        # Whatever a view reads, it reads anew each time that a view over it is made: so one file
        # stands for all until the last is.
        for table in TABLES.values():
            scans = _scans(table, by_table[table.name])
            for scan in scans:
                connection.execute(_files_macro(scan, scan.paths[-1:], root))
            connection.execute(f"CREATE VIEW _{table.name} AS {_union(table, scans)}")
            all_scans += scans
        for view in VIEWS:
            connection.execute(
                resources.files("newsarchive.sql").joinpath(f"{view}.sql").read_text("utf-8")
            )
            if view in TABLES:
                _comment(connection, TABLES[view])
        for scan in all_scans:
            connection.execute(_files_macro(scan, scan.paths, root))
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT snapshot")
        connection.execute("USE memory")
        connection.execute("DETACH snapshot")
    finally:
        connection.close()


def _write_own_tables(
    connection: duckdb.DuckDBPyConnection,
    root: Folder,
    named: list[NamedFile],
    left: Mapping[str, datetime],
    sources: list[Source],
) -> None:
    connection.execute(
        'CREATE TABLE _files ("table" VARCHAR, day DATE, path VARCHAR, columns VARCHAR)'
    )
    files = pa.table(
        {
            "table": pa.array([f.table for f in named], pa.string()),
            "day": pa.array([f.day for f in named], pa.date32()),
            "path": pa.array([f.path for f in named], pa.string()),
            "columns": pa.array([f.columns for f in named], pa.string()),
        }
    )
    connection.register("_new_files", files)
    connection.execute("INSERT INTO _files SELECT * FROM _new_files")
    connection.unregister("_new_files")
    gone = pa.table(
        {
            "path": pa.array(list(left), pa.string()),
            "left_at": pa.array(list(left.values()), pa.timestamp("us", tz="UTC")),
        }
    )
    connection.register("_new_left", gone)
    connection.execute("CREATE TABLE _left AS SELECT * FROM _new_left ORDER BY path")
    connection.unregister("_new_left")
    # In one statement: each of a thousand would take a millisecond.
    declared = pa.Table.from_pylist([_declaration(s) for s in sources], schema=_SOURCES)
    connection.register("_new_sources", declared)
    connection.execute(
        "CREATE TABLE _sources AS "
        "SELECT * REPLACE (declaration::JSON AS declaration) FROM _new_sources"
    )
    connection.unregister("_new_sources")
    connection.execute(
        "CREATE TABLE _about (published_at TIMESTAMPTZ, newsarchive_version VARCHAR, "
        "schema_version INTEGER, "
        "built_in VARCHAR)"
    )
    connection.execute(
        "INSERT INTO _about VALUES (?, ?, ?, ?)",
        [datetime.now(UTC), __version__, SCHEMA_VERSION, str(root)],
    )


def _declaration(source: Source) -> dict[str, Any]:
    """Return the row of a source in `_sources`."""
    declared = source.model_dump(mode="json", exclude={"file", "version"})
    return {
        "source": source.name,
        "title": source.title,
        "url": source.url,
        "language": source.language,
        "country": source.country,
        "timezone": source.timezone,
        "expected_min": source.expected.min,
        "expected_max": source.expected.max,
        "tags": source.tags,
        "listings": [li.url for li in source.listing],
        "source_version": source.version,
        "declaration": json.dumps(declared, ensure_ascii=False),
    }


@dataclass(frozen=True, slots=True)
class _Scan:
    """The files of a table that have the same columns, and the macro that lists them."""

    columns: frozenset[str]
    paths: list[str]
    macro: str


def _scans(table: Table, files: list[NamedFile]) -> list[_Scan]:
    """Return a table's files, one scan per set of columns.

    One list with `union_by_name` opens every file's footer at each query; a list per schema version
    opens one.
    """
    by_columns: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_columns[file.columns].append(file.path)
    return [
        _Scan(
            frozenset({*columns.split(","), table.partition}),
            sorted(by_columns[columns]),
            f"_{table.name}_files_{number}",
        )
        for number, columns in enumerate(sorted(by_columns), 1)
    ]


def _files_macro(scan: _Scan, paths: list[str], root: Folder) -> str:
    """Return the statement that makes the macro which lists a scan's files.

    A text that is split is read four times faster than a list of as many texts. The files are read
    where the reader says, else where they lie now.
    """
    place = f"coalesce(getvariable('archive_root'), {_quoted(str(root) + '/')})"
    text = _quoted("\n".join(paths))
    return (
        f"CREATE OR REPLACE MACRO {scan.macro}() AS "
        f"list_transform(string_split({text}, chr(10)), lambda f: {place} || f)"
    )


def _union(table: Table, scans: list[_Scan]) -> str:
    """Return the SELECT over a table's scans, joined by name."""
    selects = []
    for scan in scans:
        selected = ", ".join(f'"{c.name}"' for c in table.columns if c.name in scan.columns)
        selects.append(
            f"SELECT {selected} FROM read_parquet({scan.macro}(), "  # noqa: S608 - our own names
            f"hive_partitioning = true, hive_types = {{'{table.partition}': DATE}})"
        )
    # A table without rows has its columns all the same, and a column that older files lack is there
    # as NULL.
    if len(scans) != 1 or not scans[0].columns >= {c.name for c in table.columns}:
        nothing = ", ".join(f'NULL::{_ARROW_TO_SQL[c.type]} AS "{c.name}"' for c in table.columns)
        selects.append(f"SELECT {nothing} WHERE false")
    return " UNION ALL BY NAME ".join(selects)


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(f"COMMENT ON VIEW {table.name} IS {_quoted(table.comment)}")
    for column in table.columns:
        connection.execute(
            f'COMMENT ON COLUMN {table.name}."{column.name}" IS {_quoted(column.comment)}'
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
