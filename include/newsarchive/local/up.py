"""`make run`: all that the archive needs on one machine, started, watched and ended again."""

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from newsarchive.days import missed, yesterday
from newsarchive.errors import ArchiveError
from newsarchive.local import processes, result
from newsarchive.local.airflow import ADMIN, ENDED, LOOPBACK, Airflow, Refused, Rest
from newsarchive.local.postgres import Postgres
from newsarchive.local.processes import Children, Held, Stopped
from newsarchive.pools import pools
from newsarchive.settings import Settings, load

DAILY = "archive_day"
OTHERS = ("poll_feeds", "reparse", "maintain", "verify_archive")
INCOMPLETE = 3
PARTS = ("metadatabase", "scheduler", "dag_processor")
START_TIMEOUT = 180
RUN_TIMEOUT = 6 * 3600


def up(once: bool = False) -> int:
    """Start everything, let Airflow run yesterday, print what it brought, stay until asked to stop.

    Args:
        once: end after printing.

    Returns:
        The exit status: 0 when yesterday is complete for each source, 3 when it is not.

    Raises:
        ArchiveError: one line that says what is wrong and what to do.
    """
    settings = load()
    state = settings.state_dir.expanduser().absolute()
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.chmod(0o700)
    except OSError as error:
        raise ArchiveError(
            f"{state}: {error.strerror}; NEWSARCHIVE_STATE_DIR names another"
        ) from None
    facts = {"airflow_port": settings.airflow_port}
    try:
        with processes.only_one(state / "lock", facts):
            return _up(settings, state, once, Console())
    except Held as held:
        raise ArchiveError(
            f"it already runs (process {held.facts.get('pid', '?')}): "
            f"see http://{LOOPBACK}:{held.facts.get('airflow_port', '?')}, "
            "or stop it with Ctrl-C where it was started"
        ) from None


def _up(settings: Settings, state: Path, once: bool, console: Console) -> int:
    if processes.end_marked(str(state)):
        console.print("Ended what an earlier start had left running.")
    for name in ("sample_port", "airflow_port"):
        _require_free(name, getattr(settings, name))
    postgres = Postgres(state / "postgres")
    airflow = Airflow(
        home=state / "airflow",
        dags=_checkout() / "dags",
        plugins=_checkout() / "plugins",
        port=settings.airflow_port,
        database=postgres,
    )
    with Children(str(state), state / "logs") as children:
        try:
            with _Show(console) as show:
                rest = _start(children, settings, airflow, show)
                day, outcome = _run_yesterday(children, rest, show)
                missing = [] if once else _make_good(rest, settings)
                if not once:
                    _unpause(rest, *OTHERS)
            complete = result.show(settings.archive_path, day, settings.enabled_sources(), console)
            if outcome != "success":
                console.print(f"[red]Airflow's run of {day}: {outcome}[/]; its page shows the logs")
            console.print(
                f"\n[bold]Airflow[/]       {airflow.url}\n"
                f"[bold]Login[/]         user {ADMIN}, password {airflow.password}\n"
                f"[bold]Logs[/]          {state / 'logs'}",
                soft_wrap=True,
                highlight=False,
            )
            if missing:
                console.print(
                    f"[bold]Catching up[/]   {len(missing)} days that were not run, "
                    f"{min(missing)} … {max(missing)}: a backfill in Airflow, newest first"
                )
            if once:
                return 0 if complete and outcome == "success" else INCOMPLETE
            console.print("\nAirflow stays up. Ctrl-C ends it and everything else.")
            return children.forever()
        except Stopped as stopped:
            console.print("Ending every process ...")
            by_hand = children.steady and stopped.number == signal.SIGINT
            return 0 if by_hand else 128 + stopped.number


def _start(children: Children, settings: Settings, airflow: Airflow, show: "_Show") -> Rest:
    newsarchive = str(Path(sys.executable).with_name("newsarchive"))
    with show.step("Sample newspapers and PostgreSQL"):
        children.start("sample", [newsarchive, "sample", "serve"], {})
        airflow.database.start(children)
        children.wait(airflow.database.ready, "PostgreSQL", START_TIMEOUT)
        children.wait(
            lambda: _answers(settings.sample_port), "the sample newspapers", START_TIMEOUT
        )
    with show.step("Airflow's database"):
        airflow.migrate(children)
    rest = airflow.rest()
    with show.step("Airflow"):
        airflow.start(children)

        def healthy() -> bool | None:
            health = rest.health()
            return True if all(health.get(part) == "healthy" for part in PARTS) else None

        children.wait(healthy, "Airflow", START_TIMEOUT)
        rest.set_pools(pools())
    return rest


