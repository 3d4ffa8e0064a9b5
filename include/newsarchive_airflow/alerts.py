"""Who is told when a person is needed: mail, by Airflow's own notifier and its SMTP connection.

Each message names its heading in docs/operations.md. What is told is logged too, and without
`alert_mail` that is all.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import Any

from airflow.sdk import (  # type: ignore[attr-defined]  # its stubs do not know them yet
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
)
from airflow.sdk.configuration import conf

from newsarchive.settings import load

log = logging.getLogger(__name__)


def tell(context: Mapping[str, Any], heading: str, subject: str, lines: Iterable[str]) -> None:
    """Send one message, and log it.

    Args:
        context: of the task or callback.
        heading: in docs/operations.md.
        subject: one line.
        lines: what is known; publishers' words may be among them.
    """
    # Not by calling the notifier: that would take the words of publishers for a template.
    for notifier in _notifiers(heading, subject, lines):
        notifier.notify(context)


def _notifiers(heading: str, subject: str, lines: Iterable[str]) -> list[Any]:
    """Log a message; return the notifiers that send it."""
    text = "\n".join([*lines, "", f'What to do: docs/operations.md, "{heading}"'])
    log.warning("%s\n%s", subject, text)
    to = load().alert_mail
    if not to:
        return []
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    subject, html = f"[newsarchive] {subject}", f"<pre>{escape(text)}</pre>"
    return [SmtpNotifier(to=to, subject=subject, html_content=html)]


def task_failed(context: Mapping[str, Any]) -> None:
    """Tell of a task that failed after its last retry (`on_failure_callback`)."""
    task = context["ti"]
    error = str(context.get("exception") or "no reason given")
    tell(
        context,
        "A task failed",
        f"{task.dag_id}: {task.task_id} failed",
        [f"run {task.run_id}", *error.splitlines()[:50]],
    )


def coverage(context: Mapping[str, Any], run_day: date, wanting: Sequence[object]) -> None:
    """Tell of the sources of a day that failed or gave too little; of none, nothing is told.

    Args:
        context: of the task.
        run_day: the day.
        wanting: the coverage of each, which is one line as a string.
    """
    if wanting:
        subject = f"{run_day}: {len(wanting)} sources failed or gave too little"
        tell(context, "A source failed or gave too little", subject, map(str, wanting))


def late(context: Mapping[str, Any]) -> None:
    """Tell of a scheduled run that is not over in time (deadline, in an executor)."""
    for notifier in _of_late(context):
        notifier.notify(context)


async def late_in_triggerer(context: Mapping[str, Any]) -> None:
    """Tell of it where no executor can."""
    for notifier in _of_late(context):
        await notifier.async_notify(context)


def _of_late(context: Mapping[str, Any]) -> list[Any]:
    run = context["dag_run"]
    if run["run_type"] != "scheduled":  # whoever asked for a past day knows that it takes long
        log.info("%s is late, and not scheduled: nobody is told", run["dag_run_id"])
        return []
    return _notifiers(
        "A day is late",
        f"{run['dag_id']}: {str(run['logical_date'])[:10]} is late",
        [f"run {run['dag_run_id']} was to be over by {context['deadline']['deadline_time']}"],
    )


def deadline() -> DeadlineAlert:
    """Return the deadline of a daily run: the setting `late_after_hours` after it was queued."""
    callback: Any = SyncCallback("newsarchive_airflow.alerts.late")
    # It can run no callback: its scheduler would end at the first one.
    if "KubernetesExecutor" in conf.get("core", "executor").split(",")[0]:
        callback = AsyncCallback("newsarchive_airflow.alerts.late_in_triggerer")
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=load().late_after_hours),
        callback=callback,
        name="late",
    )
