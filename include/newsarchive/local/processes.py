"""Child processes: each a group of its own, watched, started again, ended with all it started.

Four things together leave nothing behind. A signal only sets a flag, looked at between two steps,
so that it never falls between starting a process and remembering it. Every child carries a mark in
its environment that its own children inherit, so that one which left its group is found too, also
by a later start after `kill -9`. The kernel asks the direct children to end when this process dies.
And an heir, a process that does nothing else, then ends what they leave: a task that waits for an
Airflow that is gone would go on trying for minutes.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import psutil

from newsarchive.errors import ArchiveError

T = TypeVar("T")

MARK = "STACK_OF_NEWSARCHIVE"
TICK = 0.1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TRIES_AT_START = 3
SETTLED = 60.0
LONGEST_PAUSE = 30.0
LOOK_EVERY = 2.0
PATIENCE = 8.0  # seconds that programs have to end in order


class Stopped(Exception):
    """Someone asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class Child:
    """A program that should be running."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    last: bool
    sick: Callable[[psutil.Process], bool] | None = None
    looked: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    deaths: int = 0
    start_at: float | None = None


class Children:
    """The child processes of one stack, as a context that ends them all."""

    def __init__(self, mark: str, logs: Path) -> None:
        """Prepare to start children.

        Args:
            mark: what tells this stack's processes from all others; children inherit it.
            logs: the folder for what they print, a file each.
        """
        self.mark = mark
        self.logs = logs
        self.steady = False
        self._children: dict[str, Child] = {}
        self._heir: subprocess.Popen[bytes] | None = None
        self._asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Children":
        """Name an heir for a death without warning, and take over the signals that ask to stop."""
        argv = [sys.executable, "-m", __name__, self.mark]
        self._heir = self._spawn(argv, {}, self.logs / "heir.log", stdin=subprocess.PIPE)
        for number in SIGNALS:
            # `nohup` stays in force; a shell's `&`, which ignores INT, does not
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        """End every child and give the signals back."""
        try:
            self.stop()
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, _: FrameType | None) -> None:
        self._asked = number

    def start(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        as_user: Sequence[str] = (),
        last: bool = False,
        sick: Callable[[psutil.Process], bool] | None = None,
    ) -> None:
        """Start a program that `check` keeps running.

        Args:
            name: what messages and its log file call it.
            argv: the program and its arguments.
            env: what its environment has besides ours.
            as_user: options of `setpriv` that say who it runs as.
            last: the others need it until they have ended.
            sick: looks at the running program, and tells that only a new start helps it.
        """
        self._look()
        argv = [*_tied(as_user, "INT" if last else "TERM"), *argv]
        log = self.logs / f"{name}.log"
        process = self._spawn(argv, env, log)
        self._children[name] = Child(name, argv, env, log, process, last, sick)

    def run(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        as_user: Sequence[str] = (),
        timeout: float = 300,
    ) -> None:
        """Run a program to its end.

        Raises:
            ArchiveError: it failed or took too long; the line names its log.
            Stopped: someone asked to stop meanwhile.
        """
        self._look()
        log = self.logs / f"{name}.log"
        process = self._spawn([*_tied(as_user, "KILL"), *argv], env, log)
        try:
            code = self.wait(process.poll, f"{name} to end", timeout)
        finally:
            if process.poll() is None:
                _end([psutil.Process(process.pid)], patience=5)
        if code:
            raise ArchiveError(f"{name} failed (exit status {code}): see {log}{_last_line(log)}")

    def check(self) -> None:
        """Start again what died or is sick, after a pause that doubles.

        Raises:
            ArchiveError: a child keeps dying before the stack ever was up.
            Stopped: someone asked to stop.
        """
        self._look()
        now = time.monotonic()
        for child in self._children.values():
            if child.sick and now - child.looked > LOOK_EVERY and child.process.poll() is None:
                child.looked = now
                with contextlib.suppress(psutil.Error):
                    if child.sick(psutil.Process(child.process.pid)):
                        _kill_group(child.process.pid)
                        child.process.wait()
            if child.start_at is None and child.process.poll() is not None:
                child.deaths = child.deaths + 1 if now - child.started < SETTLED else 1
                if not self.steady and child.deaths >= TRIES_AT_START:
                    raise ArchiveError(
                        f"{child.name} ended {child.deaths} times while starting: "
                        f"see {child.log}{_last_line(child.log)}"
                    )
                child.start_at = now + min(LONGEST_PAUSE, 2 ** (child.deaths - 1))
                # what it left behind would hold its port and its work
                _kill_group(child.process.pid)
            elif child.start_at is not None and now >= child.start_at:
                child.process = self._spawn(child.argv, child.env, child.log)
                child.started, child.start_at = now, None

    def wait(
        self, look: Callable[[], T | None], what: str, timeout: float, every: float = TICK
    ) -> T:
        """Return what `look` returns once that is not None; the children are watched meanwhile.

        Raises:
            ArchiveError: it took longer than `timeout` seconds.
            Stopped: someone asked to stop.
        """
        end = time.monotonic() + timeout
        while True:
            self.check()
            found = look()
            if found is not None:
                return found
            if time.monotonic() > end:
                raise ArchiveError(
                    f"waited {timeout:.0f} s for {what}: see the logs in {self.logs}"
                )
            time.sleep(every)

    def forever(self) -> NoReturn:
        """Watch the children until someone asks to stop.

        Raises:
            Stopped: someone did.
        """
        self.steady = True
        while True:
            self.check()
            time.sleep(5 * TICK)

    def stop(self) -> None:
        """End every child and all that they started: ask, wait, kill; the last ones last."""
        children, self._children = list(self._children.values()), {}
        ordinary = [child for child in children if not child.last]
        last = [child for child in children if child.last]
        heir = [self._heir.pid] if self._heir else []
        self._end_groups(ordinary, signal.SIGTERM, PATIENCE)
        end_marked(self.mark, spare=[*heir, *(child.process.pid for child in last)])
        self._end_groups(last, signal.SIGINT, patience=20)
        end_marked(self.mark, spare=heir)
        if self._heir:
            self._heir.kill()
            self._heir.communicate()

    def _end_groups(self, children: Sequence[Child], ask: signal.Signals, patience: float) -> None:
        for child in children:
            if child.process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    child.process.send_signal(ask)
        end = time.monotonic() + patience
        while time.monotonic() < end and any(c.process.poll() is None for c in children):
            time.sleep(TICK)
        for child in children:
            _kill_group(child.process.pid)
            child.process.wait()

    def _look(self) -> None:
        if self._asked is not None:
            raise Stopped(self._asked)

    def _spawn(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            return subprocess.Popen(  # noqa: S603 - programs of our own choice
                argv,
                env={**inherited(), **env, MARK: self.mark},
                stdin=stdin,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def inherited() -> dict[str, str]:
    """Return the environment that children get: ours, less what slows or misleads them."""
    # Without stored byte code every process would compile Airflow anew, seconds each
    dropped = {"PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONSTARTUP", MARK}
    return {k: v for k, v in os.environ.items() if k not in dropped}


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes of the stack with this mark, but for zombies and this process itself."""
    return [p for p in psutil.process_iter() if p.pid != os.getpid() and mark_of(p) == mark]


