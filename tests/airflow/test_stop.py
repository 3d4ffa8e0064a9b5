"""Whatever ends it, at whatever moment: nothing is left, and the next start works."""

import signal
import time
from pathlib import Path

import pytest
from stacks import Stack

from newsarchive.local.processes import marked

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

# within the database's making, Airflow's tables, and the start of its programs
MOMENTS = (0.9, 1.6, 4.0, 9.0)


def test_nothing_is_left_at_any_moment_of_the_start(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    for moment, number in zip(MOMENTS, signals, strict=True):
        stack.start()
        time.sleep(moment)
        assert stack.stop(number) == 128 + number, stack.output
        assert marked(stack.mark) == []


def test_after_a_kill_the_next_start_finds_the_place_free(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.start()
    stack.wait_for("Airflow: done")
    stack.stop(signal.SIGKILL)
    stack.start("--once")
    assert stack.process is not None
    assert stack.process.wait(180) == 0, stack.output
    assert marked(stack.mark) == []
    assert "complete" in stack.output
