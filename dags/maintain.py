"""### The archive kept small and quick to open, once a week.

Leaves one file a day in each table, shortens the tables' logs, and removes files that left their
table longer ago than the setting `retention_hours` says: never one that `archive.duckdb` names,
nor one that it named within that time. No row changes, and readers and other runs go on meanwhile.
Logs of Airflow's tasks go after `log_days`.

A dry run says in its log what would be done, and changes nothing.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.timetables.trigger import CronTriggerTimetable

from newsarchive_airflow import alerts

with DAG(
    "maintain",
    # Without a start date it waits for its first Sunday; `verify_archive` follows hours later.
    schedule=CronTriggerTimetable("0 3 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "newsarchive",
        "retries": 2,
        "retry_delay": timedelta(minutes=10),
        "on_failure_callback": alerts.task_failed,
    },
    params={
        "dry_run": Param(
            default=False,
            type="boolean",
            title="Dry run",
            description="Say what would be done, and change nothing",
        ),
    },
    tags=["newsarchive"],
    doc_md=__doc__,
):

    @task(execution_timeout=timedelta(hours=12))
    def maintain(params: Any = None) -> dict[str, int]:
        """Compact the tables, shorten their logs, and remove what nobody needs any more."""
        from newsarchive import steps

        return steps.maintain(dry_run=params["dry_run"]).counts()

    @task(execution_timeout=timedelta(hours=1))
    def clear_logs(params: Any = None) -> dict[str, int]:
        """Remove logs of Airflow's tasks that are older than the setting `log_days` says."""
        from pathlib import Path

        from airflow.sdk.configuration import conf

        from newsarchive import logs

        return logs.clear(Path(conf.get("logging", "base_log_folder")), params["dry_run"])

    maintain()
    clear_logs()
