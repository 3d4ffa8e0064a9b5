"""Sixty days by each executor, one after the other, in Docker: `make test-compose`."""

import time
from datetime import date, datetime, timedelta

import pytest
from compose.composed import truth, up
from compose.engine import Engine

from newsarchive.days import days_between, yesterday

pytestmark = pytest.mark.timeout(3000)
LAST = yesterday() - timedelta(days=1)
SIXTY = days_between(LAST - timedelta(days=59), LAST)


def test_sixty_days_with_each_executor(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    since = datetime.now().astimezone()
    found, told = {}, []
    for executor, workers in (("LocalExecutor", 0), ("CeleryExecutor", 2)):
        folder = tmp_path_factory.mktemp(executor)
        with up(engine, folder, {"NEWSARCHIVE_EXECUTOR": executor}, workers) as stack:
            stack.become_healthy()
            began = time.monotonic()
            rest = stack.rest()
            rest.unpause("archive_day")
            rest.backfill("archive_day", SIXTY[0], SIXTY[-1])
            states: dict[date, str] = {}
            while not all(states.get(day) in ("success", "failed") for day in SIXTY):
                assert time.monotonic() < began + 1200, states
                time.sleep(2)
                states = stack.runs()
            told.append(f"{executor}, {len(SIXTY)} days: {time.monotonic() - began:.0f} s")
            assert {day: states[day] for day in SIXTY} == dict.fromkeys(SIXTY, "success")
            found[executor] = stack.articles(SIXTY[0], SIXTY[-1])
            told.append(stack.memory())
    print("", *told, sep="\n")
    moments = [truth(SIXTY[0], SIXTY[-1], m) for m in (since, datetime.now().astimezone())]
    for rows in found.values():
        assert moments[0] & moments[1] <= rows <= moments[0] | moments[1]
