"""Figures of each step and day, through whatever Airflow sends its own metrics with.

StatsD or OpenTelemetry, as Airflow's section `metrics` says; with neither, nothing is sent. The
names and what to read from them: docs/operations.md.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import ParamSpec

from airflow.sdk.observability import stats

from newsarchive.outcome import Outcome
from newsarchive.steps.watching import Watched

P = ParamSpec("P")
_SHARD = re.compile(r"_\d+$")  # fetch_0 is a fetch
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


def measured(step: Callable[P, Outcome], *args: P.args, **options: P.kwargs) -> Outcome:
    """Run a step and send what it did: seconds, and by source what it counted and received."""
    began = monotonic()
    outcome = step(*args, **options)
    elapsed = timedelta(seconds=monotonic() - began)
    name = _SHARD.sub("", outcome.step)
    stats.timing("newsarchive.step", elapsed, tags={"step": name})
    for source, counts in outcome.by_source.items():
        for what, number in counts.items():
            tags = {"step": name, "source": _tag(source), "what": _tag(what)}
            stats.incr("newsarchive.counted", number, tags=tags)
    for source, size in outcome.received.items():
        stats.incr("newsarchive.bytes", size, tags={"source": _tag(source)})
    return outcome


def send_day(watched: Watched) -> None:
    """Send how a day stands: articles by source, sources by status, age of the newest articles."""
    for row in watched.coverage:
        stats.gauge("newsarchive.articles", row.kept, tags={"source": _tag(row.source)})
    for status, number in watched.statuses().items():
        stats.gauge("newsarchive.sources", number, tags={"status": status})
    send_ages(watched.ages)


def send_ages(ages: dict[str, float]) -> None:
    """Send the seconds since the newest article of each source."""
    for source, age in ages.items():
        stats.gauge("newsarchive.newest_article_age", age, tags={"source": _tag(source)})


def _tag(text: str) -> str:
    return _ODD.sub("_", text)
