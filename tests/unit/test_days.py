"""The days of the archive, and how a run finds its own."""

from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from newsarchive import days

NOW = date(2026, 11, 25)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "today", lambda: NOW)


def run(logical: datetime | None, made: datetime | None = None, **conf: Any) -> SimpleNamespace:
    return SimpleNamespace(logical_date=logical, run_after=made, conf=conf)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dag_run", "day"),
    [
        (run(at(20), at(21)), 20),  # scheduled
        (run(at(24), at(25)), 24),
        (run(at(3), at(25, 9)), 3),  # backfill, or manual, of a day long past
        (run(at(3, 17), at(25, 9)), 3),
        (run(at(25, 9), at(25, 9, 1)), 24),  # the form fills in now
        (run(at(28), at(25, 9)), 24),
        (run(None, at(25, 9)), 24),
        (run(None), 24),
        (run(at(25)), 24),
        (run(datetime(2026, 11, 21, 1, tzinfo=timezone(timedelta(hours=2))), at(25)), 20),
        (run(None, at(25), day="2026-11-02"), 2),
        (run(at(25, 9), at(25, 9), day="2026-11-02"), 2),
        (run(at(25, 9), at(25, 9), day="2026-11-02T00:00:00+00:00"), 2),
        (run(None, at(25), day=None), 24),
        (run(None, at(25), day=""), 24),
        (SimpleNamespace(), 24),
    ],
)
def test_the_day_of_a_run(dag_run: SimpleNamespace, day: int) -> None:
    assert days.day_of(dag_run) == date(2026, 11, day)


def test_a_run_without_configuration_has_a_day() -> None:
    assert days.day_of(SimpleNamespace(logical_date=at(20), conf=None)) == date(2026, 11, 20)


def test_a_run_keeps_its_day_past_midnight_and_when_cleared_later() -> None:
    for logical in (None, at(22, 23, 50)):
        assert days.day_of(run(logical, at(22, 23, 51))) == date(2026, 11, 21)


@pytest.mark.parametrize("day", ["2026-11-25", "2027-01-01"])
def test_a_day_that_is_not_over_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match=f"day {day} is not over yet; the newest that is: 2026-11"):
        days.day_of(run(None, at(25), day=day))


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        days.day_of(run(None, day="yesterday"))


def test_today_and_yesterday_are_utc_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    before = datetime.now(UTC).date()
    assert days.today() in (before, before + timedelta(days=1))
    assert days.yesterday() - days.today() == timedelta(days=-1)


def test_days_between_has_both_ends() -> None:
    first = date(2026, 2, 27)
    assert days.days_between(first, date(2026, 3, 1)) == [
        first,
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert days.days_between(first, first) == [first]
    assert days.days_between(first, date(2026, 2, 26)) == []


def test_bounds_are_the_first_instants_of_the_day_and_the_next() -> None:
    assert days.bounds(date(2026, 2, 28)) == (
        datetime(2026, 2, 28, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("timezone", "day", "local"),
    [
        ("UTC", date(2026, 11, 22), [22]),
        ("Africa/Cairo", date(2026, 11, 22), [22, 23]),
        ("Asia/Kathmandu", date(2026, 11, 22), [22, 23]),
        ("Pacific/Kiritimati", date(2026, 11, 22), [22, 23]),
        ("America/New_York", date(2026, 11, 22), [21, 22]),
        ("Etc/GMT+12", date(2026, 11, 22), [21, 22]),
        ("Europe/London", date(2026, 11, 22), [22]),
        ("Europe/London", date(2026, 7, 22), [22, 23]),
        ("Europe/London", date(2026, 3, 29), [29, 30]),  # summer time begins
        ("Europe/London", date(2026, 10, 25), [25]),  # and ends: midnight to midnight again
    ],
)
def test_local_dates_that_overlap_a_utc_day(timezone: str, day: date, local: list[int]) -> None:
    assert [d.day for d in days.local_dates(day, timezone)] == local


def test_a_local_date_that_never_was_is_not_in_the_way() -> None:
    # Samoa had no 30 December 2011: the UTC day touches the 29th and the 31st
    found = list(days.local_dates(date(2011, 12, 30), "Pacific/Apia"))
    assert found[0] <= date(2011, 12, 30) and found[-1] == date(2011, 12, 31)


@pytest.mark.parametrize(
    ("ran", "most", "found"),
    [
        ([], 30, []),
        (["2026-03-01", "2026-03-05"], 30, ["2026-03-04", "2026-03-03", "2026-03-02"]),
        (["2026-03-01"], 3, ["2026-03-05", "2026-03-04", "2026-03-03"]),
        (["2026-03-05"], 30, []),
    ],
)
def test_days_missed_since_the_archive_began(ran: list[str], most: int, found: list[str]) -> None:
    newest = date(2026, 3, 5)
    assert [str(d) for d in days.missed(map(date.fromisoformat, ran), newest, most)] == found
