"""Starting and ending programs, and PostgreSQL with them: promises that others build on."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg2
import pytest

from newsarchive.errors import ArchiveError
from newsarchive.local import processes
from newsarchive.local.airflow import WORKER, LostWorkers
from newsarchive.local.container import LOST
from newsarchive.local.postgres import SOCKET_FILE, Postgres, socket_folder
from newsarchive.local.processes import Children, Held, Stopped, marked, only_one

SLEEP = ["sleep", "1000"]


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    # under `nohup`, which is respected, no test of HUP could pass
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with Children(str(tmp_path), tmp_path / "logs") as children:
        yield children
    assert marked(str(tmp_path)) == []


def until(look: object, timeout: float = 10) -> None:
    end = time.monotonic() + timeout
    while not look():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def started(folder: Path) -> list[psutil.Process]:
    """Return what was started in a stack, without the heir that each has."""
    return [p for p in marked(str(folder)) if processes.__name__ not in p.cmdline()]


def test_a_child_that_left_its_group_is_ended_too(children: Children, tmp_path: Path) -> None:
    program = f"setsid setsid {' '.join(SLEEP)} & trap '' TERM; sleep 1000 & wait"
    children.start("stubborn", ["sh", "-c", program], {})
    until(lambda: len(started(tmp_path)) == 3)


def test_what_dies_is_started_again_and_given_up_if_it_never_ran(children: Children) -> None:
    children.start("short", ["sh", "-c", "echo no such thing >&2; exit 3"], {})
    with pytest.raises(ArchiveError, match=r"short ended 3 times .*no such thing"):
        children.wait(lambda: None, "never", 30)


def test_what_was_up_once_is_started_again(children: Children, tmp_path: Path) -> None:
    children.start("long", SLEEP, {})
    children.steady = True
    (before,) = started(tmp_path)
    before.kill()
    children.wait(lambda: before.pid not in psutil.pids() or None, "its end", 10)
    children.wait(lambda: started(tmp_path) or None, "another", 10)


def test_a_program_that_fails_is_one_line_with_its_log(children: Children) -> None:
    with pytest.raises(ArchiveError, match=r"broken failed \(exit status 7\).*broken\.log.*why"):
        children.run("broken", ["sh", "-c", "echo why >&2; exit 7"], {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_waiting(children: Children, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(Stopped):
        children.wait(lambda: None, "never", 10)
    with pytest.raises(Stopped):
        children.start("late", SLEEP, {})


@pytest.mark.parametrize(
    "child",
    [SLEEP, ["sh", "-c", "trap '' TERM; setsid sleep 1000 & while :; do sleep 1; done"]],
    ids=["willing", "stubborn"],
)
def test_children_and_theirs_end_with_a_killed_parent(tmp_path: Path, child: list[str]) -> None:
    start_and_kill(tmp_path, child)
    until(lambda: not marked(str(tmp_path)), timeout=60)


def test_the_heir_of_a_killed_stack_leaves_the_next_alone(tmp_path: Path) -> None:
    start_and_kill(tmp_path, SLEEP)
    processes.end_marked(str(tmp_path))  # as every start does
    with Children(str(tmp_path), tmp_path / "logs") as children:
        children.start("child", SLEEP, {})
        before = started(tmp_path)
        time.sleep(1.5 * processes.PATIENCE)
        assert started(tmp_path) == before
    assert marked(str(tmp_path)) == []


def start_and_kill(folder: Path, child: list[str]) -> None:
    """Start a stack with one child, and kill the process that did it."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from newsarchive.local.processes import Children\n"
        "children = Children(sys.argv[1], Path(sys.argv[1])); children.__enter__()\n"
        "children.start('child', sys.argv[2:], {}); time.sleep(1000)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(folder), *child])
    until(lambda: started(folder))
    parent.kill()
    parent.wait()


def test_only_one_holds_a_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with only_one(lock, {"port": 1}), pytest.raises(Held) as held, only_one(lock, {"port": 2}):
        pass
    assert held.value.facts == {"pid": os.getpid(), "port": 1}
    with only_one(lock, {"port": 3}):
        pass


