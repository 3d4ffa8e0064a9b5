"""From archived bytes to versions or a reject, on all cores. Joins the raw files to the parser.

The processes import this module and not `steps`: it is light, so that they start soon and hold
little.
"""

import os
import pickle
import signal
import tempfile
import zlib
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import IO, Any, NamedTuple, Self, cast

from newsarchive.articles import reject_of, versions_of
from newsarchive.errors import ArchiveError, Unavailable
from newsarchive.fetch.warc import read_record
from newsarchive.model import Capture, Link, Reason, Refused, Reject, Version
from newsarchive.objects import Folder
from newsarchive.parse.document import parse_document
from newsarchive.parse.garbage import GivingBack, look_rarely
from newsarchive.parse.page import parse_page
from newsarchive.sources import Source
from newsarchive.text.identity import is_home

_PARALLEL_FROM = 48  # pages; below that starting processes costs more than it gives
_CHUNK = 8  # pages that a process is given at once
_ON_THE_WAY = 64  # chunks begun ahead that may be in memory: a fetch that is faster waits for them


@dataclass(frozen=True, slots=True)
class Job:
    """One capture to parse, with all that parsing it needs."""

    root: Folder
    capture: Capture
    link: Link | None
    final_url: str
    source: Source | None


class _Shelved(NamedTuple):
    """Some packed objects that wait on disk."""

    file: IO[bytes]
    bounds: "array[int]"
    """Where each begins, and where the last one ends."""

    def read(self, place: int) -> bytes:
        """Return the how manieth of them."""
        start, end = self.bounds[place : place + 2]
        self.file.seek(start)
        return self.file.read(end - start)


