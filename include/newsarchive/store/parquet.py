"""Parquet files of the archive, wherever it is: their columns, and their rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from newsarchive.errors import ArchiveError
from newsarchive.objects import Folder, ObjectPath, is_of_store, source


def columns_of(path: Folder) -> set[str]:
    """Return the names of the columns of a file.

    Raises:
        ArchiveError: it is missing or damaged.
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
        ArchiveError: it is missing or damaged.
    """
    with _opened(path) as file:
        return pq.read_table(file, columns=list(columns), filters=where, partitioning=None)


@contextmanager
def _opened(path: Folder) -> Iterator[Any]:
    try:
        with source(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if isinstance(path, ObjectPath) and is_of_store(error):
            raise
        what = "is missing" if isinstance(error, FileNotFoundError) else f"is damaged ({error})"
        said = " ".join(f"{path}: {what}".split())
        raise ArchiveError(
            f"{said}; `newsarchive verify --repair` makes again what can be"
        ) from error
