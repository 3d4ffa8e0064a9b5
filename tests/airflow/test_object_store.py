"""A real Airflow whose archive lies in an object store."""

import json
from pathlib import Path

import pytest
from object_store import BUCKET, serving
from stacks import Stack

pytestmark = [pytest.mark.long, pytest.mark.airflow, pytest.mark.timeout(600)]


def test_yesterday_under_airflow_in_an_object_store(tmp_path: Path) -> None:
    archive = f"s3://{BUCKET}/under/airflow"
    with serving(tmp_path / "store") as store:
        stack = Stack(tmp_path, settings={**store.environment, "NEWSARCHIVE_ARCHIVE": archive})
        stack.start("--once")
        assert stack.process is not None
        assert stack.process.wait(400) == 0, stack.output
        assert f"--archive {archive} query" in stack.output
        sql = (
            "SELECT source, status, kept > 0 AS kept FROM coverage WHERE run_day = '{}' ORDER BY 1"
        )
        covered = json.loads(stack.call("query", sql.format(stack.day), "--json"))
        assert covered == [
            {"source": name, "status": "complete", "kept": True}
            for name in ("sample_ar", "sample_en")
        ]
        assert "0 missing, changed or stray" in stack.run("verify").stderr
        logs = (p for p in (tmp_path / "state").rglob("*") if p.is_file())
        secret = store.environment["AWS_SECRET_ACCESS_KEY"].encode()
        assert not [p for p in logs if secret in p.read_bytes()]
    assert not (tmp_path / "archive").exists()
