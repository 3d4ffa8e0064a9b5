"""The lease of a host: one request at a time, with its delay, across processes.

No request may go on under a lease that has ended. Workers on several machines share leases in a
database (`shared_leases.py`); those of one machine, in a folder, here. Here a lease is a kernel
lock (`flock`), which has no end that could pass: it is held until the request is over, and the
kernel frees it at the holder's death, together with the holder's connections. A process that is
paused keeps it, so that its request and another's never meet; the others wait up to a bound and
then leave the host alone for this run.

Two locks make a turnstile: who wants the lease waits for it inside the gate, and who just gave it
back has to pass the gate again. So processes take turns, however short the time between two
requests of one of them is.
"""

import hashlib
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import filelock

from newsarchive.errors import ArchiveError, HostBusy
from newsarchive.fetch import state

_POLL = 0.01  # seconds between two looks at a lock that another holds


class Stopped(Exception):
    """The fetch was ended while it waited."""


@lru_cache(maxsize=4096)
def safe_name(host: str) -> str:
    """Return a file name for a host (`https://example.com:8443`), different for different hosts."""
    readable = re.sub(r"[^a-z0-9.-]+", "_", host.lower())[:150]
    return f"{readable}-{hashlib.sha256(host.encode()).hexdigest()[:8]}"


class Lease:
    """A lease that is held. Unless it is prolonged once, it has no end."""

    def __init__(self) -> None:
        """Begin without an end."""
        self._until = math.inf
        self.lost = False
        self.on_loss: Callable[[], None] = lambda: None
        """Cuts off what goes on under it; called by another thread."""

    def left(self) -> float:
        """Return the seconds in which the host may still be asked."""
        return 0.0 if self.lost else self._until - now()

    def prolong(self, began: float, term: float) -> None:
        """Let it last to a bit before `term` seconds after `began`, a time of `now`."""
        self._until = began + term * 11 / 12

    def lose(self) -> None:
        """Say that it has ended; cut off what goes on."""
        if not self.lost:
            self.lost = True
            self.on_loss()


class HostLeases(Protocol):
    """What both kinds of leases do."""

    def hold(self, host: str, delay: float, bound: float) -> AbstractContextManager[Lease]:
        """Hold the lease of `host` for one request, `delay` seconds after the last one's end."""

    def left(self, host: str, delay: float) -> float:
        """Return the seconds until a request could be made, `delay` after the last one's end."""

    def close(self) -> None:
        """Let go of whatever is open."""


def now() -> float:
    """Return seconds of a clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Leases:
    """Leases of hosts, in a folder that all processes of the machine share."""

    def __init__(self, folder: Path, stop: threading.Event | None = None) -> None:
        """Use (and make) `folder`; `stop` ends every wait with `Stopped`.

        Raises:
            ArchiveError: the folder cannot be made.
        """
        self._folder = state.made(folder)
        self._stop = stop or threading.Event()

    @contextmanager
    def hold(self, host: str, delay: float, bound: float) -> Iterator[Lease]:
        """Hold the lease of `host` for one request, `delay` after the last one's end.

        Args:
            host: scheme, name and port.
            delay: seconds from the end of the last request, whoever made it, to this one.
            bound: most seconds to wait for others that hold the lease.

        Raises:
            HostBusy: others held it all that time; nothing may be asked.
            Stopped: the fetch was ended meanwhile.
            ArchiveError: the folder cannot be used.
        """
        base = self._folder / safe_name(host)
        deadline = time.monotonic() + bound
        last = base.with_name(base.name + ".last")
        gate = self._take(base.with_name(base.name + ".gate"), host, deadline)
        try:
            lease = self._take(base.with_name(base.name + ".lock"), host, deadline)
        finally:
            gate.release()
        try:
            self._wait(last, delay)
            _touch(last)  # should this process be killed, the delay counts from here
            try:
                yield Lease()
            finally:
                _touch(last)
        finally:
            lease.release()

    def left(self, host: str, delay: float) -> float:
        """Return the seconds until a request could be made, `delay` after the last one's end."""
        return _left(self._folder / f"{safe_name(host)}.last", delay)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _take(self, path: Path, host: str, deadline: float) -> filelock.BaseFileLock:
        # filelock would fall back to a lock by mere existence of a file, which outlives its holder.
        lock = filelock.FileLock(path, fallback_to_soft=False)
        try:
            lock.acquire(
                timeout=max(0.0, deadline - time.monotonic()),
                poll_interval=_POLL,
                cancel_check=self._stop.is_set,
            )
        except filelock.Timeout:
            if self._stop.is_set():
                raise Stopped from None
            raise HostBusy(f"{host} is being asked by another process; run again later") from None
        except OSError as error:
            raise ArchiveError(f"{path}: {error.strerror}; name another state_dir") from None
        return lock

    def _wait(self, last: Path, delay: float) -> None:
        left = _left(last, delay)
        if left and self._stop.wait(left):
            raise Stopped


def _left(last: Path, delay: float) -> float:
    try:
        since = time.time() - last.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    # A clock that was set back makes `since` negative: never wait longer than the delay.
    return max(0.0, min(delay, delay - since))


def _touch(path: Path) -> None:
    now = time.time_ns()
    try:
        os.utime(path, ns=(now, now))
    except FileNotFoundError:
        path.touch()
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}; name another state_dir") from None
