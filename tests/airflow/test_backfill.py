"""Backfills under the real scheduler: the rows of the command line, whatever happens meanwhile."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from days import KEYS, SAME, rows
from stacks import Stack, words_of

from newsarchive.days import days_between
from newsarchive.schema import TABLES

pytestmark = [pytest.mark.long, pytest.mark.airflow, pytest.mark.timeout(2400)]

DAILY = "archive_day"
SETTLED = 20  # days after which the sample newspapers correct and move nothing any more


def lasting_of(archive: Path, days: list[date]) -> dict[str, dict[Any, Any]]:
    """Return the lasting columns of the rows of some run days, by view and key."""
    shown = {d.isoformat() for d in days}
    found = {}
    for view in SAME:
        key = KEYS.get(view, (*TABLES[view].order, TABLES[view].partition))
        day = "first_run_day" if view == "articles" else "run_day"
        found[view] = {
            tuple(str(r[k]) for k in key): {n: r[n] for n in TABLES[view].lasting}
            for r in rows(archive, view)
            if r[day] in shown
        }
    return found


def assert_same(one: Path, other: Path, days: list[date]) -> None:
    here, there = lasting_of(one, days), lasting_of(other, days)
    assert here["articles"]
    for view in SAME:
        assert here[view].keys() == there[view].keys(), view
        for key, row in here[view].items():
            assert row == there[view][key], (view, key)


def assert_true(stack: Stack, days: list[date]) -> None:
    """Compare the articles of some days with what the newspapers were generated from."""
    now = datetime.now().astimezone().isoformat()
    words = ["--from", str(days[0]), "--to", str(days[-1]), "--now", now]
    wanted = json.loads(stack.call("sample", "truth", "--json", *words))["articles"]
    names = ("article_id", "article_day", "source", "url", "title", "text", "language")
    found = lasting_of(stack.folder / "archive", days)["articles"].values()
    assert {tuple(str(r[n]) for n in names) for r in found} == {
        tuple(str(r[n]) for n in names) for r in wanted
    }


@pytest.fixture(scope="module")
def days(stack: Stack, request: pytest.FixtureRequest) -> list[date]:
    """Sixty days that have settled; six of them in a draw."""
    number = 60 if request.config.option.long == "all" else 6
    last = stack.day - timedelta(days=SETTLED)
    return days_between(last - timedelta(days=number - 1), last)


@pytest.fixture(scope="module")
def by_command(
    stack: Stack, days: list[date], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, float]]:
    """The archive that the command makes of the same days, and the seconds that it took."""
    archive = tmp_path_factory.mktemp("command") / "archive"
    began = time.monotonic()
    words = ["backfill", "--from", str(days[0]), "--to", str(days[-1])]
    done = stack.run("--archive", str(archive), *words)
    assert done.returncode == 0, done.stderr
    yield archive, time.monotonic() - began


def test_through_airflow_as_by_the_command(
    stack: Stack,
    days: list[date],
    by_command: tuple[Path, float],
    record_property: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    began = time.monotonic()
    stack.backfill(days[0], days[-1], at_once=4)
    assert set(stack.wait_for_runs(days, 1500).values()) == {"success"}
    took = time.monotonic() - began
    assert_true(stack, days)
    assert_same(stack.folder / "archive", by_command[0], days)
    told = f"{len(days)} days: {took:.0f} s through Airflow, {by_command[1]:.0f} s by the command"
    record_property("backfill", told)
    with capsys.disabled():
        print(f"\n{told}")


def test_backwards_again_and_beside_the_daily_run(
    stack: Stack, days: list[date], by_command: tuple[Path, float]
) -> None:
    rest = stack.rest()
    stack.backfill(days[0], days[-1], "completed", at_once=8, backwards=True)
    daily = rest.run_of(DAILY, stack.day)
    assert daily is not None
    rest.clear(DAILY, daily["dag_run_id"])  # the daily run, again, at the same time
    time.sleep(5)
    wanted = [*days, stack.day]
    assert set(stack.wait_for_runs(wanted, 1500).values()) == {"success"}
    assert_same(stack.folder / "archive", by_command[0], days)


def test_killed_at_random_moments(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    chance = random.Random(request.config.option.seed)
    killed = Stack(tmp_path)
    killed.start()
    try:
        killed.wait_for("Airflow stays up")
        last = killed.day - timedelta(days=SETTLED)
        number = 60 if request.config.option.long == "all" else 6
        some = days_between(last - timedelta(days=number - 1), last)
        reference = tmp_path / "command" / "archive"
        words = ["backfill", "--from", str(some[0]), "--to", str(some[-1])]
        assert killed.run("--archive", str(reference), *words).returncode == 0
        order = chance.sample(some, len(some))
        for day in order:
            killed.rest().trigger(DAILY, day)
        for number in range(5):
            time.sleep(chance.uniform(2, 8))
            kill_one(killed, "scheduler" if number % 2 else "worker", chance)
        states = killed.wait_for_runs(some, 1200)
        for day in [d for d, state in states.items() if state == "failed"]:
            run = killed.rest().run_of(DAILY, day)
            assert run is not None
            killed.rest().clear(DAILY, run["dag_run_id"])
        time.sleep(2)
        assert set(killed.wait_for_runs(some, 1200).values()) == {"success"}
        assert_same(killed.folder / "archive", reference, some)
    finally:
        killed.stop()


def kill_one(stack: Stack, what: str, chance: random.Random) -> None:
    """Kill the scheduler, or a process below it that runs a task; only what the stack started."""
    assert stack.process is not None
    ours = psutil.Process(stack.process.pid).children(recursive=True)
    schedulers = [p for p in ours if "scheduler" in words_of(p)]
    workers = [c for p in schedulers for c in p.children(recursive=True)]
    found = schedulers[:1] if what == "scheduler" else workers
    if found:
        with suppress(psutil.Error):
            chance.choice(found).kill()
