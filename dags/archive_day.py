"""### The articles of one day, from listings to the snapshot.

One run a day, for the UTC day that has just ended. Backfill any range; running a day again
replaces what it made. `discover` reads listings, each `fetch` has its own hosts, `parse` needs no
network, `publish` shows the day to readers, whatever the shards did. `outcome` fails the run when
any of them failed, or a required source did, or too many sources. To run a failed day again asks
only for what failed.

The day is the run's logical date. A manual run without one, or with today or later, means
yesterday, or the day in the parameter `day`. Leave `day` empty in a backfill.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from newsarchive import pools
from newsarchive.days import day_of
from newsarchive.settings import shards
from newsarchive_airflow import alerts

ARTICLES = Asset("newsarchive://articles", group="newsarchive")

with DAG(
    "archive_day",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(1990, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    default_args={
        "owner": "newsarchive",
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "on_failure_callback": alerts.task_failed,
    },
    deadline=alerts.deadline(),
    params={
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description="UTC day to archive; empty: the run's own day",
        )
    },
    tags=["newsarchive"],
    doc_md=__doc__,
):
    # A public index that is streamed for a past day takes hours; what is read stays read.
    @task(execution_timeout=timedelta(hours=12))
    def discover(dag_run: Any = None) -> dict[str, int]:
        """Read what the sources listed for the day."""
        from newsarchive import steps
        from newsarchive_airflow.metrics import measured

        return measured(steps.discover, day_of(dag_run)).counts()

    def fetch(shard: int) -> Any:
        """Return the task that fetches the pages of one shard's hosts."""

        @task(
            task_id=f"fetch_{shard}",
            pool=pools.hosts(shard),
            execution_timeout=timedelta(hours=6),
            doc_md="Fetch the listed pages of this shard's hosts, one request at a time per host.",
        )
        def fetch_shard(dag_run: Any = None) -> dict[str, int]:
            from newsarchive import steps
            from newsarchive_airflow.metrics import measured

            return measured(steps.fetch, day_of(dag_run), shard).counts()

        return fetch_shard()

    @task(trigger_rule="all_done", pool=pools.PARSE, execution_timeout=timedelta(hours=2))
    def parse(dag_run: Any = None) -> dict[str, int]:
        """Turn the captured pages into rows, or into rejects with a reason."""
        from newsarchive import steps
        from newsarchive_airflow.metrics import measured

        return measured(steps.parse, day_of(dag_run)).counts()

    @task(trigger_rule="all_done", outlets=[ARTICLES], execution_timeout=timedelta(minutes=30))
    def publish(dag_run: Any = None, outlet_events: Any = None) -> dict[str, int]:
        """Merge the rows into articles and show the day to readers."""
        from newsarchive import steps
        from newsarchive_airflow.metrics import measured

        published = measured(steps.publish, day_of(dag_run))
        # `days` are the article days that changed: what a DAG scheduled on the asset has to redo
        days = sorted({day.isoformat() for day in published.days})
        outlet_events[ARTICLES].extra = {"days": days, "rows": published.counts()}
        return published.counts()

    # The last task decides the run: it counts as failed when anything before it did. It tells of
    # sources itself.
    @task(execution_timeout=timedelta(minutes=10), on_failure_callback=None)
    def outcome(dag_run: Any = None, **context: Any) -> dict[str, int]:
        """Tell of sources that failed or gave too little; fail the run when too many did."""
        from airflow.sdk.exceptions import AirflowFailException

        from newsarchive import steps
        from newsarchive.errors import RunFailed
        from newsarchive_airflow.metrics import send_day

        day = day_of(dag_run)
        if dag_run.run_type == "scheduled":  # who asked for a past day looks at it
            watched = steps.watch(day)
            send_day(watched)
            alerts.coverage(context, day, watched.wanting())
        try:
            return steps.judge(day).counts()
        except RunFailed as failed:
            raise AirflowFailException(str(failed)) from None  # nothing changes by trying again

    fetches = [fetch(shard) for shard in range(shards())]
    discovered, parsed, published = discover(), parse(), publish()
    discovered >> fetches >> parsed >> published
    [discovered, *fetches, parsed, published] >> outcome()