def _run_yesterday(children: Children, rest: Rest, show: "_Show") -> tuple[date, str]:
    """Let the scheduler make yesterday's run, wait for its end; return the day and its state."""
    with show.step("DAGs"):
        children.wait(lambda: _known(rest), "our DAGs", START_TIMEOUT)
    day = yesterday()
    before = rest.run_of(DAILY, day)
    if before and before["state"] == "failed":
        rest.clear(DAILY, before["dag_run_id"])
    _unpause(rest, DAILY)
    with show.step(f"Archive of {day}", tasks=True) as step:

        def look() -> tuple[date, str] | None:
            with contextlib.suppress(requests.RequestException, Refused):
                # asked anew each time: a midnight may pass before the scheduler makes the run
                run = rest.run_of(DAILY, day) or rest.run_of(DAILY, yesterday())
                if run:
                    states = rest.tasks(DAILY, run["dag_run_id"])
                    step.tasks(states)
                    if run["state"] in ENDED:
                        return date.fromisoformat(run["logical_date"][:10]), str(run["state"])
            return None

        return children.wait(look, f"the run of {day}", RUN_TIMEOUT, every=0.3)


def _make_good(rest: Rest, settings: Settings) -> list[date]:
    """Start a backfill over the days that no run has seen since the archive began; return them.

    A laptop sleeps: its scheduler makes up for the newest day alone.
    """
    if not settings.catch_up_days:
        return []
    ran = result.days_run(settings.archive_path, settings.enabled_sources())
    missing = missed(ran, yesterday(), settings.catch_up_days)
    if missing:
        with contextlib.suppress(Refused):  # one that was started before still runs
            rest.backfill(DAILY, min(missing), max(missing), backwards=True)
    return missing


def _unpause(rest: Rest, *names: str) -> None:
    paused = rest.dags()
    for name in names:
        if paused.get(name):
            rest.unpause(name)


def _known(rest: Rest) -> bool | None:
    if {DAILY, *OTHERS} <= rest.dags().keys():
        return True
    errors = rest.import_errors()
    if errors:
        raise ArchiveError(f"Airflow cannot load {errors[0]}")
    return None


def _answers(port: int) -> bool | None:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return None
    return True


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            return
        except PermissionError:
            raise ArchiveError(
                f"port {port} is not for you: set NEWSARCHIVE_{name.upper()} to one above 1024"
            ) from None
        except OSError:
            pass
    by = ""
    if process := processes.listener(port):
        with contextlib.suppress(psutil.Error):
            by = f" by process {process.pid} ({process.name()})"
            if stack := processes.mark_of(process):
                by = f" by the newsarchive whose state is in {stack}"
    raise ArchiveError(
        f"port {port} is in use{by}: stop that, or set NEWSARCHIVE_{name.upper()} to a free port"
    )


def _checkout() -> Path:
    """Return the folder that holds `dags` and `plugins`."""
    folder = Path(__file__).parents[3]
    if not (folder / "dags" / f"{DAILY}.py").exists():
        raise ArchiveError(f"no DAGs in {folder}: run this from a checkout of the repository")
    return folder


class _Show:
    """What is being started or run: a line that moves on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        if console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[what]}"),
                TimeElapsedColumn(),
                console=console,
            )

    def __enter__(self) -> "_Show":
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress:
            self._progress.stop()

    @contextlib.contextmanager
    def step(self, name: str, tasks: bool = False) -> Iterator["_Step"]:
        """Show a step from its start to its end."""
        step = _Step(self._console, self._progress, name, tasks)
        yield step
        step.end()


class _Step:
    def __init__(self, console: Console, progress: Progress | None, name: str, tasks: bool) -> None:
        self._console = console
        self._progress = progress
        self._name = name
        self._started = time.monotonic()
        self._said = ""
        if progress:
            self._line = progress.add_task(name, total=None if tasks else 1, what="")

    def tasks(self, states: dict[str, Any]) -> None:
        """Show how far the tasks of a run are."""
        done = sum(
            state in ("success", "failed", "upstream_failed", "skipped")
            for state in states.values()
        )
        now = ", ".join(name for name, state in states.items() if state == "running")
        what = f"{done} of {len(states)} tasks" + (f", now {now}" if now else "")
        if self._progress:
            self._progress.update(self._line, total=len(states), completed=done, what=what)
        elif what != self._said:
            self._console.print(f"  {self._name}: {what}", soft_wrap=True, highlight=False)
        self._said = what

    def end(self) -> None:
        """Show that it is done."""
        if self._progress:
            total = self._progress.tasks[self._line].total or 1
            self._progress.update(self._line, total=total, completed=total)
        else:
            seconds = time.monotonic() - self._started
            self._console.print(f"{self._name}: done in {seconds:.1f} s", highlight=False)
