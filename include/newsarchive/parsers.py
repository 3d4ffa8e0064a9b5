"""From archived bytes to versions or a reject, on all cores. Joins the raw files to the parser.

The processes import this module and not `steps`: it is light, so that they start soon and hold
little.
"""

import os
import pickle
import signal
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Self, cast

from newsarchive.articles import reject_of, versions_of
from newsarchive.errors import ArchiveError, Unavailable
from newsarchive.fetch.warc import read_record
from newsarchive.model import Capture, Link, Reason, Refused, Reject, Version
from newsarchive.objects import Folder
from newsarchive.parse.document import parse_document
from newsarchive.parse.garbage import look_rarely
from newsarchive.parse.page import parse_page
from newsarchive.sources import Source
from newsarchive.text.identity import is_home

_PARALLEL_FROM = 48  # pages; below that starting processes costs more than it gives
_CHUNK = 8  # pages that a process is given at once


@dataclass(frozen=True, slots=True)
class Job:
    """One capture to parse, with all that parsing it needs."""

    root: Folder
    capture: Capture
    link: Link | None
    final_url: str
    source: Source | None


@dataclass(frozen=True, slots=True)
class _Begun:
    """A job on its way: in which chunk, and where in it."""

    job: bytes
    """Packed, but for its source."""
    source: Source | None
    chunk: Future[list[bytes]]
    place: int

    def is_(self, job: Job) -> bool:
        """Say whether it is this job."""
        return bool(replace(_unpacked(self.job), source=self.source) == job)


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

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
        """Parse jobs ahead, where processes run; their rows stay here until they are asked for."""
        if self._pool is None:
            return
        self._waiting += jobs
        whole = len(self._waiting) // _CHUNK * _CHUNK
        try:
            self._submit(self._pool, self._waiting[:whole])
            del self._waiting[:whole]
        except BrokenExecutor:
            self._end()  # nothing is lost: they are parsed when they are asked for

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
        # What became of a wish without bytes is said at once: no need to wait for its turn.
        held = [job for job in jobs if job.capture.outcome == "ok"]
        wanted = [*self._waiting, *held]
        try:
            self._submit(self._pool, wanted)
        except BrokenExecutor:  # nothing is lost yet: once more, with other processes
            self._end()
            self.start(max(expected, _PARALLEL_FROM))
            with _broken_in_words():
                self._submit(self._pool, wanted)
        self._waiting.clear()
        return _taken([self._begun.pop(job.capture.capture_id, job) for job in jobs])

    def _submit(self, pool: ProcessPoolExecutor, jobs: Iterable[Job]) -> None:
        """Give jobs to the processes, but for those that they have already."""
        # One whose link or source was read anew since is another job.
        new = [
            job
            for job in jobs
            if (begun := self._begun.get(job.capture.capture_id)) is None or not begun.is_(job)
        ]
        for n in range(0, len(new), _CHUNK):
            some = new[n : n + _CHUNK]
            chunk = pool.submit(_parse_all, some)
            for at, job in enumerate(some):
                packed = _packed(replace(job, source=None))
                self._begun[job.capture.capture_id] = _Begun(packed, job.source, chunk, at)

    def _end(self) -> None:
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


def _parse_all(jobs: Sequence[Job]) -> list[bytes]:
    return [_packed(parse_one(job)) for job in jobs]


def _packed(made: object) -> bytes:
    """Return what waits for its turn as two KB a page, not as objects."""
    return zlib.compress(pickle.dumps(made), 1)


def _unpacked(made: bytes) -> Any:
    return pickle.loads(zlib.decompress(made))  # noqa: S301 - of our own process


def _taken(jobs: Iterable[_Begun | Job]) -> Iterator[list[Version | Reject]]:
    for each in jobs:
        if isinstance(each, Job):
            yield parse_one(each)
            continue
        with _broken_in_words():
            made = each.chunk.result()[each.place]
        yield _unpacked(made)


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