def mark_of(process: psutil.Process) -> str | None:
    """Return the mark of the stack that a process belongs to."""
    with contextlib.suppress(psutil.Error, OSError):
        return str(process.environ().get(MARK, "")) or None
    return None


def end_marked(mark: str, spare: Sequence[int] = ()) -> int:
    """End the processes of a stack, but those to spare and theirs; return how many they were."""
    spared = set(spare)
    for pid in spare:
        with contextlib.suppress(psutil.Error):
            spared |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    found = [process for process in marked(mark) if process.pid not in spared]
    _end(found, patience=5)
    _end([p for p in marked(mark) if p.pid not in spared], patience=0)  # born meanwhile
    return len(found)


def listener(port: int) -> psutil.Process | None:
    """Return the process that listens on a port of this machine, as far as we may know it."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr.port == port
                and connection.pid
            ):
                return psutil.Process(connection.pid)
    return None


@contextlib.contextmanager
def only_one(file: Path, facts: Mapping[str, object]) -> Iterator[None]:
    """Hold a file's lock, with facts about the holder in it.

    Raises:
        Held: another process holds it; `facts` of the exception are that one's.
    """
    import fcntl

    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            text = lock.read()
            raise Held(json.loads(text) if text else {}) from None
        lock.seek(0)
        lock.truncate()
        lock.write(json.dumps({"pid": os.getpid(), **facts}))
        lock.flush()
        yield


class Held(Exception):
    """Another process holds the lock."""

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(str(facts))
        self.facts = facts


def _tied(as_user: Sequence[str], when_we_die: str) -> list[str]:
    """Return the words that tie a program's life to ours, and run it as somebody else if wished."""
    setpriv = shutil.which("setpriv")
    if setpriv:
        return [setpriv, "--pdeathsig", when_we_die, *as_user]
    if as_user:
        raise ArchiveError(
            "setpriv is missing: install util-linux, or run this as another user than root"
        )
    return []  # not Linux: what a killed parent leaves is ended by the next start


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _end(processes: Iterable[psutil.Process], patience: float) -> None:
    alive = list(processes)
    if patience:
        for process in alive:
            with contextlib.suppress(psutil.Error):
                # PostgreSQL means by INT: end now, in order; by TERM: when the last client has gone
                postgres = process.name() == "postgres"
                process.send_signal(signal.SIGINT if postgres else signal.SIGTERM)
        _, alive = psutil.wait_procs(alive, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return f" ({lines[-1].strip()[:160]})"
    return ""


def _inherit(mark: str) -> None:
    """Wait until the process at the other end of standard input is gone; end its stack."""
    sys.stdin.buffer.read()
    psutil.wait_procs(marked(mark), timeout=PATIENCE)
    end_marked(mark)


if __name__ == "__main__":
    _inherit(sys.argv[1])
