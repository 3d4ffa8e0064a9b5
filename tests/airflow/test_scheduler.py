"""Whole days under the real scheduler, compared with what the sample newspapers hold."""

import json
import re
import time
from contextlib import closing
from datetime import date, datetime, timedelta

import duckdb
import psutil
import pytest
import requests
from stacks import Stack, words_of

from newsarchive.days import days_between

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

DAILY = "archive_day"
COLUMNS = ("article_id", "article_day", "source", "url", "title", "text", "language")
DONE = {"success", "failed"}


def rows(stack: Stack) -> set[tuple[str, ...]]:
    with closing(duckdb.connect(str(stack.snapshot), read_only=True)) as database:
        found = database.execute(
            # a midnight may bring the scheduler's next day while the tests run
            f"SELECT {', '.join(COLUMNS)} FROM articles WHERE first_run_day <= ?",
            [stack.day],
        ).fetchall()
        assert len(found) == len(set(found))
        return {tuple(map(str, row)) for row in found}


def truth(stack: Stack, days: list[date], now: datetime) -> set[tuple[str, ...]]:
    words = ["--from", str(days[0]), "--to", str(days[-1]), "--now", now.isoformat()]
    found = json.loads(stack.call("sample", "truth", "--json", *words))["articles"]
    return {tuple(str(row[column]) for column in COLUMNS) for row in found}


def assert_right(stack: Stack, days: list[date], since: datetime) -> None:
    # The newspapers correct texts as time goes by: right is what they held at one moment of these
    held = [truth(stack, days, moment) for moment in (since, datetime.now().astimezone())]
    assert held[0]
    found = rows(stack)
    wrong = min(({"missing": h - found, "too many": found - h} for h in held), key=str)
    assert wrong == {"missing": set(), "too many": set()}


def test_yesterday_was_scheduled_and_is_right(stack: Stack) -> None:
    run = stack.rest().run_of(DAILY, stack.day)
    assert run is not None
    assert (run["run_type"], run["state"]) == ("scheduled", "success")
    assert set(stack.rest().tasks(DAILY, run["dag_run_id"]).values()) == {"success"}
    assert_right(stack, [stack.day], datetime.fromisoformat(run["start_date"]))


def test_what_a_person_sees(stack: Stack) -> None:
    output = stack.output
    for words in ("sample_ar", "sample_en", "complete", "  ar  ", "  en  ", "A first query"):
        assert words in output
    assert str(stack.snapshot) in output
    assert f"http://127.0.0.1:{stack.airflow_port}" in output
    assert stack.call("query", "SELECT count(*) FROM articles")


def test_other_dags_are_on(stack: Stack) -> None:
    names = (DAILY, "poll_feeds", "reparse", "maintain", "verify_archive")
    assert stack.rest().dags() == dict.fromkeys(names, False)
    assert stack.rest().import_errors() == []


def test_second_start_in_the_same_folder_is_refused_in_one_line(stack: Stack) -> None:
    refused = stack.run("up", "--once")
    assert refused.returncode == 1
    assert re.fullmatch(r"newsarchive: .*already runs .*process \d+.*Ctrl-C.*\n", refused.stderr)


def test_no_secret_is_in_a_log(stack: Stack) -> None:
    state = stack.folder / "state"
    secrets = {
        file.name: file.read_text().strip()
        for file in [*(state / "airflow/secrets").iterdir(), state / "postgres/password"]
        if file.name != "passwords.json"
    }
    assert {"admin", "api", "fernet", "jwt", "password"} <= secrets.keys()
    logs = [f for place in ("logs", "airflow/logs") for f in (state / place).rglob("*.log")]
    assert len(logs) > 5
    for log in logs:
        text = log.read_text(errors="replace")
        for name, secret in secrets.items():
            assert secret not in text, (log, name)


def test_a_task_leads_to_its_coverage(stack: Stack) -> None:
    rest = stack.rest()
    run = rest.run_of(DAILY, stack.day)
    assert run is not None
    for task in rest.tasks(DAILY, run["dag_run_id"]):
        links = rest.call(
            "GET", f"dags/{DAILY}/dagRuns/{run['dag_run_id']}/taskInstances/{task}/links"
        )
        page = links["extra_links"]["Coverage"]
    assert requests.get(f"{rest.url}{page}", timeout=30).status_code == 401
    token = rest._session.headers["Authorization"]
    answer = requests.get(f"{rest.url}{page}", headers={"Authorization": token}, timeout=30)
    assert answer.status_code == 200
    for words in (str(stack.day), "sample_ar", "sample_en", "complete"):
        assert words in answer.text


def test_publishing_tells_other_dags_which_days_changed(stack: Stack) -> None:
    events = stack.rest().call("GET", "assets/events", limit=10)["asset_events"]
    extra = next(e["extra"] for e in events if e["uri"].startswith("newsarchive://"))
    assert str(stack.day) in extra["days"]
    assert extra["rows"]


def test_five_days_backfilled_while_the_scheduler_runs(stack: Stack) -> None:
    started = datetime.now().astimezone() - timedelta(minutes=5)
    first, last = stack.day - timedelta(days=5), stack.day - timedelta(days=1)
    days = days_between(first, last)
    stack.backfill(first, last)
    assert stack.wait_for_runs(days) == dict.fromkeys(days, "success")
    assert_right(stack, days_between(first, stack.day), started)


def test_the_same_day_again_changes_no_row(stack: Stack) -> None:
    rest = stack.rest()
    run = rest.run_of(DAILY, stack.day)
    assert run is not None
    before, files = rows(stack), len(settled_files(stack))
    rest.clear(DAILY, run["dag_run_id"])
    time.sleep(1)
    assert stack.wait_for_runs([stack.day]) == {stack.day: "success"}
    assert rows(stack) == before
    assert len(settled_files(stack)) == files


def test_workers_killed_while_they_wait(stack: Stack) -> None:
    # one of them waits with the lock of the queue in its hand
    assert stack.process is not None
    ours = psutil.Process(stack.process.pid).children(recursive=True)
    waiting = [p for p in ours if "LocalExecutor: <idle>" in words_of(p)]
    assert waiting
    for process in waiting[:-1]:
        process.kill()
    rest = stack.rest()
    run = rest.run_of(DAILY, stack.day)
    assert run is not None
    rest.clear(DAILY, run["dag_run_id"])
    time.sleep(1)
    assert stack.wait_for_runs([stack.day]) == {stack.day: "success"}


def settled_files(stack: Stack) -> set[str]:
    """The files that the snapshot names, but for those of the running day: its hours add some."""
    running = f"={stack.day + timedelta(days=1)}/"
    with closing(duckdb.connect(str(stack.snapshot), read_only=True)) as database:
        # the list of files is in the definition of each view
        text = "\n".join(
            str(row[0]) for row in database.sql("SELECT sql FROM duckdb_views()").fetchall()
        )
    return {word for word in text.split("'") if word.endswith(".parquet") and running not in word}


def test_reparse_by_hand_for_a_range(stack: Stack) -> None:
    rest = stack.rest()
    before = rows(stack)
    run_id = rest.trigger("reparse", conf={"first": str(stack.day), "last": str(stack.day)})
    end = time.monotonic() + 120
    while (state := rest.run("reparse", run_id)["state"]) not in DONE:
        assert time.monotonic() < end, state
        time.sleep(0.5)
    assert state == "success"
    assert rows(stack) == before
