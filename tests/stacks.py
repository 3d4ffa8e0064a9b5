"""What `make run` starts, on free ports and in a folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from newsarchive.local.airflow import ADMIN, Refused, Rest

PROGRAM = Path(sys.executable).with_name("newsarchive")
PATIENCE = 180


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def words_of(process: psutil.Process) -> str:
    """Return a process's command line; empty once it has ended."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@dataclass
class Stack:
    """A folder with an archive and the state of a stack, which can be started in it."""

    folder: Path
    sample_port: int = field(default_factory=free_port)
    airflow_port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def snapshot(self) -> Path:
        return self.folder / "archive" / "archive.duckdb"

    @property
    def mark(self) -> str:
        return str(self.folder / "state")

    @property
    def env(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("NEWSARCHIVE_")},
            "NEWSARCHIVE_ARCHIVE": str(self.folder / "archive"),
            "NEWSARCHIVE_STATE_DIR": str(self.folder / "state"),
            "NEWSARCHIVE_SAMPLE_PORT": str(self.sample_port),
            "NEWSARCHIVE_AIRFLOW_PORT": str(self.airflow_port),
            "COLUMNS": "200",
            **self.settings,
        }

    @property
    def day(self) -> date:
        """The day that was yesterday when it started."""
        found = re.search(r"Articles of (\S+)", self.output)
        assert found, self.output
        return date.fromisoformat(found[1])

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def start(self, *words: str) -> None:
        # under `nohup`, which our program respects, no test of HUP could pass
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with (self.folder / "output").open("w") as out:
            self.process = subprocess.Popen(
                [PROGRAM, "up", *words],
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, words: str) -> None:
        end = time.monotonic() + PATIENCE
        while words not in self.output:
            assert self.process is not None
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.2)

    def stop(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours to its end."""
        command = [PROGRAM, *words]
        return subprocess.run(
            command, env=self.env, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def call(self, *words: str) -> str:
        """Return what a command of ours prints."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rest(self) -> Rest:
        password = (self.folder / "state/airflow/secrets/admin").read_text()
        return Rest(f"http://127.0.0.1:{self.airflow_port}", ADMIN, password)

    def backfill(self, first: date, last: date, reprocess: str = "none", **how: Any) -> None:
        """Start a backfill; Airflow takes some seconds to see that the one before is over."""
        rest = self.rest()
        end = time.monotonic() + 60
        while True:
            try:
                rest.backfill("archive_day", first, last, reprocess, **how)
                return
            except Refused:
                assert time.monotonic() < end
                time.sleep(1)

    def wait_for_runs(self, days: list[date], patience: float = 400) -> dict[date, str]:
        """Return the state of each day's run of `archive_day` once all have ended."""
        rest = self.rest()
        end = time.monotonic() + patience
        while True:
            states: dict[date, str] = {}
            with suppress(OSError):  # the server may just be starting again
                runs = {r["logical_date"]: r["state"] for r in rest.runs("archive_day")}
                states = {d: runs[at] for d in days if (at := f"{d}T00:00:00Z") in runs}
                if len(states) == len(days) and set(states.values()) <= {"success", "failed"}:
                    return states
            assert time.monotonic() < end, states
            time.sleep(0.5)
