"""### Every file of the archive read again and held against its SHA-256, once a week.

The run fails when a file is missing, changed or stray, and its log names each. What follows from
the WARC files is made again first, unless the parameter `repair` is off; what then stays damaged
nothing in the archive can make good: take those files from a backup.

Readers and other runs go on meanwhile. The setting `verify_rate` says how many MB a second it
reads at most.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.timetables.trigger import CronTriggerTimetable

from newsarchive_airflow import alerts

with DAG(
    "verify_archive",
    # Without a start date it waits for its first Sunday: there is nothing to verify at the start.
    schedule=CronTriggerTimetable("0 6 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "newsarchive",
        "retries": 1,
        "retry_delay": timedelta(minutes=10),
        "on_failure_callback": alerts.task_failed,
    },
    params={
        "repair": Param(
            default=True,
            type="boolean",
            title="Repair",
            description="Make again what can be made from the WARC files",
        ),
    },
    tags=["newsarchive"],
    doc_md=__doc__,
):

    @task(execution_timeout=timedelta(days=2))
    def verify(params: Any = None) -> dict[str, int]:
        """Read everything, make again what can be, and fail when anything is still wrong."""
        from airflow.sdk.exceptions import AirflowFailException

        from newsarchive import steps

        verified = steps.verify(repairing=params["repair"])
        if verified.findings:
            # Nothing changes by trying again.
            raise AirflowFailException("\n".join(map(str, verified.findings)))
        return verified.outcome.counts()

    verify()
