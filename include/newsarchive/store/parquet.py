"""Parquet files of the archive, wherever it is: their columns, and their rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from newsarchive.errors import Damaged
from newsarchive.objects import Folder, ObjectPath, is_of_store, source


def columns_of(path: Folder) -> set[str]:
    """Return the names of the columns of a file.

    Raises:
        Damaged: it is missing, or not what it was.
    """
    with _opened(path) as file:
        return set(pq.read_schema(file).names)


def read_rows(path: Folder, columns: Sequence[str], where: pc.Expression | None = None) -> pa.Table:
    """Return rows of a file.

    Args:
        path: the file.
        columns: some that it has.
        where: a filter on any that it has.

    Raises:
        Damaged: it is missing, or not what it was.
    """
    with _opened(path) as file:
        return pq.read_table(file, columns=list(columns), filters=where, partitioning=None)


def has_any(path: Folder, column: str, values: pa.Array) -> bool:
    """Say whether a file has one of some values in a column; of all others nothing is read.

    Raises:
        Damaged: it is missing, or not what it was.
    """
    with _opened(path) as file, pq.ParquetFile(file) as rows:
        # A filter of the reader would find the same in twice the time.
        found = pc.is_in(rows.read([column])[column], value_set=values)
    return bool(pc.any(found).as_py())


@contextmanager
def _opened(path: Folder) -> Iterator[Any]:
    try:
        with source(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if isinstance(path, ObjectPath) and is_of_store(error):
            raise
        missing = isinstance(error, FileNotFoundError)
        if isinstance(error, OSError) and error.errno is not None and not missing:
            raise  # the disk's word, not Parquet's
        said = " ".join(f"{path}: is {'missing' if missing else f'damaged ({error})'}".split())
        raise Damaged(f"{said}; `newsarchive verify --repair` makes again what can be") from error
