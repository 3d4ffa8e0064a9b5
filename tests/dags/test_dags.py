"""Every DAG loads, says what it is, and survives a failure; the folder parses at once."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from newsarchive.pools import pools

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"
NAMES = sorted(file.stem for file in DAGS.glob("*.py"))


def tasks_of(bag: Any) -> list[Any]:
    return [task for dag in bag.dags.values() for task in dag.tasks]


def test_a_dag_per_file_and_no_other(bag: Any) -> None:
    assert bag.import_errors == {}
    assert NAMES, "no DAG files"
    assert sorted(bag.dag_ids) == NAMES


def test_each_dag_says_what_it_is(bag: Any) -> None:
    for dag in bag.dags.values():
        assert dag.doc_md, dag.dag_id
        assert dag.tags, dag.dag_id
        assert dag.catchup is False, dag.dag_id
        for name, param in dag.params.items():
            assert param.schema.get("type"), f"{dag.dag_id}: {name} has no type"
            assert param.description, f"{dag.dag_id}: {name} has no description"


def test_each_task_has_owner_docs_retries_and_a_limit(bag: Any) -> None:
    for task in tasks_of(bag):
        assert task.owner not in ("", "airflow"), task.task_id
        assert task.doc_md, task.task_id
        assert task.retries >= 1, task.task_id
        if not task.inherits_from_empty_operator:
            assert isinstance(task.execution_timeout, timedelta), task.task_id


def test_each_pool_that_a_task_names_is_made(bag: Any) -> None:
    assert {task.pool for task in tasks_of(bag)} <= {*pools(), "default_pool"}


def test_publish_runs_whatever_failed_and_the_run_fails_all_the_same(bag: Any) -> None:
    dag = bag.dags["archive_day"]
    assert dag.task_dict["publish"].trigger_rule == "all_done"
    assert dag.task_dict["parse"].trigger_rule == "all_done"
    (last,) = [task for task in dag.tasks if not task.downstream_task_ids]
    assert last.trigger_rule == "all_success"
    assert last.upstream_task_ids == set(dag.task_dict) - {last.task_id}


def test_fetches_have_a_pool_each(bag: Any) -> None:
    found = [t.pool for t in tasks_of(bag) if t.task_id.startswith("fetch_")]
    assert found
    assert len(found) == len(set(found))


def test_upkeep_runs_once_a_week_and_one_at_a_time(bag: Any) -> None:
    for name in ("maintain", "verify_archive"):
        dag = bag.dags[name]
        assert dag.max_active_runs == 1
        assert dag.timetable.summary.split()[2:] == ["*", "*", "0"], name
        assert dag.start_date is None, "it would run at the start of an archive"


def test_verify_fails_when_something_stays_wrong(bag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from newsarchive import steps
    from newsarchive.integrity import Finding
    from newsarchive.outcome import Outcome
    from newsarchive.steps.verifying import Verified

    findings = [Finding("raw/x.warc.gz", "missing", "named by captures")]
    asked: list[bool] = []

    def verify(*, repairing: bool) -> Verified:
        asked.append(repairing)
        return Verified(Outcome("verify", []), 1, 1, findings, [])

    monkeypatch.setattr(steps, "verify", verify)
    call = bag.dags["verify_archive"].task_dict["verify"].python_callable
    with pytest.raises(AirflowFailException, match=r"raw/x\.warc\.gz: missing"):
        call(params={"repair": True})
    findings.clear()
    assert call(params={"repair": False}) == {}
    assert asked == [True, False]


def test_our_own_code_parses_in_under_a_second(tmp_path: Path) -> None:
    program = (
        "import sys, time, runpy\n"
        "import airflow.sdk, airflow.timetables.interval, pydantic_settings\n"
        "began = time.process_time()\n"
        "for file in sys.argv[1:]:\n"
        "    runpy.run_path(file)\n"
        "print(time.process_time() - began)\n"
    )
    files = [str(file) for file in DAGS.glob("*.py")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *files],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout.split()[-1]) < 1
