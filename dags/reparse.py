"""### A better parser over days that are archived.

Parses the kept bytes of a range of days again and publishes them. Asks nothing of any publisher:
no network is used. Rows that the same parser made of the same bytes are kept as they are.

The task's log says what changes: articles gained, lost, moved to another day, fields that differ,
with samples. A dry run says the same before anything is written.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, task

from newsarchive import pools
from newsarchive_airflow import alerts

ARTICLES = Asset("newsarchive://articles", group="newsarchive")

with DAG(
    "reparse",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "newsarchive",
        "retries": 1,
        "retry_delay": timedelta(minutes=1),
        "on_failure_callback": alerts.task_failed,
    },
    params={
        "first": Param(
            type="string", format="date", title="First day", description="UTC run day to start with"
        ),
        "last": Param(
            type="string", format="date", title="Last day", description="UTC run day to end with"
        ),
        "sources": Param(
            default=None,
            type=["null", "string"],
            title="Sources",
            description="Names, patterns, tags; commas; empty: all",
        ),
        "dry_run": Param(
            default=False,
            type="boolean",
            title="Dry run",
            description="Say what would change, and write nothing",
        ),
    },
    tags=["newsarchive"],
    doc_md=__doc__,
):

    @task(pool=pools.PARSE, outlets=[ARTICLES], execution_timeout=timedelta(hours=12))
    def reparse(params: Any = None, outlet_events: Any = None) -> dict[str, int]:
        """Parse and publish the days of the range."""
        from newsarchive import steps

        first, last = (date.fromisoformat(params[name]) for name in ("first", "last"))
        patterns = [p.strip() for p in (params["sources"] or "").split(",") if p.strip()]
        dry_run = params["dry_run"]
        done = steps.reparse(first, last, sources=patterns or None, dry_run=dry_run).outcome
        if not dry_run:
            days = sorted({day.isoformat() for day in done.days})
            outlet_events[ARTICLES].extra = {"days": days, "rows": done.counts()}
        return done.counts()

    reparse()
