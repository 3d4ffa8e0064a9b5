"""In Airflow's own page: from a task to the coverage of its day.

Airflow runs this file in every one of its processes, each task included, so it imports next to
nothing at the top. Only its server builds the page.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import cache
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseOperatorLink

PREFIX = "/newsarchive"
PAGE = f"{PREFIX}/coverage?dag_id={{dag}}&run_id={{run}}"
COLUMNS = (
    "run_day, source, status, listed, captured, parsed, kept, rejected, missing, "
    "expected_min, expected_max, note"
)
STYLE = (
    ":root{color-scheme:light dark}body{font:14px system-ui,sans-serif;margin:1rem}"
    "table{border-collapse:collapse}th,td{padding:.3rem .7rem;border-bottom:1px solid #8886}"
    "td{white-space:nowrap}"
    "th{text-align:start}td.n{text-align:end;font-variant-numeric:tabular-nums}"
    ".complete{color:#2a8a3e}.failed{color:#c33}.partial,.low,.empty{color:#b07000}"
)


class CoverageLink(BaseOperatorLink):
    """The button "Coverage" of each task."""

    name = "Coverage"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the page of the day that the task's run is for."""
        from urllib.parse import quote

        return PAGE.format(dag=quote(ti_key.dag_id, safe=""), run=quote(ti_key.run_id, safe=""))


async def page(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Answer a request below the prefix; the application is built at the first one."""
    await _application()(scope, receive, send)


@cache
def _application() -> Any:
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    application = FastAPI(title="newsarchive", docs_url=None, redoc_url=None, openapi_url=None)

    @application.get("/coverage", dependencies=[Depends(requires_access_dag("GET"))])
    def coverage(dag_id: str, run_id: str) -> HTMLResponse:
        """The coverage of the days of one run, as a table."""
        return HTMLResponse(_html(_days(dag_id, run_id)))

    return application


def _days(dag_id: str, run_id: str) -> tuple[Any, Any]:
    from datetime import date

    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from fastapi import HTTPException
    from sqlalchemy import select

    from newsarchive.days import day_of

    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if run is None:
            raise HTTPException(404, "no such run")
        conf = run.conf or {}
        if "first" in conf and "last" in conf:
            return date.fromisoformat(conf["first"]), date.fromisoformat(conf["last"])
        return (day_of(run),) * 2


def _html(days: tuple[Any, Any]) -> str:
    from newsarchive.settings import load
    from newsarchive.store import snapshot

    first, last = days
    title = f"Coverage of {first}" + (f" … {last}" if last != first else "")
    archive = load().archive_path
    if not (archive / snapshot.NAME).exists():
        return _document(title, "<p>The archive is empty: nothing was published yet.</p>")
    with snapshot.reading(archive) as database:
        found = database.execute(
            f"SELECT {COLUMNS} FROM coverage WHERE run_day BETWEEN ? AND ? ORDER BY ALL",  # noqa: S608
            [first, last],
        )
        names = [column[0] for column in found.description]
        rows = found.fetchall()
    if not rows:
        return _document(title, "<p>Not published yet.</p>")
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    return _document(title, f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _cells(row: Iterable[Any]) -> Iterable[str]:
    from html import escape

    for number, value in enumerate(row):
        text = "" if value is None else escape(str(value))
        kind = text if number == 2 else "n" if isinstance(value, int) else ""
        yield f'<td class="{kind}" dir="auto">{text}</td>'


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>{body}</html>"
    )


class NewsarchivePlugin(AirflowPlugin):
    """What Airflow loads."""

    name = "newsarchive"
    fastapi_apps: ClassVar[list[Any]] = [{"app": page, "url_prefix": PREFIX, "name": "newsarchive"}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Coverage",
            "href": PAGE.format(dag="{DAG_ID}", run="{RUN_ID}"),
            "destination": place,
            "url_route": f"coverage_{place}",
        }
        for place in ("task_instance", "dag_run")
    ]
    global_operator_extra_links: ClassVar[list[Any]] = [CoverageLink()]
