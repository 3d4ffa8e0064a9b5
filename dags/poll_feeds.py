"""### Every feed as it is now, and what is new in it.

A feed only knows the present: each poll archives it as it was served, and what no poll saw is
lost. Polls are filed by the time of their exchange: a missed hour cannot be made up. What a poll
shows for the first time is fetched, parsed and shown to readers at once; `archive_day` completes
the day.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from newsarchive_airflow import alerts

with DAG(
    "poll_feeds",
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "newsarchive",
        "retries": 1,
        "retry_delay": timedelta(minutes=2),
        "on_failure_callback": alerts.task_failed,
    },
    tags=["newsarchive"],
    doc_md=__doc__,
):

    @task(execution_timeout=timedelta(minutes=55))
    def poll() -> dict[str, int]:
        """Ask every feed of the sources that are on; keep what it served and what is new in it."""
        from newsarchive import steps
        from newsarchive_airflow.metrics import measured, send_ages

        polled = measured(steps.poll)
        send_ages(steps.newest_ages())
        return polled.counts()

    poll()
