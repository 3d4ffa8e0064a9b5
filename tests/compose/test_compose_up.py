"""The whole docker-compose.yaml, brought up against stand-ins for the images: `make test-compose`.

Two Celery workers, the archive on S3, a backfill of ten days, a worker killed amid it. Then sixty
days with each executor, one after the other.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from compose.composed import CLI, Stack, truth, up
from compose.engine import ROOT, Engine

from newsarchive.days import days_between, yesterday

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        not os.environ.get("NEWSARCHIVE_TEST_COMPOSE"), reason="long, and root: make test-compose"
    ),
]
LAST = yesterday() - timedelta(days=1)
DAYS = days_between(LAST - timedelta(days=9), LAST)
SIXTY = days_between(LAST - timedelta(days=59), LAST)
ON_S3 = {
    "NEWSARCHIVE_EXECUTOR": "CeleryExecutor",
    "COMPOSE_PROFILES": "${NEWSARCHIVE_EXECUTOR},sample,s3",
    "NEWSARCHIVE_ARCHIVE": "s3://newsarchive/archive",
    "NEWSARCHIVE_WORKER_MEMORY": "4g",
    "AWS_ACCESS_KEY_ID": "trial",
    "AWS_SECRET_ACCESS_KEY": "a-key-for-the-trial",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://s3:8333",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine() as engine:
        engine.make_images(tmp_path_factory.mktemp("images"))
        yield engine


class TestOnS3:
    """Two workers and an object store."""

    @pytest.fixture(scope="class")
    def stack(self, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
        with up(engine, tmp_path_factory.mktemp("compose"), ON_S3, workers=2) as stack:
            yield stack

    def test_without_secrets_it_does_not_start(self, stack: Stack) -> None:
        words = ["compose", "--env-file", "/dev/null", "config", "--quiet"]
        done = subprocess.run(
            ["docker", *words],
            cwd=ROOT,
            env=stack.engine.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "run make secrets" in done.stderr

    def test_everything_becomes_healthy(self, stack: Stack) -> None:
        stack.become_healthy()
        assert len([name for name in stack.states() if "worker" in name]) == 2

    def test_a_backfill_over_two_workers_of_which_one_is_killed(self, stack: Stack) -> None:
        since = datetime.now().astimezone()
        rest = stack.rest()
        rest.unpause("archive_day")
        rest.backfill("archive_day", DAYS[0], DAYS[-1])
        killed = False
        end = time.monotonic() + 1200
        while True:
            states = stack.runs()
            done = [day for day in DAYS if states.get(day) in ("success", "failed")]
            if not killed and len(done) >= 2:
                worker = next(name for name in stack.states() if "worker" in name)
                stack.engine.docker("kill", worker)
                killed = True
            if len(done) == len(DAYS):
                break
            assert time.monotonic() < end, states
            time.sleep(2)
        assert killed
        assert {day: states[day] for day in DAYS} == dict.fromkeys(DAYS, "success")
        found = stack.articles(DAYS[0], DAYS[-1])
        now = datetime.now().astimezone()
        moments = [truth(DAYS[0], DAYS[-1], moment) for moment in (since, now)]
        # The newspapers take articles back as time goes by.
        assert moments[0] & moments[1] <= found <= moments[0] | moments[1]
        assert len(found) > 100
        print(f"\n10 days, a worker killed: {(now - since).seconds} s\n{stack.memory()}")

    def test_the_archive_is_whole(self, stack: Stack) -> None:
        told = json.loads(stack.compose(*CLI, "verify", "--json"))
        assert (told["findings"], told["unknown"]) == ([], []), told


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
            states: dict[object, str] = {}
            while not all(states.get(day) in ("success", "failed") for day in SIXTY):
                assert time.monotonic() < began + 1200, states
                time.sleep(2)
                states = dict(stack.runs())
            told.append(f"{executor}, {len(SIXTY)} days: {time.monotonic() - began:.0f} s")
            assert {day: states[day] for day in SIXTY} == dict.fromkeys(SIXTY, "success")
            found[executor] = stack.articles(SIXTY[0], SIXTY[-1])
            told.append(stack.memory())
    print("", *told, sep="\n")
    moments = [truth(SIXTY[0], SIXTY[-1], m) for m in (since, datetime.now().astimezone())]
    for rows in found.values():
        assert moments[0] & moments[1] <= rows <= moments[0] | moments[1]