def test_a_worker_that_is_gone_is_missed_once(children: Children) -> None:
    program = (
        "import subprocess, sys, time\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(1000)', sys.argv[1]]\n"
        "kids = [subprocess.Popen(sleep) for _ in range(3)]; time.sleep(1000)\n"
    )
    children.start("scheduler", [sys.executable, "-c", program, f"{WORKER}: <idle>"], {})
    ours = psutil.Process()
    found: list[psutil.Process] = []  # while it begins to run, its command line is empty at times

    def begun() -> bool:
        found.extend(p for p in ours.children() if program in p.cmdline())
        return bool(found)

    until(begun)
    scheduler = found[0]
    until(lambda: len([c for c in scheduler.children() if f"{WORKER}: <idle>" in c.cmdline()]) == 3)
    lost = LostWorkers()
    assert [lost(scheduler), lost(scheduler)] == [False, False]
    scheduler.children()[0].kill()
    until(lambda: lost(scheduler))
    assert not lost(scheduler)


@pytest.mark.parametrize(("ended", "status"), [("worker", LOST), ("all", 128 + 15)])
def test_a_container_ends_with_its_scheduler_or_when_that_lost_a_worker(
    children: Children, ended: str, status: int
) -> None:
    scheduler = (
        "import subprocess, sys, time\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(1000)', sys.argv[1]]\n"
        "kids = [subprocess.Popen(sleep) for _ in range(3)]; time.sleep(1000)\n"
    )
    program = (
        "import sys; from newsarchive.local.container import main; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", scheduler, f"{WORKER}: <idle>"]
    with subprocess.Popen([sys.executable, "-c", program, *words], stderr=subprocess.PIPE) as ours:
        process = psutil.Process(ours.pid)
        until(lambda: len(process.children(recursive=True)) == 4)
        workers = [p for p in process.children(recursive=True) if p.ppid() != ours.pid]
        time.sleep(2 * processes.LOOK_EVERY)  # it has seen them
        (workers[0] if ended == "worker" else process).terminate()
        assert ours.wait(30) == status
        for worker in workers[1:] if ended == "worker" else workers:
            worker.kill()  # as the end of a container does


def test_the_scheduler_has_loaded_what_tasks_need(tmp_path: Path) -> None:
    words = ["-X", "importtime", "-m", "newsarchive.local.preload", "version"]
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith(version("apache-airflow-core"))
    assert "newsarchive.steps.publishing" in done.stderr


@pytest.fixture
def postgres(children: Children, tmp_path: Path) -> Postgres:
    before = stat.S_IMODE(tmp_path.stat().st_mode)
    postgres = Postgres(tmp_path / "postgres")
    postgres.start(children)
    children.wait(postgres.ready, "PostgreSQL", 60)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == before
    return postgres


def server() -> psutil.Process:
    (found,) = [p for p in psutil.Process().children() if p.name() == "postgres"]
    return found


def test_postgres_is_for_its_owner_alone(postgres: Postgres) -> None:
    for folder in (postgres.folder, postgres.data, postgres.socket):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((postgres.folder / "password").stat().st_mode) == 0o600
    assert server().uids().effective != 0
    assert [c for c in server().net_connections("inet") if c.status == "LISTEN"] == []
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(postgres.dsn().replace(postgres.password, "wrong"))


def test_postgres_starts_again_after_a_kill(
    children: Children, postgres: Postgres, tmp_path: Path
) -> None:
    postgres.note = "kept"
    children.steady = True
    first = server()
    first.kill()
    children.wait(lambda: None if first.is_running() else True, "its end", 10)
    children.wait(lambda: (server_pid() not in (None, first.pid)) or None, "another", 20)
    children.wait(postgres.ready, "PostgreSQL", 20)
    assert postgres.note == "kept"


def server_pid() -> int | None:
    found = [p.pid for p in psutil.Process().children() if p.name() == "postgres"]
    return found[0] if found else None


def test_a_lock_file_with_the_number_of_another_process_is_no_obstacle(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "postgres")
    for _ in range(2):
        with Children(str(tmp_path), tmp_path / "logs") as children:
            postgres.start(children)
            children.wait(postgres.ready, "PostgreSQL", 60)
        (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n0\n")


def test_a_long_path_gets_a_short_socket_of_its_own(tmp_path: Path) -> None:
    near = Path("/srv/archive/postgres")
    assert socket_folder(near) == near / "socket"
    far = Path("/srv") / ("long" * 30) / "postgres"
    assert len(os.fsencode(socket_folder(far) / SOCKET_FILE)) <= 107
    assert socket_folder(far) != socket_folder(far / "other")


def test_a_stop_leaves_others_alone(tmp_path: Path) -> None:
    with Children(str(tmp_path / "a"), tmp_path) as one:
        one.start("one", SLEEP, {})
        with Children(str(tmp_path / "b"), tmp_path) as other:
            other.start("other", SLEEP, {})
        assert len(started(tmp_path / "a")) == 1
    assert processes.end_marked(str(tmp_path / "a")) == 0
