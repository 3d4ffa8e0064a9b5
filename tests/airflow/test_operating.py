"""A real Airflow tells its operators: figures by StatsD, mail about a source and a late day."""

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from mail import Mail
from stacks import Stack, free_port

pytestmark = [pytest.mark.long, pytest.mark.airflow, pytest.mark.timeout(600)]
LOST = """
name = "lost"
title = "A paper that does not answer"
url = "http://127.0.0.1:{port}/"
language = "en"
timezone = "UTC"
allow_private = true

[[listing]]
kind = "dated"
url = "http://127.0.0.1:{port}/{{date:%Y-%m-%d}}.xml"
"""


class Operator:
    """A stack whose operator listens."""

    def __init__(self, stack: Stack, mail: Mail, lines: list[str]) -> None:
        self.stack, self.mail, self.lines = stack, mail, lines

    def wait_for_mail(self, words: str) -> str:
        end = time.monotonic() + 60
        while not (found := [t for t in self.mail.texts() if words in t]):
            assert time.monotonic() < end, self.mail.texts()
            time.sleep(0.5)
        assert len(found) == 1
        return found[0]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operated")
    (folder / "sources").mkdir()
    (folder / "sources" / "lost.toml").write_text(LOST.format(port=free_port()))
    lines: list[str] = []
    with Mail() as mail, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        over = threading.Event()

        def receive() -> None:
            while not over.is_set():
                try:
                    lines.append(receiver.recv(65536).decode())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=receive)
        thread.start()
        settings = {
            "AIRFLOW_CONN_SMTP_DEFAULT": mail.connection,
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(receiver.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
            "NEWSARCHIVE_ALERT_MAIL": "operator@example.org",
            "NEWSARCHIVE_LATE_AFTER_HOURS": "0.0005",
            "NEWSARCHIVE_BACKOFF": "0.02",
            "NEWSARCHIVE_SOURCES": "sample_*, lost",
            "NEWSARCHIVE_SOURCES_DIR": str(folder / "sources"),
        }
        stack = Stack(folder, settings=settings)
        stack.start()
        try:
            stack.wait_for("Airflow stays up")
            yield Operator(stack, mail, lines)
        finally:
            stack.stop()
            over.set()
            thread.join()


def test_a_source_that_failed_is_told_of(operator: Operator) -> None:
    text = operator.wait_for_mail("sources failed or gave too little")
    assert f"{operator.stack.day}: 1 sources" in text
    assert "lost: failed (0 articles)" in text


def test_a_day_that_is_late_is_told_of(operator: Operator) -> None:
    text = operator.wait_for_mail("is late")
    assert f"archive_day: {operator.stack.day} is late" in text


def test_figures_arrive(operator: Operator) -> None:
    beginnings = (
        "airflow.newsarchive.counted,step=fetch,source=sample_ar,what=ok:",
        "airflow.newsarchive.bytes,source=sample_en:",
        "airflow.newsarchive.step,step=publish:",
        "airflow.newsarchive.articles,source=sample_ar:",
        "airflow.newsarchive.sources,status=failed:1|g",
        "airflow.newsarchive.newest_article_age,source=sample_ar:",
    )
    for beginning in beginnings:
        ours = [line for line in operator.lines if "newsarchive." in line]
        assert any(line.startswith(beginning) for line in ours), (beginning, ours)


def test_old_logs_go_with_the_weekly_upkeep(operator: Operator) -> None:
    rest = operator.stack.rest()
    logs = operator.stack.folder / "state/airflow/logs"
    old = logs / "dag_id=archive_day" / "old.log"
    old.write_text("words of a task of last year")
    os.utime(old, (time.time() - 365 * 86_400,) * 2)
    run = rest.trigger("maintain")
    end = time.monotonic() + 120
    while rest.run("maintain", run)["state"] not in ("success", "failed"):
        assert time.monotonic() < end
        time.sleep(1)
    assert rest.tasks("maintain", run) == {"maintain": "success", "clear_logs": "success"}
    assert not old.exists()
    assert list(logs.rglob("*.log"))
