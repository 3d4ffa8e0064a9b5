"""The shape of the Docker setup: what a reader, and whoever attacks the host, would look for."""

import importlib.util
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# those that run our image, and those of other projects
OURS = ("init", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "sample")
OTHERS = ("postgres", "redis", "s3")
LONG_LIVED = (*OURS[1:], *OTHERS)
CELERY = ("redis", "worker")


def test_all_parts_are_there() -> None:
    assert set(SERVICES) == {*OURS, *OTHERS}


def test_one_setting_chooses_the_executor_and_starts_what_it_needs() -> None:
    example = (ROOT / ".env.example").read_text()
    assert "\nNEWSARCHIVE_EXECUTOR=LocalExecutor\n" in example
    assert "\nCOMPOSE_PROFILES=${NEWSARCHIVE_EXECUTOR}" in example
    for name in OURS:
        executor = SERVICES[name]["environment"]["AIRFLOW__CORE__EXECUTOR"]
        assert executor.startswith("${NEWSARCHIVE_EXECUTOR:?")
    for name, service in SERVICES.items():
        expected = {"s3": ["s3"], "sample": ["sample"]}.get(name)
        expected = ["CeleryExecutor"] if name in CELERY else expected
        assert service.get("profiles") == expected, name


def test_what_waits_for_a_part_of_a_profile_starts_without_it_too() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            if SERVICES[other].get("profiles") != service.get("profiles"):
                optional = "profiles" in SERVICES[other]
                assert how.get("required", True) is not optional, f"{name} waits for {other}"


@pytest.mark.parametrize("name", LONG_LIVED)
def test_what_runs_is_bounded_checked_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["mem_limit"]
    check = " ".join(service["healthcheck"]["test"])
    # Each start of Python or of `airflow` costs seconds of a core, every few seconds.
    assert re.search(r"\b(curl|wget|pg_isready|redis-cli)\b", check)
    assert not re.search(r"(^| )(python|airflow|celery) ", check)


@pytest.mark.parametrize("name", OURS)
def test_commands_are_those_that_airflows_image_runs(name: str) -> None:
    # Whatever is none of these it takes for a subcommand of `airflow`.
    assert SERVICES[name]["command"][0] in ("airflow", "bash", "python")


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_no_rights_that_they_do_not_need(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert not SERVICES[name].keys() & {"privileged", "network_mode", "pid", "user", "cap_add"}


def test_the_scheduler_has_loaded_our_steps_and_is_started_anew_when_it_lost_a_worker() -> None:
    assert SERVICES["scheduler"]["command"] == ["python", "-m", "newsarchive.local.container"]
    assert SERVICES["worker"]["command"][:3] == ["python", "-m", "newsarchive.local.preload"]


def test_workers_share_leases_and_no_task_is_handed_out_twice() -> None:
    environment = SERVICES["worker"]["environment"]
    assert environment["NEWSARCHIVE_LEASES_URL"].startswith("postgresql://")
    visible = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
    assert int(environment[visible]) > 2 * 86_400, "the longest task may take two days"
    assert re.search(r"^celery==5\.[0-6]\.", (ROOT / "requirements-cluster.lock").read_text(), re.M)


def test_volumes_are_named() -> None:
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_make_secrets_fills_in_what_is_required_once_and_for_its_owner_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("secret", ROOT / "scripts/make_secrets.py")
    assert spec and spec.loader
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    shutil.copy(ROOT / ".env.example", tmp_path)
    assert program.main(tmp_path) == 0
    file = tmp_path / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = dict(re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE))
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert all(values[name] for name in required)
    secrets = [v for k, v in values.items() if re.search("PASSWORD|KEY|SECRET", k)]
    assert len(secrets) == len(set(secrets)) == 6
    assert all(len(secret) >= 43 for secret in secrets)
    assert not any(secret in capsys.readouterr().out for secret in secrets)
    before = file.read_text()
    assert program.main(tmp_path) == 1
    assert file.read_text() == before


def test_only_the_page_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["api-server"]
    assert all(port.startswith("127.0.0.1:") for port in published["api-server"])


def test_secrets_are_required_and_never_written_here() -> None:
    for name in ("PASSWORD", "FERNET_KEY", "SECRET_KEY", "JWT_SECRET", "REDISCLI_AUTH"):
        values = re.findall(rf"^\s*\w*{name}:\s*(.+)$", TEXT, re.MULTILINE)
        assert values
        assert all(value.startswith("${") and ":?" in value for value in values), name
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    example = (ROOT / ".env.example").read_text()
    for name in required - {"NEWSARCHIVE_EXECUTOR"}:
        assert re.search(rf"^{name}=$", example, re.MULTILINE), name
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_everything_waits_for_the_tables() -> None:
    assert SERVICES["init"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "worker"):
        waits = SERVICES[name]["depends_on"]
        assert waits["init"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("service", OURS)
def test_archive_and_state_outlive_a_container(service: str) -> None:
    places = dict(volume.split(":")[::-1] for volume in SERVICES[service]["volumes"])
    environment = SERVICES[service]["environment"]
    for name in ("NEWSARCHIVE_ARCHIVE", "NEWSARCHIVE_STATE_DIR"):
        place = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", environment[name])
        assert place in places


def test_the_image_is_airflows_of_the_locked_version_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert locked
    assert [line for line in lines if line.startswith("FROM ")] == ["FROM ${BASE}"]
    (base,) = [line for line in lines if line.startswith("ARG BASE=")]
    assert base.startswith(f"ARG BASE=apache/airflow:{locked[1]}-")
    assert base.removeprefix("ARG BASE=") in TEXT
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER airflow"
    assert any("--no-deps --require-hashes -r requirements-cluster.lock" in line for line in lines)
    assert not any(line.startswith("# syntax") for line in lines)
