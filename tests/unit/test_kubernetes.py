"""The values for Airflow's Helm chart: of the locked version, without secrets, fit for our DAGs."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy/kubernetes/values.yaml").read_text()
VALUES: dict[str, Any] = yaml.safe_load(TEXT)
ENVIRONMENT = {each["name"]: each["value"] for each in VALUES["env"]}


def test_it_is_of_the_locked_airflow() -> None:
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert locked and VALUES["airflowVersion"] == locked[1]
    assert VALUES["executor"] == "KubernetesExecutor"


def test_no_secret_stands_here() -> None:
    for name in ("metadataSecretName",):
        assert VALUES["data"][name]
    for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"):
        assert VALUES[name]
    assert not VALUES.keys() & {"fernetKey", "apiSecretKey", "jwtSecret", "webserverSecretKey"}
    assert not any(re.search("KEY|PASSWORD|SECRET|URL|CONN", name) for name in ENVIRONMENT)
    page = (ROOT / "docs/deploying.md").read_text()
    for secret in re.findall(r"newsarchive-(?:airflow|env|login)\b", TEXT):
        assert f"create secret generic {secret}" in page


def test_what_pods_cannot_share_as_files_lies_elsewhere() -> None:
    assert ENVIRONMENT["NEWSARCHIVE_ARCHIVE"].startswith("s3://")
    assert "NEWSARCHIVE_LEASES_URL" in (ROOT / "docs/deploying.md").read_text()
    assert VALUES["logs"]["persistence"]["enabled"]


def test_pools_are_made_and_late_days_told_of() -> None:
    assert "newsarchive.pools" in " ".join(VALUES["migrateDatabaseJob"]["args"])
    assert VALUES["triggerer"]["enabled"]


def test_every_part_is_bounded() -> None:
    for name in ("apiServer", "scheduler", "dagProcessor", "triggerer", "workers"):
        assert VALUES[name]["resources"]["limits"]["memory"], name


def test_the_charts_schema_accepts_it() -> None:
    """NEWSARCHIVE_TEST_CHART_SCHEMA names the chart's values.schema.json."""
    schema = os.environ.get("NEWSARCHIVE_TEST_CHART_SCHEMA")
    if not schema:
        pytest.skip("no schema of the chart here: NEWSARCHIVE_TEST_CHART_SCHEMA names one")
    import jsonschema

    jsonschema.validate(VALUES, json.loads(Path(schema).read_text()))
