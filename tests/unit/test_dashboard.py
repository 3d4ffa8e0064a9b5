"""The dashboard shows what is sent, and the page of operations names it."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SENT = set(
    re.findall(
        r'"(newsarchive\.\w+)"', (ROOT / "include/newsarchive_airflow/metrics.py").read_text()
    )
)
AIRFLOWS = {"airflow_deadline_alerts_deadline_missed"}


def test_the_dashboard_asks_for_what_is_sent_and_for_all_of_it() -> None:
    board = json.loads((ROOT / "deploy/grafana/newsarchive.json").read_text())
    asked = {
        name.removesuffix("_sum").removesuffix("_count")
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bairflow_\w+", target["expr"])
    }
    assert asked - AIRFLOWS == {f"airflow_{name.replace('.', '_')}" for name in SENT}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_page_of_operations_has_every_figure() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"^\| `(newsarchive\.\w+)`", page, re.MULTILINE)) == SENT
