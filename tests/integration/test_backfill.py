"""Backfills side by side, paused, killed and begun again: one request a host, and the same rows."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from days import changed, lasting, program_for, rows, settings_for

from newsarchive import steps
from newsarchive.sample.serve import SampleServer, start

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAYS = [date(2026, 10, 1) + timedelta(days=n) for n in range(4)]


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(0, NOW) as server:
        yield server


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def backfilling(samples: SampleServer) -> Iterator[Start]:
    """What starts `newsarchive backfill` of the days in a folder, in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start_one(folder: Path, *words: str) -> subprocess.Popen[bytes]:
        started.append(_backfilling(folder, samples, *words))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def _backfilling(folder: Path, samples: SampleServer, *more: str) -> subprocess.Popen[bytes]:
    words = ["backfill", "--from", str(DAYS[0]), "--to", str(DAYS[-1]), *more]
    number = len(list(folder.parent.glob("told-*.txt")))
    with (folder.parent / f"told-{number}.txt").open("wb") as told:
        return subprocess.Popen(
            [*program_for(folder / "archive", folder / "state", samples.server_port), *words],
            stdout=told,
            stderr=subprocess.STDOUT,
            env={k: v for k, v in os.environ.items() if not k.startswith("NEWSARCHIVE_")},
        )


def asked(samples: SampleServer) -> int:
    return sum(samples.counts()["requests"].values())


def wait_until_asked(samples: SampleServer, number: int) -> None:
    end = time.monotonic() + 120
    while asked(samples) < number:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_side_by_side_paused_and_killed(
    samples: SampleServer, backfilling: Start, tmp_path: Path
) -> None:
    alone = settings_for(tmp_path / "alone", samples.server_port)
    for day in DAYS:
        steps.run(day, alone)
    samples.reset()
    together = tmp_path / "together"
    paused, killed, other = (backfilling(together) for _ in range(3))
    wait_until_asked(samples, 10)
    paused.send_signal(signal.SIGSTOP)
    killed.kill()
    killed.wait()
    again = backfilling(together)  # the retry, beside the one that is only paused
    time.sleep(3)  # one that is paused amid a request keeps the others waiting
    paused.send_signal(signal.SIGCONT)
    ended = {p.wait(200) for p in (paused, other, again)}
    # 3: when it looked, another had a day's pages that were not parsed yet. What is left is whole.
    told = "\n".join(file.read_text() for file in tmp_path.glob("told-*.txt"))
    assert ended <= {0, 3}, told
    assert backfilling(together).wait(200) == 0
    assert samples.counts()["most_at_once"] == 1
    assert changed(together / "archive", alone.archive_path) == []
    assert lasting(together / "archive") == lasting(alone.archive_path)


def test_killed_again_and_again_it_goes_on(
    samples: SampleServer, backfilling: Start, tmp_path: Path
) -> None:
    alone = settings_for(tmp_path / "alone", samples.server_port)
    for day in DAYS:
        steps.run(day, alone)
    samples.reset()
    folder = tmp_path / "killed"
    for number in range(1, 4):
        process = backfilling(folder)
        wait_until_asked(samples, number * 18)
        process.kill()
        process.wait()
    assert backfilling(folder).wait(200) == 0
    assert lasting(folder / "archive") == lasting(alone.archive_path)
    # What was committed before a kill is not asked for again.
    pages = [r for r in rows(folder / "archive", "captures") if r["kind"] == "page"]
    held = [r["link_id"] for r in pages if r["outcome"] == "ok"]
    assert len(held) == len(set(held))


def test_interrupted_it_says_so_and_goes_on(
    samples: SampleServer, backfilling: Start, tmp_path: Path
) -> None:
    process = backfilling(tmp_path)
    wait_until_asked(samples, 30)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert backfilling(tmp_path).wait(200) == 0
    (days,) = {len({r["run_day"] for r in rows(tmp_path / "archive", "coverage")})}
    assert days == len(DAYS)


@pytest.mark.timeout(3600)
def test_killed_at_random_moments(
    samples: SampleServer, backfilling: Start, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.config.option.seed)
    began = time.monotonic()
    assert backfilling(tmp_path / "alone").wait(200) == 0
    took = time.monotonic() - began
    for _ in range(200 if request.config.option.long == "all" else 20):
        process = backfilling(tmp_path / "killed", "--again")
        time.sleep(chance.uniform(0, took))
        process.kill()
        process.wait()
    assert backfilling(tmp_path / "killed", "--again").wait(200) == 0
    assert lasting(tmp_path / "killed" / "archive") == lasting(tmp_path / "alone" / "archive")
    assert steps.verify(settings_for(tmp_path / "killed", samples.server_port)).findings == []
