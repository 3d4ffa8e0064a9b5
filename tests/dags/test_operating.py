"""What goes out to those who operate it: figures over a real socket, mail to a real server."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mail import Mail

from newsarchive import logs
from newsarchive.outcome import Outcome
from newsarchive.steps.watching import Day, Watched


class Receiver:
    """A StatsD server: what arrived, line by line."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def lines(self) -> list[str]:
        self.socket.settimeout(0.3)
        found = []
        try:
            while True:
                found.append(self.socket.recv(65536).decode())
        except TimeoutError:
            return found


@pytest.fixture
def receiver(airflow: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Airflow's own client, configured as docs/operations.md says."""
    from airflow.sdk._shared.observability.metrics import stats as shared
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    receiver = Receiver()
    for name, value in {
        "STATSD_ON": "True",
        "STATSD_HOST": "127.0.0.1",
        "STATSD_PORT": str(receiver.port),
        "STATSD_INFLUXDB_ENABLED": "True",
    }.items():
        monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", value)
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    with receiver.socket:
        yield receiver
    shared._get_backend().statsd.close()
    monkeypatch.undo()
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def test_figures_of_a_step(receiver: Receiver) -> None:
    from newsarchive_airflow.metrics import measured

    def fetch(day: date) -> Outcome:
        outcome = Outcome("fetch_1", [day])
        outcome.add("paper", "ok", 3)
        outcome.add("paper", "host left alone", 2)
        outcome.received["paper"] = 12_345
        return outcome

    assert measured(fetch, date(2026, 11, 22)).counts() == {"host left alone": 2, "ok": 3}
    lines = receiver.lines()
    assert "airflow.newsarchive.counted,step=fetch,source=paper,what=ok:3|c" in lines
    assert "airflow.newsarchive.counted,step=fetch,source=paper,what=host_left_alone:2|c" in lines
    assert "airflow.newsarchive.bytes,source=paper:12345|c" in lines
    (timing,) = [line for line in lines if "newsarchive.step," in line]
    assert timing.startswith("airflow.newsarchive.step,step=fetch:") and timing.endswith("|ms")


def test_figures_of_a_day(receiver: Receiver) -> None:
    from newsarchive_airflow.metrics import send_day

    coverage = [Day("a", "complete", 12, None, None), Day("b", "low", 1, 5, None)]
    send_day(Watched(coverage, {"a": 60.0, "b": 7200.0}))
    assert set(receiver.lines()) == {
        "airflow.newsarchive.articles,source=a:12|g",
        "airflow.newsarchive.articles,source=b:1|g",
        "airflow.newsarchive.sources,status=complete:1|g",
        "airflow.newsarchive.sources,status=low:1|g",
        "airflow.newsarchive.sources,status=failed:0|g",
        "airflow.newsarchive.newest_article_age,source=a:60.0|g",
        "airflow.newsarchive.newest_article_age,source=b:7200.0|g",
    }


@pytest.fixture
def mail(airflow: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    with Mail() as mail:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", mail.connection)
        monkeypatch.setenv("NEWSARCHIVE_ALERT_MAIL", "one@example.org, two@example.org")
        yield mail


def test_sources_that_failed_or_gave_too_little(mail: Mail) -> None:
    from newsarchive_airflow import alerts

    note = "time-out {{ conn.smtp_default }} <script>"
    wanting = [Day("a", "failed", 0, 5, note), Day("b", "low", 1, 5, None)]
    alerts.coverage({}, date(2026, 11, 22), wanting)
    (text,) = mail.texts()
    assert "[newsarchive] 2026-11-22: 2 sources failed or gave too little" in text
    assert "a: failed (0 articles): time-out {{ conn.smtp_default }} &lt;script&gt;" in text
    assert "b: low (1 articles, 5 expected at least)" in text
    assert "one@example.org" in str(mail.messages[0]["to"])
    alerts.coverage({}, date(2026, 11, 23), [])
    assert len(mail.messages) == 1


def test_a_late_day_is_told_of_if_it_was_scheduled(mail: Mail) -> None:
    from newsarchive_airflow import alerts

    run = {"dag_id": "archive_day", "dag_run_id": "x", "logical_date": "2026-11-22T00:00:00Z"}
    deadline = {"deadline_time": "2026-11-23T12:00:00Z"}
    for kind in ("backfill", "manual", "scheduled"):
        context = {"dag_run": {**run, "run_type": kind}, "deadline": deadline}
        alerts.late(context)
        asyncio.run(alerts.late_in_triggerer(context))
    texts = mail.texts()
    assert len(texts) == 2
    assert all("archive_day: 2026-11-22 is late" in text for text in texts)


def test_every_task_tells_when_it_failed(bag: Any) -> None:
    from newsarchive_airflow import alerts

    for dag in bag.dags.values():
        for task in dag.tasks:
            expected = [] if task.task_id == "outcome" else [alerts.task_failed]
            assert list(task.on_failure_callback or []) == expected, task.task_id


def test_the_daily_run_has_a_deadline(bag: Any) -> None:
    (deadline,) = bag.dags["archive_day"].deadline
    assert deadline.interval.total_seconds() == 12 * 3600
    assert deadline.callback.path == "newsarchive_airflow.alerts.late"


@pytest.mark.parametrize(
    ("executor", "where"),
    [
        ("LocalExecutor", "late"),
        ("CeleryExecutor", "late"),
        ("KubernetesExecutor", "late_in_triggerer"),
        ("KubernetesExecutor,LocalExecutor", "late_in_triggerer"),
    ],
)
def test_the_deadline_is_told_of_where_callbacks_can_run(
    airflow: None, monkeypatch: pytest.MonkeyPatch, executor: str, where: str
) -> None:
    from newsarchive_airflow import alerts

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    assert alerts.deadline().callback.path == f"newsarchive_airflow.alerts.{where}"


def test_every_alert_has_its_heading_in_the_runbook() -> None:
    root = Path(__file__).parents[2]
    runbook = (root / "docs" / "operations.md").read_text()
    for heading in ("A task failed", "A source failed or gave too little", "A day is late"):
        assert f"### {heading}\n" in runbook
        assert f'"{heading}"' in (root / "include/newsarchive_airflow/alerts.py").read_text()


def test_old_logs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_LOG_DAYS", "2")
    old, new = tmp_path / "dag_id=x/run_id=1/attempt=1.log", tmp_path / "dag_id=x/run_id=2/a.log"
    for file in (old, new, tmp_path / "keep.txt"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("words")
    for path in (old, old.parent, tmp_path / "keep.txt"):
        os.utime(path, (time.time() - 3 * 86_400,) * 2)
    counted = {"files removed": 1, "bytes removed": 5}
    assert logs.clear(tmp_path, dry_run=True) == counted
    assert old.exists()
    assert logs.clear(tmp_path) == counted
    assert not old.exists() and new.exists() and (tmp_path / "keep.txt").exists()
