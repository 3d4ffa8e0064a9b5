"""Workers on several machines ask a host one at a time, whatever becomes of one of them.

Each worker has a state folder of its own, as machines have; only PostgreSQL is shared. What counts
is what the web server sees.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import groupby, pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2
import pytest
from hostile import Hostile

from newsarchive.errors import ArchiveError, HostBusy
from newsarchive.fetch.leases import Stopped
from newsarchive.fetch.shared_leases import SharedLeases
from newsarchive.local.postgres import SOCKET_FILE, Postgres
from newsarchive.local.processes import Children

TERM = 3.0
# Asks pages one after the other; `pause` stops the process the moment before it would send.
CHILD = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from fetching import fetch_all, pages, source
from newsarchive.fetch import transport
from newsarchive.fetch.session import Request
folder, database, pause, delay, *urls = sys.argv[1:]
send = transport._Guarded.send
def stop_and_send(connection, data):
    if b"GET " + pause.encode() in bytes(data):
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.5)  # it may be another thread that is stopped first
    send(connection, data)
if pause:
    transport._Http.send = stop_and_send
paper = source(urls[0], delay=float(delay))
found = pages(fetch_all(
    Path(folder), [Request(paper, "page", url) for url in urls],
    leases_url=database, lease_seconds={term}, request_timeout=30.0, read_timeout=30.0,
))
print([[c.outcome for c in f.captures] for f in found], flush=True)
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("database")
    with Children(str(folder), folder / "logs") as children:
        postgres = Postgres(folder / "postgres")
        postgres.start(children)
        children.wait(postgres.ready, "PostgreSQL", 60)
        yield postgres


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as hostile:
        yield hostile


class Workers:
    """Worker processes, each as if on a machine of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database
        self.all: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self.all:
            with worker:
                worker.kill()

    def start(
        self, *urls: str, delay: float = 0.0, pause: str = "", database: str = ""
    ) -> subprocess.Popen[str]:
        code = CHILD.format(tests=str(Path(__file__).parents[1]), term=TERM)
        machine = self.folder / f"machine{len(self.all)}"
        words = [str(machine), database or self.database, pause, str(delay), *urls]
        worker = subprocess.Popen(
            [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True
        )
        self.all.append(worker)
        return worker


@pytest.fixture
def workers(tmp_path: Path, postgres: Postgres) -> Iterator[Workers]:
    with psycopg2.connect(postgres.dsn()) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS newsarchive.leases")  # the first worker makes it
    connection.close()
    with Workers(tmp_path, postgres.dsn()) as workers:
        yield workers


class Wire:
    """A wire to the database that can be cut: nothing passes, and nobody is told."""

    def __init__(self, postgres: Postgres) -> None:
        self._target = str(postgres.socket / SOCKET_FILE)
        self._stack = ExitStack()
        self.cut = threading.Event()
        self._listening = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = self._listening.getsockname()[1]
        self.dsn = postgres.dsn().replace(f"'{postgres.socket}'", f"127.0.0.1 port={port}")

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._stack.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            for each in (near, far):
                self._stack.enter_context(each)
            far.connect(self._target)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.cut.is_set():
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def _until(look: object, timeout: float = 20) -> None:
    end = time.monotonic() + timeout
    while not look():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def _stopped(process: subprocess.Popen[str]) -> bool:
    return "T (stopped)" in Path(f"/proc/{process.pid}/status").read_text()


def test_two_machines_ask_a_host_one_at_a_time(server: Hostile, workers: Workers) -> None:
    urls = {who: [server.url(f"/slow_ok?{who}{n}") for n in range(25)] for who in "ab"}
    running = [workers.start(*urls[who]) for who in "ab"]
    assert [w.wait(60) for w in running] == [0, 0]
    assert len(server.paths()) == 50
    assert server.most_at_once["127.0.0.1"] == 1
    turns = "".join(p.partition("?")[2][0] for p in server.paths())
    both = turns[
        max(turns.index("a"), turns.index("b")) : min(turns.rindex("a"), turns.rindex("b"))
    ]
    assert max((len(list(run)) for _, run in groupby(both)), default=0) <= 3, turns


def test_the_delay_holds_between_machines(server: Hostile, workers: Workers) -> None:
    for who in "ab":
        workers.start(*[server.url(f"/ok?{who}{n}") for n in range(3)], delay=0.4)
    assert [w.wait(60) for w in workers.all] == [0, 0]
    asked = sorted(server.asked, key=lambda a: a.began)
    assert len(asked) == 8  # robots.txt by each machine
    assert min(b.began - a.ended for a, b in pairwise(asked)) > 0.38


def test_a_killed_worker_keeps_the_host_for_a_term_and_no_longer(
    server: Hostile, workers: Workers
) -> None:
    killed = workers.start(server.url("/drip"))
    _until(lambda: server.paths() == ["/drip"])
    other = workers.start(server.url("/ok"))
    time.sleep(1.5 * TERM)  # renewed: the request goes on for longer than a term
    assert server.paths() == ["/drip"]
    killed.kill()
    at = time.time()
    assert other.wait(30) == 0
    asked = server.asked[-1]
    assert (asked.path, server.most_at_once["127.0.0.1"]) == ("/ok", 1)
    assert asked.began - at > TERM / 2


def test_a_paused_worker_sends_nothing_when_its_time_is_over(
    server: Hostile, workers: Workers
) -> None:
    paused = workers.start(server.url("/ok?paused"), pause="/ok?paused")
    _until(lambda: _stopped(paused))
    other = workers.start(server.url("/drip"))  # asks as long as it may
    _until(lambda: "/drip" in server.paths())
    os.kill(paused.pid, signal.SIGCONT)  # its lease is the other's now
    time.sleep(TERM)
    assert server.paths() == ["/drip"]
    other.kill()
    assert paused.stdout is not None
    _until(lambda: _stopped(paused))  # it tries again, with a lease of its own
    os.kill(paused.pid, signal.SIGCONT)
    assert paused.stdout.readline() == "[['connection', 'ok']]\n"
    assert server.paths() == ["/drip", "/ok?paused"]
    assert server.most_at_once["127.0.0.1"] == 1


def test_a_worker_paused_amid_an_answer_cuts_it_off(server: Hostile, workers: Workers) -> None:
    paused = workers.start(server.url("/drip?paused"))
    _until(lambda: server.paths() == ["/drip?paused"])
    os.kill(paused.pid, signal.SIGSTOP)
    other = workers.start(server.url("/ok?other"))
    assert other.wait(30) == 0
    first, second = (a for a in server.asked if a.path != "/robots.txt")
    assert second.began - first.began > TERM / 2
    os.kill(paused.pid, signal.SIGCONT)
    _until(lambda: first.ended, 3)


def test_a_worker_that_loses_the_database_cuts_off_what_it_asks(
    server: Hostile, workers: Workers, postgres: Postgres
) -> None:
    with Wire(postgres) as wire:
        lost = workers.start(server.url("/drip?lost"), database=wire.dsn)
        _until(lambda: server.paths() == ["/drip?lost"])
        wire.cut.set()
        other = workers.start(server.url("/ok?other"))
        assert other.wait(30) == 0
        assert [p for p in server.paths() if "other" in p] == ["/ok?other"]
        assert server.most_at_once["127.0.0.1"] == 1
        lost.kill()


def test_a_database_that_starts_again_costs_nothing(postgres: Postgres) -> None:
    leases = SharedLeases(postgres.dsn(), TERM)
    try:
        with leases.hold("http://a", 0, 1):
            with psycopg2.connect(postgres.dsn()) as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'newsarchive leases'"
                )
            connection.close()
            time.sleep(1.5 * TERM)
            with pytest.raises(HostBusy), leases.hold("http://a", 0, 0.2):
                pass
        with leases.hold("http://a", 0, 1) as lease:
            assert lease.left() > TERM / 2
    finally:
        leases.close()


