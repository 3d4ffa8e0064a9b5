"""Parsing on all cores, and ahead: each capture once, the same rows, no process left behind."""

import ctypes
import errno
import inspect
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import psutil
import pytest

from newsarchive.errors import ArchiveError
from newsarchive.fetch.warc import WarcFiles
from newsarchive.model import Capture, Link, Reason
from newsarchive.parsers import Job, Parsers, parse_one

DAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
MANY = 100  # so many that processes are started
PAGE = """<html lang="en"><head><title>Ferry {n} is late</title></head><body><article>
<h1>Ferry {n} is late</h1><p>The morning ferry left the old harbour an hour late on Sunday, as a
crane stood in its way.</p><p>Passengers of ferry {n} waited in the rain, and had coffee from a
kiosk that opened for them.</p></article></body></html>"""


def job(root: Path, files: WarcFiles, n: int) -> Job:
    url = f"http://paper.example/{n}"
    stored = files.write_exchange(
        DAY,
        url,
        AT,
        ip="192.0.2.1",
        request=b"GET / HTTP/1.1\r\n\r\n",
        head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        body=PAGE.format(n=n).encode(),
    )
    capture = Capture(
        run_day=DAY,
        capture_id=f"c{n}",
        source="paper",
        kind="page",
        url=url,
        link_id=f"l{n}",
        listing=None,
        route=None,
        visit="first",
        attempt=1,
        hop=0,
        outcome="ok",
        captured_at=AT,
        status=200,
        content_type="text/html",
        payload_sha256=f"{n:064}",
        warc_path=stored.path,
        warc_offset=stored.offset,
        warc_length=stored.length,
        record_sha256=stored.sha256,
    )
    link = Link(DAY, "paper", f"l{n}", url, "http://paper.example", ["feed"], [])
    return Job(root, capture, link, url, None)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    with WarcFiles(tmp_path, "pages") as files:
        return [job(tmp_path, files, n) for n in range(MANY)]


@pytest.fixture
def parsers() -> Iterator[Parsers]:
    with Parsers() as some:
        yield some


def lose_the_bytes(jobs: list[Job]) -> None:
    for file in (jobs[0].root / "raw").rglob("*.warc.gz"):
        file.unlink()


def made_ahead(parsers: Parsers) -> None:
    for begun in parsers._begun.values():
        begun.rows.chunk.rows(0)


def test_what_was_begun_ahead_is_not_parsed_again(jobs: list[Job], parsers: Parsers) -> None:
    expected = [parse_one(j) for j in jobs]
    parsers.start(MANY)
    for each in jobs:
        parsers.begin([each])
    made_ahead(parsers)
    lose_the_bytes(jobs)
    whole = MANY // 8 * 8  # the last few wait for company
    assert list(parsers.parse(jobs[:whole], MANY)) == expected[:whole]


def test_rows_are_the_same_however_they_are_made(jobs: list[Job], parsers: Parsers) -> None:
    failed = replace(jobs[3], capture=replace(jobs[3].capture, outcome="timeout", error="slow"))
    jobs[3] = failed
    expected = [parse_one(j) for j in jobs]
    assert [type(r).__name__ for rows in expected[2:5] for r in rows] == [
        "Version",
        "Reject",
        "Version",
    ]
    parsers.start(MANY)
    parsers.begin([*jobs[:3], *jobs[4:30]])
    assert list(parsers.parse(jobs, MANY)) == expected
    assert list(parsers.parse(jobs, MANY)) == expected  # as after a commit that was lost
    assert not parsers._begun


def test_what_was_made_ahead_waits_on_disk(
    jobs: list[Job], parsers: Parsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsarchive.parsers._ON_THE_WAY", 2)
    expected = [parse_one(j) for j in jobs]
    parsers.start(MANY)
    for each in jobs:
        parsers.begin([each])
    assert len(parsers._on_the_way) <= 2
    chunks = {begun.rows.chunk for begun in parsers._begun.values()}
    assert sum(isinstance(chunk._made, Future) for chunk in chunks) <= 2
    lose_the_bytes(jobs)
    whole = MANY // 8 * 8
    assert list(parsers.parse(jobs[:whole], MANY))[: whole - 24] == expected[: whole - 24]


def test_where_nothing_can_wait_on_disk_nothing_is_made_ahead(
    jobs: list[Job], parsers: Parsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, packed: Sequence[bytes]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("newsarchive.parsers._Shelf.put", full)
    monkeypatch.setattr("newsarchive.parsers._ON_THE_WAY", 0)
    parsers.start(MANY)
    parsers.begin(jobs)
    assert parsers._pool is None
    assert list(parsers.parse(jobs, MANY)) == [parse_one(j) for j in jobs]


def test_a_link_that_was_read_anew_is_parsed_with_what_it_says_now(
    jobs: list[Job], parsers: Parsers
) -> None:
    parsers.start(MANY)
    parsers.begin(jobs)
    made_ahead(parsers)
    link = jobs[0].link
    assert link
    jobs[0] = replace(jobs[0], link=replace(link, listed_at=AT, listed_title="Ferry 0 is late"))
    assert list(parsers.parse(jobs, MANY)) == [parse_one(j) for j in jobs]
    assert parse_one(jobs[0])[0].published_at == AT  # type: ignore[union-attr]


def test_few_jobs_start_no_process(jobs: list[Job], parsers: Parsers) -> None:
    before = len(psutil.Process().children())
    assert len(list(parsers.parse(jobs[:5], 5))) == 5
    assert len(psutil.Process().children()) == before


def test_a_process_that_is_killed_costs_no_fetch_and_is_told_in_words(
    jobs: list[Job], parsers: Parsers
) -> None:
    parsers.start(MANY)
    next(parsers.parse(jobs[:16], MANY))
    assert parsers._pool
    os.kill(next(iter(parsers._pool._processes)), signal.SIGKILL)
    try:
        assert len(list(parsers.parse(jobs, MANY))) == MANY  # where it was seen in time
    except ArchiveError as error:
        assert "ended from outside" in str(error)
    parsers.begin(jobs)  # what a fetch does all the time
    assert len(list(parsers.parse(jobs, MANY))) == MANY


ENDLESS = """
import sys, time
from newsarchive.parsers import Parsers

if __name__ == "__main__":
    parsers = Parsers()
    parsers.start(100)
    print(*parsers._pool._processes, flush=True)
    time.sleep(600)
"""


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert children
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def test_every_outcome_without_bytes_is_a_reason() -> None:
    said = inspect.getsource(Capture).partition("outcome: str")[2].split('"""')[1]
    outcomes = set(re.findall(r"\w+", said)) - {"ok", "not_modified"}
    assert len(outcomes) > 10
    assert outcomes <= set(get_args(Reason))


def test_a_parsing_process_does_not_look_for_garbage_among_what_stays() -> None:
    code = (
        "import gc\n"
        "from newsarchive.parse.garbage import look_rarely\n"
        "look_rarely()\n"
        "print(gc.get_freeze_count() > 1000, gc.get_threshold()[0] > 700)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "True"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_memory_of_pages_that_are_gone_goes_back() -> None:
    code = (
        "import psutil\n"
        "from newsarchive.parse.garbage import GivingBack\n"
        "giving_back = GivingBack()\n"
        "pieces = [b'x' * 100_000 for _ in range(1000)]\n"
        "del pieces[::2]\n"  # holes between what stays
        "before = psutil.Process().memory_info().rss\n"
        "for _ in range(1000):\n"
        "    giving_back.count()\n"
        "print(before - psutil.Process().memory_info().rss)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ran.stdout) > 30_000_000
