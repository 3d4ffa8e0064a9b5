"""The tables on disk: Delta Lake, one folder each, replaced by whole partitions.

Open a target *before* reading what its new rows are made from, and commit through it: when another
writer committed to the same partition in between, the commit raises and the work is done again from
fresh state (`committing`).
"""

import ctypes
import json
import logging
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from newsarchive import sums
from newsarchive.errors import ArchiveError, Conflict, Unavailable
from newsarchive.integrity import LOG
from newsarchive.objects import (
    Folder,
    ObjectPath,
    below,
    is_of_store,
    listed,
    options,
    words_of,
)
from newsarchive.removals import Removals, removals_of
from newsarchive.schema import SCHEMA_VERSION, TABLES, Table
from newsarchive.store import parquet
from newsarchive.store.spool import spooled

log = logging.getLogger(__name__)

_MMAP_THRESHOLD = -3  # of `mallopt` in glibc


def _give_memory_back() -> None:
    """Have memory of tables go back to the system once it is freed.

    glibc raises the size from which a piece is mapped by itself with every piece that is freed.
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 256 * 1024)


_give_memory_back()

MOST_TRIES = 12
LOG_DAYS = 30  # that entries of a log stay: what Delta Lake itself says where a table does not
# Rows: who reads a newspaper's articles of a day of many reads little of the others'. Groups this
# small cost 1 % more disk.
_ROW_GROUP = 2_048
_PROPERTIES = WriterProperties(
    compression="ZSTD", compression_level=3, max_row_group_size=_ROW_GROUP, write_batch_size=1024
)
_CONFIGURATION = {
    # What a plain list of files could not honour stays off.
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    "delta.checkpointInterval": "50",
    # Least and greatest texts of each file would be most of the log, and nothing asks for them:
    # files are chosen by their partition.
    "delta.dataSkippingNumIndexedCols": "0",
}
# Old entries of the log go with `maintain` alone, which knows what else must change with them.
_AFTER_COMMIT = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
_STAMP = {"newsarchive.schemaVersion": str(SCHEMA_VERSION)}
T = TypeVar("T")


class Target:
    """One table, opened at one version: reads are of it, and a commit stands or falls with it."""

    def __init__(self, root: Folder, table: Table) -> None:
        """Open `table` below `root`, making it if it is not there yet."""
        self.table = table
        self.folder = root / table.name
        self._delta = _open_or_create(self.folder, table)

    @property
    def version(self) -> int:
        """The version of the table that this handle sees."""
        return int(self._delta.version())

    def days(self) -> list[date]:
        """Return the partitions that hold rows, earliest first."""
        found = {str(p[self.table.partition]) for p in self._delta.partitions()}
        return sorted(date.fromisoformat(d) for d in found)

    def files(self, days: Iterable[date] | None = None) -> list[tuple[date, str]]:
        """Return partition and path (below the archive) of each live file."""
        if days is None:
            uris = self._delta.file_uris()
        else:
            wanted = sorted({d.isoformat() for d in days})
            uris = (
                self._delta.file_uris(file_pruning_predicate=[(self.table.partition, "in", wanted)])
                if wanted
                else []
            )
        found = []
        for uri in uris:
            partition, name = uri.rsplit("/", 2)[-2:]
            day = date.fromisoformat(partition.partition("=")[2])
            found.append((day, f"{self.table.name}/{partition}/{name}"))
        return sorted(found)

    def written(self) -> dict[date, int]:
        """Return when the newest file of each partition was written, ms since 1970."""
        found: dict[date, int] = {}
        actions = pa.table(self._delta.get_add_actions(flatten=True))
        for path, at in zip(
            actions["path"].to_pylist(),
            actions["modification_time"].cast(pa.int64()).to_pylist(),
            strict=True,
        ):
            day = date.fromisoformat(path.split("/")[0].partition("=")[2])
            found[day] = max(at, found.get(day, 0))
        return found

    def left(self) -> list[str]:
        """Return the paths (below the archive) of files that left the table and are still there."""
        return self._removable(0, full=False)

    def removable(self, hours: int) -> list[str]:
        """Return the paths of files that left the table, or never joined it, so many hours ago."""
        return self._removable(hours, full=True)

    def _removable(self, hours: int, *, full: bool) -> list[str]:
        # The library would ask for a week at least; what is removed is ours to say.
        with _in_words(self.folder):
            found = self._delta.vacuum(
                hours, dry_run=True, enforce_retention_duration=False, full=full
            )
        return [f"{self.table.name}/{unquote(path)}" for path in found]

    def drop(self, days: Iterable[date]) -> None:
        """Empty partitions, in one commit, without a look at their files.

        Raises:
            CommitFailedError: another writer changed one of them since this handle was opened.
        """
        self.replace(self.table.arrow.empty_table(), days)

    def has_checkpoint(self) -> bool:
        """Say whether there is a checkpoint of this version."""
        return _checkpoint(self.folder, self.version).exists()

    def checkpoint(self) -> bool:
        """Write a checkpoint of the log: what was before it need not be read to open the table.

        Returns whether there was none of this version yet.
        """
        if self.has_checkpoint():
            return False
        with _in_words(self.folder):
            self._delta.create_checkpoint()
        _record_sums(self.folder, self.version)
        return True

    def configure(self) -> None:
        """Give the table the properties that a new one has, where an older version made it."""
        there = self._delta.metadata().configuration
        lacking = {k: v for k, v in _CONFIGURATION.items() if there.get(k) != v}
        if lacking:
            with _in_words(self.folder), suppress(CommitFailedError):  # then the next time
                self._delta.alter.set_table_properties(
                    lacking, commit_properties=CommitProperties(custom_metadata=_STAMP)
                )
            _record_sums(self.folder, self.version)

    def old_entries(self) -> list[Folder]:
        """Return the files of the log that are older than it is kept, and than this version."""
        since = time.time() - LOG_DAYS * 86400
        return [
            path
            for path in listed(self.folder / LOG, "*.*")
            if path.name[:20].isdigit()
            and int(path.name[:20]) < self.version
            and path.stat().st_mtime < since
        ]

    def clean_log(self) -> list[Folder]:
        """Remove old entries of the log that a checkpoint made needless; return which."""
        old = self.old_entries()
        if not old:
            return []
        root = self.folder.parent
        names = {below(path, root) for path in old}
        kept = sums.load(root).of
        # First their sums: what has one and is gone counts as lost.
        sums.fold(root, lambda path, _: path not in names)
        with _in_words(self.folder):
            self._delta.cleanup_metadata()
        there = {n: s for n in names for s in kept.get(n, ()) if (root / n).exists()}
        sums.record(root, there)
        return [path for path in old if not path.exists()]

    def read(
        self,
        days: Iterable[date] | None = None,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """Return rows of the given partitions (all, if None), in the table's own schema.

        Columns that a file does not have yet are NULL, or empty where the table allows no NULL.
        `where` is a filter on columns inside the
        files.
        """
        names = list(columns) if columns is not None else self.table.arrow.names
        return self._read(self.files(days), names, where)

    def find(self, column: str, values: Collection[str]) -> pa.Table:
        """Return the rows of all partitions that have one of some texts in a column.

        Of files that have none only that column is read.
        """
        wanted = pa.array(sorted(values), pa.string())
        files = self.files()
        root = self.folder.parent
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda file: parquet.has_any(root / file[1], column, wanted), files)
            holding = [file for file, has in zip(files, found, strict=True) if has]
        return self._read(holding, self.table.arrow.names, pc.field(column).isin(wanted))

    def read_files(self, day: date, paths: Iterable[str]) -> pa.Table:
        """Return the rows of some files of a partition, live or not, in the table's order."""
        rows = self._read([(day, path) for path in paths], self.table.arrow.names, None)
        return self._ordered(rows)

    def _read(
        self, files: Iterable[tuple[date, str]], names: list[str], where: pc.Expression | None
    ) -> pa.Table:
        schema, partition = self.table.arrow, self.table.partition
        parts = []
        for day, path in files:
            rows = _read_file(self.folder.parent / path, schema, names, partition, where)
            parts.append(_aligned(rows, schema, names, {partition: day}))
        wanted = pa.schema([schema.field(n) for n in names])
        return pa.concat_tables(parts) if parts else wanted.empty_table()

    def replace(self, rows: pa.Table | Iterable[pa.Table], days: Iterable[date]) -> None:
        """Make `rows` all that the partitions `days` hold, sorted, in one commit.

        Args:
            rows: a table; or parts of it, each of which comes after the one before in the table's
                order: they are made one by one, and wait on disk.
            days: the partitions.

        Raises:
            CommitFailedError: another writer changed one of the partitions since this handle was
                opened, or an article was removed on request while parts were made.
            ValueError: rows of another day, or columns that are not the table's.
        """
        wanted = sorted(set(days))
        if not wanted:
            return
        gone, columns = removed(self.folder.parent), self._columns()
        parts = [rows] if isinstance(rows, pa.Table) else rows
        ready = (self._ordered(self._of_days(part, wanted, gone)).cast(columns) for part in parts)
        values = ", ".join(f"'{d.isoformat()}'" for d in wanted)
        how = {"mode": "overwrite", "predicate": f"{self.table.partition} in ({values})"}
        if isinstance(rows, pa.Table):
            (whole,) = ready
            if whole.num_rows or self.files(wanted):
                self._write(whole, **how)
            return
        with spooled(ready, columns) as waiting:
            if removed(self.folder.parent) != gone:
                raise CommitFailedError(f"{self.folder}: articles were removed meanwhile")
            if waiting.number or self.files(wanted):
                self._write(waiting.rows, **how)

    def _of_days(self, rows: pa.Table, days: Collection[date], gone: Removals) -> pa.Table:
        rows = self._kept(rows, gone)
        strange = set(pc.unique(rows[self.table.partition]).to_pylist()) - set(days)
        if strange:
            raise ValueError(
                f"{self.table.name}: rows of {min(strange)} are not of the days to replace"
            )
        return rows

    def _ordered(self, rows: pa.Table) -> pa.Table:
        return rows.sort_by([(c, "ascending") for c in (self.table.partition, *self.table.order)])

    def compact(self, day: date, most: int = 1) -> None:
        """Leave one sorted file of a partition that has more than `most`.

        Raises:
            CommitFailedError: another writer changed the partition since this handle was opened.
        """
        if len(self.files([day])) > most:
            self.replace(self.read([day]), [day])

    def append(self, rows: pa.Table) -> None:
        """Add rows, in one commit.

        Raises:
            CommitFailedError: another writer replaced a partition since this handle was opened.
        """
        if rows.num_rows:
            kept = self._kept(rows, removed(self.folder.parent))
            self._write(kept.cast(self._columns()), mode="append")

    def _kept(self, rows: pa.Table, gone: Removals) -> pa.Table:
        """Return rows as they may be written, those of removed articles left out.

        Whoever writes: what a writer read before a removal must not come back with it.
        """
        return gone.without(self.table.name, _checked(rows, self.table))

    def _columns(self) -> pa.Schema:
        """Return the schema to write: columns keep the comments that the table was made with.

        Others would not be merged.

        Raises:
            ArchiveError: a newer version of this program wrote the table.
        """
        made = pa.schema(self._delta.schema().to_arrow())
        there = set(made.names)
        if strange := there - set(self.table.arrow.names):
            raise ArchiveError(
                f"{self.folder}: has columns that this version does not know "
                f"({', '.join(sorted(strange))}): a newer newsarchive wrote it; update this one"
            )
        return pa.schema(
            f.with_metadata(made.field(f.name).metadata) if f.name in there else f
            for f in self.table.arrow
        )

    def _write(self, rows: pa.Table | pa.RecordBatchReader, **how: Any) -> None:
        there = {field.name for field in self._delta.schema().fields}
        with _in_words(self.folder):
            write_deltalake(
                self._delta,
                rows,
                # A column that is new since the table was made joins it; older files have it as
                # NULL.
                schema_mode="merge" if set(rows.schema.names) - there else None,
                writer_properties=_PROPERTIES,
                commit_properties=CommitProperties(custom_metadata=_STAMP),
                post_commithook_properties=_AFTER_COMMIT,
                **how,
            )
        _record_sums(self.folder, self.version)


