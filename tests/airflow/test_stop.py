"""Whatever ends it, at whatever moment: nothing is left, and the next start works."""

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from stacks import Stack

from newsarchive.local.processes import marked

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

# from the making of the database over Airflow's tables to the first tasks, in seconds
CASES = [
    (number, moment / 4)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    for moment in range(3, 60, 3)
]


@pytest.mark.long
def test_nothing_is_left_at_any_moment_of_the_start(
    tmp_path: Path, draw: Callable[[Sequence[tuple[int, float]], int], list[tuple[int, float]]]
) -> None:
    for case, (number, moment) in enumerate(draw(CASES, 4)):
        folder = tmp_path / str(case)
        folder.mkdir()
        stack = Stack(folder)
        stack.start()
        time.sleep(moment)
        code = stack.stop(number)
        if number == signal.SIGKILL:  # what is left has a moment to end, then it is ended
            end = time.monotonic() + 60
            while marked(stack.mark) and time.monotonic() < end:
                time.sleep(0.5)
        else:
            assert code in (128 + number, -number), (
                stack.output
            )  # -: before it looked after signals
        assert marked(stack.mark) == [], (number, moment)


@pytest.mark.long
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
