"""The services of docker-compose.yaml as tests bring them up, and what their archive holds."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from compose.engine import IMAGES, ROOT, Engine
from stacks import free_port

from newsarchive.local.airflow import Refused, Rest

COLUMNS = ("article_id", "article_day", "source", "url", "language")
CLI = ("exec", "-T", "scheduler", "python", "-m", "newsarchive.cli")


def _load(name: str, file: Path) -> object:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Stack:
    """The services, as `docker compose up` starts them."""

    def __init__(self, engine: Engine, folder: Path, chosen: Mapping[str, str]) -> None:
        """Write the settings: secrets, stand-ins for images, and what a test chooses."""
        self.engine, self.folder, self.port = engine, folder, free_port()
        shutil.copy(ROOT / ".env.example", folder)
        _load("make_secrets", ROOT / "scripts/make_secrets.py").main(folder)  # type: ignore[attr-defined]
        env = folder / ".env"
        text = env.read_text()
        for name, value in {**chosen, **IMAGES, "NEWSARCHIVE_AIRFLOW_PORT": self.port}.items():
            line = f"{name}={value}"
            text, found = re.subn(rf"^#?{name}=.*$", line, text, flags=re.MULTILINE)
            text += "" if found else f"{line}\n"
        env.write_text(text)
        self.password = re.search(r"^AIRFLOW_ADMIN_PASSWORD=(.+)$", text, re.MULTILINE)[1]  # type: ignore[index]

    def compose(self, *words: str) -> str:
        """Return what a command of Docker Compose prints."""
        options = ("--env-file", str(self.folder / ".env"), "--project-name", "newsarchive-test")
        return self.engine.docker("compose", *options, *words)

    def states(self) -> dict[str, str]:
        """Return the health of each container by name."""
        lines = self.compose("ps", "--format", "{{.Name}} {{.Health}}").splitlines()
        return dict(line.split(" ", 1) for line in lines if line.strip())

    def become_healthy(self) -> None:
        """Wait until all containers are."""
        end = time.monotonic() + 600
        while set((states := self.states()).values()) != {"healthy"}:
            assert time.monotonic() < end, states
            time.sleep(2)

    def memory(self) -> str:
        """Return what memory each container has, a line each."""
        names = list(self.states())
        form = "{{.Name}} {{.MemUsage}}"
        return self.engine.docker("stats", "--no-stream", "--format", form, *names)

    def rest(self) -> Rest:
        """Return Airflow's API."""
        return Rest(f"http://127.0.0.1:{self.port}", "admin", self.password)

    def runs(self) -> dict[date, str]:
        """Return the state of the run of each day; none while Airflow does not answer."""
        try:
            runs = self.rest().runs("archive_day")
        except (OSError, Refused):
            return {}
        return {date.fromisoformat(r["logical_date"][:10]): r["state"] for r in runs}

    def articles(self, first: date, last: date) -> set[tuple[str, ...]]:
        """Return the articles of some run days."""
        days = f"DATE '{first}' AND DATE '{last}'"
        query = f"SELECT {', '.join(COLUMNS)} FROM articles WHERE first_run_day BETWEEN {days}"
        rows = json.loads(self.compose(*CLI, "query", "--json", query))
        return {tuple(str(row[column]) for column in COLUMNS) for row in rows}


@contextmanager
def up(
    engine: Engine, folder: Path, chosen: Mapping[str, str], workers: int = 0
) -> Iterator[Stack]:
    """Yield the services, started; they are gone afterwards, what they said is in `folder`.

    Args:
        engine: with its images made.
        folder: for settings and logs.
        chosen: settings.
        workers: how many, with Celery.
    """
    stack = Stack(engine, folder, chosen)
    try:
        stack.compose("build", "--quiet")
        scale = ("--scale", f"worker={workers}") if workers else ()
        stack.compose("up", "--detach", *scale)
        yield stack
    finally:
        (folder / "logs").write_text(stack.compose("logs", "--no-color"))
        stack.compose("down", "--volumes", "--timeout", "10")


def truth(first: date, last: date, now: datetime) -> set[tuple[str, ...]]:
    """Return the articles that the sample newspapers have of some days at a moment."""
    program = Path(sys.executable).with_name("newsarchive")
    days = ["--from", str(first), "--to", str(last)]
    words = [*days, "--now", now.isoformat(), "--base-url", "http://sample:8090", "--json"]
    done = subprocess.run(
        [program, "sample", "truth", *words], capture_output=True, text=True, check=True
    )
    rows = json.loads(done.stdout)["articles"]
    return {tuple(str(row[column]) for column in COLUMNS) for row in rows}