def test_leases(postgres: Postgres) -> None:
    stop = threading.Event()
    leases = SharedLeases(postgres.dsn(), TERM, stop)
    try:
        with leases.hold("http://b", 0, 1):
            started = time.monotonic()
            with pytest.raises(HostBusy, match="http://b"), leases.hold("http://b", 0, 0.2):
                pass
            assert time.monotonic() - started > 0.15
            with leases.hold("http://c", 0, 1):
                pass
        assert leases.left("http://b", 5) > 4
        assert leases.left("http://never", 5) == 0
        started = time.monotonic()
        with leases.hold("http://b", 0.3, 1):
            assert time.monotonic() - started > 0.25
            threading.Timer(0.1, stop.set).start()
            with pytest.raises(Stopped), leases.hold("http://b", 0, 30):
                pass
    finally:
        leases.close()


@pytest.mark.parametrize("change", ["password", "port"])
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(
    postgres: Postgres, change: str
) -> None:
    secret = "a-secret-that-nobody-reads"
    dsn = f"host='{postgres.socket}' user=airflow password={secret} dbname=airflow"
    dsn += " port=1" if change == "port" else ""
    with pytest.raises(ArchiveError, match="leases_url: ") as raised:
        SharedLeases(dsn, TERM)
    assert secret not in str(raised.value)
    assert "\n" not in str(raised.value)
