"""Rows on their way to a table: they wait on disk, for memory is for some, and keep their order."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from deltalake import QueryBuilder

_BATCH = 256  # rows that are in memory at once when they are read


def _write_in_one_stream() -> bool:
    """Have the Delta library write rows that come one by one in their order; say whether it does.

    It would deal them out to as many streams as there are cores, and write one stream after the
    other: the order would be lost, and all streams but the first wait in memory. How many cores it
    may use it asks once in a process, of the thread that needs it first.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    with ThreadPoolExecutor(1, initializer=_on_one_core) as thread:
        thread.submit(QueryBuilder).result()
    return True


def _on_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # 0: this thread, no other


_IN_ORDER = _write_in_one_stream()


@dataclass(frozen=True, slots=True)
class Spooled:
    """Rows that wait."""

    number: int
    """How many there are."""
    rows: pa.RecordBatchReader | pa.Table
    """They; a reader gives them once."""


@contextmanager
def spooled(parts: Iterable[pa.Table], schema: pa.Schema) -> Iterator[Spooled]:
    """Keep parts of a table in a temporary file as they are made; it is gone afterwards.

    Raises:
        OSError: no room for them.
    """
    compressed = pa.ipc.IpcWriteOptions(compression="zstd")
    with tempfile.TemporaryFile(prefix="newsarchive-") as file:
        number = 0
        with pa.ipc.new_stream(file, schema, options=compressed) as writer:
            for part in parts:
                writer.write_table(part, _BATCH)
                number += part.num_rows
        file.seek(0)
        with pa.ipc.open_stream(file) as reader:
            rows = reader if _IN_ORDER else reader.read_all().combine_chunks()
            yield Spooled(number, rows)