class Archive:
    """The archive in one folder."""

    def __init__(self, root: Folder) -> None:
        """Name the archive at `root`; nothing is made before something is written."""
        self.root = root

    def open(self, table: str) -> Target:
        """Open one table at its newest version.

        Raises:
            ArchiveError: the folder cannot be read or made, or is no table of ours.
        """
        return Target(self.root, TABLES[table])

    def has(self, table: str) -> bool:
        """Say whether a table is there already; `open` would make it."""
        with _clear_errors(self.root / table):
            return DeltaTable.is_deltatable(str(self.root / table), options(self.root))

    def live(self) -> set[str]:
        """Return the paths (below the archive) of the files of all tables that are there."""
        there = filter(self.has, TABLES)
        return {path for name in there for _, path in self.open(name).files()}

    def append(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table, whatever others do to it meanwhile.

        Raises:
            Conflict: another writer was first too often.
        """
        committing(f"append to {table}", lambda: self.open(table).append(rows))

    def open_all(self, *tables: str) -> dict[str, Target]:
        """Open several tables, by name."""
        return {name: self.open(name) for name in tables}

    def removed(self) -> Removals:
        """Return what recognises the articles that were removed on request."""
        return removed(self.root)


_REMOVED: dict[tuple[Folder, int], Removals] = {}
"""Of the archives that this process writes to, by the version of the table."""


def removed(root: Folder) -> Removals:
    """Return what recognises the articles that were removed from an archive on request."""
    table = TABLES["removals"]
    if not Archive(root).has(table.name):
        return Removals()
    target = Target(root, table)
    key = root, target.version
    if key not in _REMOVED:
        _REMOVED[key] = removals_of(target.read().to_pylist())
    return _REMOVED[key]


def rows_of(records: Iterable[Any], table: Table) -> pa.Table:
    """Return records (dataclasses of `model`) as rows of `table`."""
    schema = table.arrow
    rows = list(map(attrgetter(*schema.names), records))
    if not rows:
        return schema.empty_table()
    columns = map(_array, zip(*rows, strict=True), schema.types)
    return pa.Table.from_arrays(list(columns), schema=schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_map(kind):
        values = [sorted(v.items()) if isinstance(v, Mapping) else v for v in values]
    return pa.array(values, kind)


def committing(what: str, work: Callable[..., T], *given: Any) -> T:
    """Do `work` (open, read, compute, commit); again from fresh state if another writer was first.

    Raises:
        Conflict: it lost too often.
    """
    for attempt in range(1, MOST_TRIES + 1):
        try:
            return work(*given)
        except CommitFailedError as error:
            log.info(
                "%s: another writer was first (try %d): %s",
                what,
                attempt,
                str(error).splitlines()[0],
            )
            time.sleep(random.uniform(0, 0.05 * 2 ** min(attempt, 6)))  # noqa: S311 - spreads writers, no secret
    raise Conflict(f"{what}: another writer was first {MOST_TRIES} times in a row; run it again")


def _open_or_create(folder: Folder, table: Table) -> DeltaTable:
    with _clear_errors(folder):
        for _ in range(3):
            try:
                return DeltaTable(str(folder), storage_options=options(folder))
            except TableNotFoundError:
                folder.mkdir(parents=True, exist_ok=True)
            try:
                made = DeltaTable.create(
                    str(folder),
                    table.arrow,
                    partition_by=[table.partition],
                    mode="error",
                    name=table.name,
                    description=table.comment,
                    configuration=_CONFIGURATION,
                    commit_properties=CommitProperties(custom_metadata=_STAMP),
                    storage_options=options(folder),
                )
            except (CommitFailedError, DeltaError) as error:
                log.debug("%s: made by another writer meanwhile (%s)", folder, error)
            else:
                # Two that make it at once both do, in an object store: the second as version 1.
                for version in range(made.version() + 1):
                    _record_sums(folder, version)
                return made
        return DeltaTable(str(folder), storage_options=options(folder))


def _checkpoint(folder: Folder, version: int) -> Folder:
    return folder / LOG / f"{version:020d}.checkpoint.parquet"


def _record_sums(folder: Folder, version: int) -> None:
    """Keep the sums of what a commit wrote: its files, its place in the log, a checkpoint."""
    entry = folder / LOG / f"{version:020d}.json"
    try:
        lines = [json.loads(line) for line in entry.read_bytes().splitlines()]
    except OSError as error:
        raise ArchiveError(f"{entry}: {error.strerror}") from None
    paths = [folder / unquote(line["add"]["path"]) for line in lines if "add" in line]
    checkpoint = _checkpoint(folder, version)
    if checkpoint.exists():
        paths += [checkpoint, folder / LOG / "_last_checkpoint"]
    sums.record_files(folder.parent, [*paths, entry])


@contextmanager
def _clear_errors(folder: Folder) -> Iterator[None]:
    try:
        with _in_words(folder):
            yield
    except (DeltaError, OSError) as error:
        raise ArchiveError(
            f"{folder}: cannot be opened as a table of the archive: {error}"
        ) from error


@contextmanager
def _in_words(folder: Folder) -> Iterator[None]:
    """Say in one line what an object store answered, or that it does not."""
    try:
        yield
    except (DeltaError, OSError) as error:
        if not isinstance(folder, ObjectPath) or not is_of_store(error):
            raise
        raise Unavailable(f"{folder}: {words_of(error)}") from error


def _read_file(
    path: Folder, schema: pa.Schema, names: list[str], partition: str, where: pc.Expression | None
) -> pa.Table:
    there = parquet.columns_of(path)
    columns = [n for n in names if n != partition and n in there]
    # A table without columns would lose its number of rows.
    extra = [next(n for n in schema.names if n in there)] if not columns else []
    return parquet.read_rows(path, columns + extra, where)


def _aligned(
    rows: pa.Table, schema: pa.Schema, names: list[str], constants: Mapping[str, Any]
) -> pa.Table:
    fields = [schema.field(n) for n in names]
    columns = []
    for field in fields:
        if field.name in constants:
            columns.append(pa.repeat(pa.scalar(constants[field.name], field.type), rows.num_rows))
        elif field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        elif not field.nullable and (pa.types.is_map(field.type) or pa.types.is_list(field.type)):
            # Such rows must not stop what rewrites their partition.
            columns.append(pa.array([[]] * rows.num_rows, field.type))
        else:
            columns.append(pa.nulls(rows.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _checked(rows: pa.Table, table: Table) -> pa.Table:
    schema = table.arrow
    if rows.schema.names != schema.names:
        odd = sorted(set(rows.schema.names) ^ set(schema.names))
        raise ValueError(f"{table.name}: columns are not the table's: {odd or 'order'}")
    for column in table.columns:
        if not column.nullable and rows[column.name].null_count:
            raise ValueError(
                f"{table.name}.{column.name}: {rows[column.name].null_count} rows without a value"
            )
    return rows.cast(schema)
