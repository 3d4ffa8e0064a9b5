"""The values for Airflow's Helm chart: of the locked version, without secrets, fit for our DAGs."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
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
    parts = [VALUES[name] for name in ("apiServer", "scheduler", "dagProcessor", "triggerer")]
    for part in (*parts, VALUES["workers"]["kubernetes"]):
        assert part["resources"]["limits"]["memory"]


@pytest.fixture
def chart() -> Path:
    """NEWSARCHIVE_TEST_CHART names the folder of Airflow's Helm chart, unpacked."""
    folder = os.environ.get("NEWSARCHIVE_TEST_CHART")
    if not folder:
        pytest.skip("no Helm chart of Airflow here: NEWSARCHIVE_TEST_CHART names its folder")
    return Path(folder)


def test_the_charts_schema_accepts_it(chart: Path) -> None:
    import jsonschema

    schema = json.loads((chart / "values.schema.json").read_text())
    jsonschema.validate(VALUES, schema)
    known = yaml.safe_load((chart / "values.yaml").read_text())
    assert not list(_unknown(VALUES, known, ()))  # the schema lets names pass that it does not know


def _unknown(values: dict[str, Any], known: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Names of `values` that the chart's own, `known`, do not have; those of free maps aside."""
    for name, value in values.items():
        if name not in known:
            yield ".".join((*path, name))
        elif isinstance(value, dict) and known[name] and (*path, name) != ("config",):
            yield from _unknown(value, known[name], (*path, name))


@pytest.mark.skipif(not shutil.which("helm"), reason="no helm here")
def test_the_chart_is_rendered_with_it(chart: Path, tmp_path: Path) -> None:
    """Its notes as well: they tell what is out of date."""
    ours = tmp_path / "airflow"
    shutil.copytree(chart, ours)
    notes = (ours / "templates/NOTES.txt").read_text()
    (ours / "templates/told.yaml").write_text(
        'told: {{ include "told" . | quote }}\n{{- define "told" -}}\n' + notes + "{{- end -}}\n"
    )
    command = ["helm", "template", "newsarchive", ours, "--values", "deploy/kubernetes/values.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = [each for each in yaml.safe_load_all(done.stdout) if each]
    (told,) = [each["told"] for each in made if "told" in each]
    assert "You can now access" in told and "renamed" not in told and "is deprecated" not in told
    kinds = {each["kind"] for each in made if "kind" in each}
    assert "Deployment" in kinds and "Ingress" not in kinds  # nothing is published unasked
    text = next(
        each["data"]["pod_template_file.yaml"]
        for each in made
        if "pod_template_file.yaml" in (each.get("data") or ())
    )
    (task,) = yaml.safe_load(text)["spec"]["containers"]
    assert task["resources"] == VALUES["workers"]["kubernetes"]["resources"]
    assert {"secretRef": {"name": "newsarchive-env"}} in task["envFrom"]