class _Shelf:
    """Objects that wait on disk, packed: memory does not grow with how many are ahead."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="newsarchive-")  # noqa: SIM115 - closed by close

    def put(self, packed: Sequence[bytes]) -> _Shelved:
        """Keep some."""
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(b"".join(packed))
        return _Shelved(self._file, array("Q", accumulate(map(len, packed), initial=start)))

    def close(self) -> None:
        """Drop everything."""
        self._file.close()


class _Chunk:
    """Some jobs that a process was given at once, and the rows that it makes of them, packed."""

    def __init__(self, made: Future[list[bytes]]) -> None:
        self._made: Future[list[bytes]] | _Shelved = made

    @property
    def is_made(self) -> bool:
        """Whether the process is done with it."""
        return isinstance(self._made, _Shelved) or self._made.done()

    def put_away(self, shelf: _Shelf) -> None:
        """Wait for the rows, and keep them on disk; where there are none, why stays to be told.

        Raises:
            BrokenExecutor: the process was ended.
            OSError: no room.
        """
        if isinstance(self._made, _Shelved):
            return
        failure = self._made.exception()
        if isinstance(failure, BrokenExecutor):
            raise failure
        if failure is None:
            self._made = shelf.put(self._made.result())

    def rows(self, place: int) -> Any:
        """Wait for the rows of the job at a place, and return them."""
        if isinstance(self._made, _Shelved):
            return _unpacked(self._made.read(place))
        return _unpacked(self._made.result()[place])


class _Place(NamedTuple):
    """Where the rows of a job are made: in which chunk, and the how manieth of it."""

    chunk: _Chunk
    place: int


class _Begun(NamedTuple):
    """A job on its way."""

    job: int
    """Its digest."""
    rows: _Place

    def is_(self, job: Job) -> bool:
        """Say whether it is this job."""
        return self.job == _digest(job)


def _digest(job: Job) -> int:
    """Return what stands for a job while it is on its way: it would be a hundred times as large."""
    version = job.source.version if job.source else None
    said = [
        (f.name, _value(part, f.name))
        for part in (job.capture, job.link)
        if part
        for f in fields(part)
    ]
    whole = repr((said, job.final_url, version)).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(whole, digest_size=12).digest())


def _value(part: Capture | Link, name: str) -> object:
    """Return the value of a field; of a time what is the same in every zone."""
    value = getattr(part, name)
    return value.timestamp() if isinstance(value, datetime) else value


class Parsers:
    """Parses jobs, in processes once there are many; a context manager that ends them.

    Jobs may be begun ahead, while the network is waited for: who asks for their rows afterwards
    finds them made.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._pool: ProcessPoolExecutor | None = None
        self._begun: dict[str, _Begun] = {}
        self._waiting: list[Job] = []
        self._shelf = _Shelf()
        self._on_the_way: deque[_Chunk] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()
        self._shelf.close()

    def start(self, expected: int) -> None:
        """Start the processes, if they run not yet and so many jobs are worth it."""
        cores = os.cpu_count() or 1
        if self._pool is not None or expected < _PARALLEL_FROM or cores < 2:
            return
        self._pool = ProcessPoolExecutor(
            cores, mp_context=get_context("spawn"), initializer=_in_process
        )
        for _ in range(cores):  # a process starts with the first job that finds none idle
            self._pool.submit(_nothing)

    def begin(self, jobs: Iterable[Job]) -> None:
        """Parse jobs ahead, where processes run; their rows stay here until they are asked for.

        Waits where too many are on their way.
        """
        if self._pool is None:
            return
        self._waiting += jobs
        whole = len(self._waiting) // _CHUNK * _CHUNK
        try:
            for job, rows in _given(self._pool, self._waiting[:whole]):
                self._begun[job.capture.capture_id] = _Begun(_digest(job), rows)
                if not rows.place:
                    self._on_the_way.append(rows.chunk)
            del self._waiting[:whole]
            while self._on_the_way and (
                self._on_the_way[0].is_made or len(self._on_the_way) > _ON_THE_WAY
            ):
                self._on_the_way.popleft().put_away(self._shelf)
        except (BrokenExecutor, OSError):  # ended from outside; no room
            self.end()  # nothing is lost: they are parsed when they are asked for

    def parse(self, jobs: Sequence[Job], expected: int) -> Iterator[list[Version | Reject]]:
        """Begin with jobs that are not begun yet, and return the rows of each, in order, as made.

        Args:
            jobs: some of them.
            expected: how many there are in all, that one knows of.

        Raises:
            ArchiveError: while the rows are taken: a process was ended from outside.
        """
        if jobs:
            self.start(expected)
        if self._pool is None:
            return map(parse_one, jobs)
        self._waiting.clear()  # whoever waits for company is asked for here, or later
        # What became of a wish without bytes is said at once: no need to wait for its turn.
        held = [job for job in jobs if job.capture.outcome == "ok"]
        try:
            taken = self._taken_up(self._pool, held)
        except BrokenExecutor:  # nothing is lost yet: once more, with other processes
            self.end()
            self.start(max(expected, _PARALLEL_FROM))
            with _broken_in_words():
                taken = self._taken_up(self._pool, held)
        return _rows_of([taken.get(job.capture.capture_id, job) for job in jobs])

    def _taken_up(self, pool: ProcessPoolExecutor, jobs: Iterable[Job]) -> dict[str, _Place]:
        """Return in which chunk each job is, by its capture; give those that are not begun."""
        found: dict[str, _Place] = {}
        others = []
        for job in jobs:
            begun = self._begun.pop(job.capture.capture_id, None)
            # One whose link or source was read anew since is another job.
            if begun is not None and begun.is_(job):
                found[job.capture.capture_id] = begun.rows
            else:
                others.append(job)
        for job, rows in _given(pool, others):
            found[job.capture.capture_id] = rows
        return found

    def end(self) -> None:
        """End the processes; the next jobs start others."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._begun.clear()
        self._waiting.clear()


def parse_one(job: Job) -> list[Version | Reject]:
    """Return the rows that one capture becomes: versions, or one reject.

    Raises:
        Unavailable: the object store does not answer.
    """
    capture, link, source = job.capture, job.link, job.source
    refused = refuse_capture(capture, job.final_url)
    if refused:
        return [reject_of(refused, capture, link, source)]
    try:
        record = read_record(
            job.root, capture.warc_path or "", capture.warc_offset or 0, capture.warc_length or 0
        )
    except Unavailable:  # the bytes are no worse for it
        raise
    except ArchiveError as error:
        return [reject_of(Refused("bytes_lost", str(error)), capture, link, source)]
    if capture.kind == "import":
        found = parse_document(record.body, name=capture.url)
    else:
        found = parse_page(
            record.body,
            url=job.final_url,
            content_type=capture.content_type,
            source=source,
            link=link,
            captured_at=capture.captured_at,
        )
    if isinstance(found, Refused):
        return [reject_of(found, capture, link, source)]
    return list(versions_of(found, capture, link, job.final_url, source))


def refuse_capture(capture: Capture, final_url: str) -> Refused | None:
    """Return why a capture holds no article's page, whatever its bytes; None where they decide.

    Args:
        capture: of a page or an import.
        final_url: where its redirects ended, cleaned.
    """
    if capture.outcome != "ok":
        detail = capture.error or (f"HTTP {capture.status}" if capture.status else None)
        return Refused(cast(Reason, capture.outcome), detail)
    if capture.hop and is_home(final_url):
        # Where an article was; else all that are gone would be one, of the home page's text.
        return Refused("home_page", "its link is redirected to the home page")
    return None


_giving_back = GivingBack()


def _parse_all(jobs: Sequence[Job]) -> list[bytes]:
    made = []
    for job in jobs:
        made.append(_packed(parse_one(job)))
        _giving_back.count()
    return made


def _packed(made: object) -> bytes:
    """Return what waits for its turn as two KB a page, not as objects."""
    return zlib.compress(pickle.dumps(made), 1)


def _unpacked(made: bytes) -> Any:
    return pickle.loads(zlib.decompress(made))  # noqa: S301 - of our own process


def _given(pool: ProcessPoolExecutor, jobs: Sequence[Job]) -> Iterator[tuple[Job, _Place]]:
    """Give jobs to the processes, and say of each where its rows are made."""
    for n in range(0, len(jobs), _CHUNK):
        some = jobs[n : n + _CHUNK]
        chunk = _Chunk(pool.submit(_parse_all, some))
        for at, job in enumerate(some):
            yield job, _Place(chunk, at)


def _rows_of(jobs: Iterable[_Place | Job]) -> Iterator[list[Version | Reject]]:
    for each in jobs:
        if isinstance(each, Job):
            yield parse_one(each)
            continue
        with _broken_in_words():
            made = each.chunk.rows(each.place)
        yield made


@contextmanager
def _broken_in_words() -> Iterator[None]:
    try:
        yield
    except BrokenExecutor:
        raise ArchiveError(
            "a process that parses was ended from outside (too little memory?); run it again"
        ) from None


def _nothing() -> None:
    """Do nothing, in a process that is there from now on."""


def _in_process() -> None:
    """Leave Ctrl-C to the process that started this one, and end when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    look_rarely()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
