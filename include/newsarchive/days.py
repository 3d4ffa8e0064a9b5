"""The two days of the archive, and how a run finds its own."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo


def today() -> date:
    """Return the running UTC day."""
    return datetime.now(UTC).date()


def yesterday() -> date:
    """Return the newest UTC day that is over."""
    return today() - timedelta(days=1)


def day_of(dag_run: Any) -> date:
    """Return the run day of an Airflow run: the day that its parameter names, or its logical date.

    A run with no logical date, or with one of today or later (the trigger form fills in now), means
    yesterday: a day that is not over cannot be archived whole. Both count from when the run was
    made, so that a run keeps its day past midnight, and when it is cleared later.

    Args:
        dag_run: what Airflow hands to a task: `logical_date`, `run_after` (when the run was made,
            or its interval ended) and `conf` are read.

    Raises:
        ValueError: the parameter `day` is no ISO date, or not over yet.
    """
    asked = (getattr(dag_run, "conf", None) or {}).get("day")
    if asked:
        day = date.fromisoformat(str(asked)[:10])
        if day > yesterday():
            raise ValueError(f"day {day} is not over yet; the newest that is: {yesterday()}")
        return day
    logical: datetime | None = getattr(dag_run, "logical_date", None)
    made: datetime | None = getattr(dag_run, "run_after", None)
    newest = yesterday()
    if made is not None:
        newest = min(newest, made.astimezone(UTC).date() - timedelta(days=1))
    return newest if logical is None else min(logical.astimezone(UTC).date(), newest)


def days_between(first: date, last: date) -> list[date]:
    """Return every day from `first` to `last`, both included; empty when `last` is earlier."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def missed(ran: Iterable[date], newest: date, most: int) -> list[date]:
    """Return the days that were not run though days before them were, newest first.

    Args:
        ran: days that were run.
        newest: the newest day that is over.
        most: days to look back, `newest` included.
    """
    done = set(ran)
    if not done:
        return []
    first = max(min(done), newest - timedelta(days=most - 1))
    return [day for day in reversed(days_between(first, newest)) if day not in done]


def bounds(run_day: date) -> tuple[datetime, datetime]:
    """Return the first instant of a UTC day and the first after it."""
    start = datetime(run_day.year, run_day.month, run_day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)


def local_dates(run_day: date, timezone: str) -> Iterator[date]:
    """Yield each date of `timezone` that overlaps the UTC day, earliest first: one or two."""
    start, end = bounds(run_day)
    zone = ZoneInfo(timezone)
    first = start.astimezone(zone).date()
    last = (end - timedelta(microseconds=1)).astimezone(zone).date()
    yield from days_between(first, last)
