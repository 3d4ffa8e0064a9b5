"""A laptop sleeps: what was not run meanwhile is made good at the next start."""

import subprocess
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from stacks import PROGRAM, Stack

from newsarchive.days import days_between, yesterday

pytestmark = [pytest.mark.long, pytest.mark.airflow, pytest.mark.timeout(600)]


def test_days_that_were_not_run_are_backfilled_at_the_start(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    long_ago = yesterday() - timedelta(days=4)
    with subprocess.Popen(
        [PROGRAM, "sample", "serve"], env=stack.env, stdout=subprocess.PIPE
    ) as samples:
        assert samples.stdout
        samples.stdout.readline()  # it says when it is there
        stack.call("run", "--day", str(long_ago))
        samples.terminate()
    stack.start()
    try:
        stack.wait_for("Airflow stays up")
        assert "Catching up" in stack.output
        wanted = set(days_between(long_ago, stack.day))
        end = time.monotonic() + 240
        while (there := covered(stack)) < wanted:
            assert time.monotonic() < end, there
            time.sleep(1)
        runs = [r for r in stack.rest().runs("archive_day") if r["run_type"] == "backfill"]
        assert len(runs) >= 3
    finally:
        stack.stop()


def covered(stack: Stack) -> set[object]:
    with closing(duckdb.connect(str(stack.snapshot), read_only=True)) as database:
        rows = database.sql("SELECT run_day FROM coverage WHERE status = 'complete'").fetchall()
    return {day for (day,) in rows}
