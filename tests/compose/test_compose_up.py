"""The whole docker-compose.yaml, brought up against stand-ins for the images: `make test-compose`.

Two Celery workers, the archive on S3, a backfill of ten days, a worker killed amid it.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from compose.composed import CLI, Stack, truth, up
from compose.engine import ROOT, Engine

from newsarchive.days import days_between, yesterday

pytestmark = pytest.mark.timeout(3000)
LAST = yesterday() - timedelta(days=1)
DAYS = days_between(LAST - timedelta(days=9), LAST)
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
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with up(engine, tmp_path_factory.mktemp("compose"), ON_S3, workers=2) as stack:
        yield stack


def test_without_secrets_it_does_not_start(stack: Stack) -> None:
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


def test_everything_becomes_healthy(stack: Stack) -> None:
    stack.become_healthy()
    assert len([name for name in stack.states() if "worker" in name]) == 2


def test_a_backfill_over_two_workers_of_which_one_is_killed(stack: Stack) -> None:
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


def test_the_archive_is_whole(stack: Stack) -> None:
    told = json.loads(stack.compose(*CLI, "verify", "--json"))
    assert (told["findings"], told["unknown"]) == ([], []), told
