"""The shape of the Docker setup: what a reader, and whoever attacks the host, would look for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = ("init", "api-server", "scheduler", "dag-processor")


def test_all_parts_are_there() -> None:
    assert set(SERVICES) == {"postgres", *OURS, "sample"}
    for name in OURS:
        assert SERVICES[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


def test_only_the_page_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["api-server"]
    assert all(port.startswith("127.0.0.1:") for port in published["api-server"])


def test_secrets_are_required_and_never_written_here() -> None:
    for name in ("PASSWORD", "FERNET_KEY", "SECRET_KEY", "JWT_SECRET"):
        values = re.findall(rf"^\s*\w*{name}:\s*(.+)$", TEXT, re.MULTILINE)
        assert values
        assert all(value.startswith("${") and ":?" in value for value in values), name
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    example = (ROOT / ".env.example").read_text()
    for name in required:
        assert re.search(rf"^{name}=$", example, re.MULTILINE), name
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_everything_waits_for_the_tables_and_is_checked_cheaply() -> None:
    assert SERVICES["init"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("api-server", "scheduler", "dag-processor"):
        waits = SERVICES[name]["depends_on"]
        assert waits["init"]["condition"] == "service_completed_successfully"
        check = " ".join(SERVICES[name]["healthcheck"]["test"])
        assert "curl" in check
        assert "airflow" not in check, "each start of `airflow` costs seconds of a core"


@pytest.mark.parametrize("service", OURS)
def test_archive_and_state_outlive_a_container(service: str) -> None:
    places = dict(volume.split(":")[::-1] for volume in SERVICES[service]["volumes"])
    environment = SERVICES[service]["environment"]
    for name in ("NEWSARCHIVE_ARCHIVE", "NEWSARCHIVE_STATE_DIR"):
        assert environment[name] in places


def test_the_image_is_airflows_of_the_locked_version_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert locked
    (base,) = [line for line in lines if line.startswith("FROM ")]
    assert base.startswith(f"FROM apache/airflow:{locked[1]}-")
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER airflow"
    assert any("--require-hashes -r requirements.lock" in line for line in lines)
    assert not any(line.startswith("# syntax") for line in lines)
