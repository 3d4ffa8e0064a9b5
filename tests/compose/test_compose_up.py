"""The whole docker-compose.yaml, brought up against stand-ins for the images: `make test-compose`.

Two Celery workers, the archive on S3, a backfill of ten days, a worker killed amid it.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from stacks import free_port

from newsarchive.days import days_between, yesterday
from newsarchive.local.airflow import Refused, Rest

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        not os.environ.get("NEWSARCHIVE_TEST_COMPOSE"), reason="long, and root: make test-compose"
    ),
]
ROOT = Path(__file__).parents[2]
LAST = yesterday() - timedelta(days=1)
DAYS = days_between(LAST - timedelta(days=9), LAST)
COLUMNS = ("article_id", "article_day", "source", "url", "language")
CHOSEN = {
    "NEWSARCHIVE_EXECUTOR": "CeleryExecutor",
    "COMPOSE_PROFILES": "${NEWSARCHIVE_EXECUTOR},sample,s3",
    "NEWSARCHIVE_ARCHIVE": "s3://newsarchive/archive",
    "NEWSARCHIVE_WORKER_MEMORY": "4g",
    "AWS_ACCESS_KEY_ID": "trial",
    "AWS_SECRET_ACCESS_KEY": "a-key-for-the-trial",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://s3:8333",
}


def _load(name: str, file: Path) -> object:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Stack:
    """The services, as `docker compose up` starts them."""

    def __init__(self, engine: object, folder: Path) -> None:
        self.engine, self.folder, self.port = engine, folder, free_port()
        shutil.copy(ROOT / ".env.example", folder)
        _load("make_secrets", ROOT / "scripts/make_secrets.py").main(folder)  # type: ignore[attr-defined]
        env = folder / ".env"
        text = env.read_text()
        images = sys.modules["engine"].IMAGES
        chosen = CHOSEN | images | {"NEWSARCHIVE_AIRFLOW_PORT": str(self.port)}
        for name, value in chosen.items():
            text = re.sub(rf"^#?{name}=.*\n", "", text, flags=re.MULTILINE)
            text += f"\n{name}={value}"
        env.write_text(text + "\n")
        self.password = re.search(r"^AIRFLOW_ADMIN_PASSWORD=(.+)$", text, re.MULTILINE)[1]  # type: ignore[index]

    def compose(self, *words: str) -> str:
        options = ("--env-file", str(self.folder / ".env"), "--project-name", "newsarchive-test")
        return str(self.engine.docker("compose", *options, *words))  # type: ignore[attr-defined]

    def states(self) -> dict[str, str]:
        """Return the health of each container by name."""
        lines = self.compose("ps", "--format", "{{.Name}} {{.Health}}").splitlines()
        return dict(line.split(" ", 1) for line in lines if line.strip())

    def rest(self) -> Rest:
        return Rest(f"http://127.0.0.1:{self.port}", "admin", self.password)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    sys.path.insert(0, str(Path(__file__).parent))
    from engine import Engine

    folder = tmp_path_factory.mktemp("compose")
    with Engine() as engine:
        engine.make_images(folder)
        stack = Stack(engine, folder)
        try:
            stack.compose("build", "--quiet")
            stack.compose("up", "--detach", "--scale", "worker=2")
            yield stack
        finally:
            (folder / "logs").write_text(stack.compose("logs", "--no-color"))
            stack.compose("down", "--volumes", "--timeout", "10")


def test_without_secrets_it_does_not_start(stack: Stack, tmp_path: Path) -> None:
    words = ["compose", "--env-file", "/dev/null", "config", "--quiet"]
    environment = stack.engine.environment  # type: ignore[attr-defined]
    done = subprocess.run(
        ["docker", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "run make secrets" in done.stderr


def test_everything_becomes_healthy(stack: Stack) -> None:
    end = time.monotonic() + 300
    while set((states := stack.states()).values()) != {"healthy"}:
        assert time.monotonic() < end, states
        time.sleep(2)
    assert len([name for name in states if "worker" in name]) == 2


def test_a_backfill_over_two_workers_of_which_one_is_killed(stack: Stack) -> None:
    since = datetime.now().astimezone()
    rest = stack.rest()
    rest.unpause("archive_day")
    rest.backfill("archive_day", DAYS[0], DAYS[-1])
    killed = False
    end = time.monotonic() + 1200
    while True:
        states = _states(rest)
        done = [day for day in DAYS if states.get(day) in ("success", "failed")]
        if not killed and len(done) >= 2:
            worker = next(name for name in stack.states() if "worker" in name)
            stack.engine.docker("kill", worker)  # type: ignore[attr-defined]
            killed = True
        if len(done) == len(DAYS):
            break
        assert time.monotonic() < end, states
        time.sleep(2)
    assert killed
    assert {day: states[day] for day in DAYS} == dict.fromkeys(DAYS, "success")
    found = _rows(stack)
    moments = [_truth(moment) for moment in (since, datetime.now().astimezone())]
    # The newspapers take articles back as time goes by.
    assert moments[0] & moments[1] <= found <= moments[0] | moments[1]
    assert len(found) > 100
    print(f"\n10 days, a worker killed: {(datetime.now().astimezone() - since).seconds} s")
    names = list(stack.states())
    print(
        stack.engine.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *names)
    )  # type: ignore[attr-defined]


def test_the_archive_is_whole(stack: Stack) -> None:
    run = ("exec", "-T", "scheduler", "python", "-m", "newsarchive.cli")
    told = json.loads(stack.compose(*run, "verify", "--json"))
    assert (told["findings"], told["unknown"]) == ([], []), told


def _states(rest: Rest) -> dict[date, str]:
    try:
        runs = rest.runs("archive_day")
    except (OSError, Refused):
        return {}
    return {date.fromisoformat(r["logical_date"][:10]): r["state"] for r in runs}


def _rows(stack: Stack) -> set[tuple[str, ...]]:
    days = f"DATE '{DAYS[0]}' AND DATE '{DAYS[-1]}'"
    query = f"SELECT {', '.join(COLUMNS)} FROM articles WHERE first_run_day BETWEEN {days}"
    run = ("exec", "-T", "scheduler", "python", "-m", "newsarchive.cli")
    rows = json.loads(stack.compose(*run, "query", "--json", query))
    return {tuple(str(row[column]) for column in COLUMNS) for row in rows}


def _truth(now: datetime) -> set[tuple[str, ...]]:
    program = Path(sys.executable).with_name("newsarchive")
    days = ["--from", str(DAYS[0]), "--to", str(DAYS[-1])]
    words = [*days, "--now", now.isoformat(), "--base-url", "http://sample:8090", "--json"]
    done = subprocess.run(
        [program, "sample", "truth", *words], capture_output=True, text=True, check=True
    )
    rows = json.loads(done.stdout)["articles"]
    return {tuple(str(row[column]) for column in COLUMNS) for row in rows}
