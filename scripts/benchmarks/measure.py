"""What a program costs: wall and CPU time, peak memory of its processes; on what machine."""

import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".cache" / "bench"
_SAMPLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost."""

    wall_s: float
    cpu_s: float
    """User and system time, of the processes that it started too."""
    peak_mb: float
    """Most memory of all its processes at once, in MB of 10^6 bytes."""
    load_before: float
    """Load of the machine in the minute before."""


class Failed(Exception):
    """A program ended badly."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    allowed: frozenset[int] = frozenset({0}),
) -> Cost:
    """Run a program to its end and return what it cost; what it says goes to `log`.

    Raises:
        Failed: its exit status is not an allowed one.
    """
    load = os.getloadavg()[0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
        memory = _Memory(process.pid)
        memory.start()
        status = process.wait()
    wall = time.perf_counter() - began
    memory.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status not in allowed:
        raise Failed(f"{command[0]} ended with {status}: see {log}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, cpu, memory.peak / 1e6, load)


class _Memory(threading.Thread):
    """Samples the memory of a process and all below it.

    Pages that several of them share are divided between them (PSS) where the system tells.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._top = psutil.Process(pid)
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            try:
                tree = [self._top, *self._top.children(recursive=True)]
            except psutil.Error:
                continue
            self.peak = max(self.peak, sum(map(_held, tree)))

    def stop(self) -> None:
        """End the sampling."""
        self._ended.set()
        self.join()


def _held(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        memory = process.memory_full_info()
        return int(getattr(memory, "pss", 0) or memory.rss)
    return 0  # it has ended


def wait_until_quiet(most: float, patience: float) -> None:
    """Wait until the machine's load is below `most`, `patience` seconds at most."""
    until = time.monotonic() + patience
    while os.getloadavg()[0] >= most and time.monotonic() < until:
        time.sleep(2)


def circumstances() -> str:
    """Return machine, date and commit as one line."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}; {os.cpu_count()} cores"
        f" ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.release()},"
        f" Python {sys.version.split()[0]}"
    )


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
