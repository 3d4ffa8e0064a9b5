"""Airflow on one machine: its environment, programs and REST interface; never imported."""

import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
import requests

from newsarchive.errors import ArchiveError
from newsarchive.local.postgres import Postgres, secret_file
from newsarchive.local.processes import Children

LOOPBACK = "127.0.0.1"
ADMIN = "admin"
PROGRAMS = {
    "api-server": ["airflow", "api-server"],
    "scheduler": ["newsarchive.local.preload", "scheduler", "--skip-serve-logs"],
    "dag-processor": ["airflow", "dag-processor"],
}
ENDED = {"success", "failed"}
WORKER = "airflow worker -- LocalExecutor"  # how the processes of its executor call themselves


@dataclass(frozen=True)
class Airflow:
    """One Airflow whose files are all below one folder."""

    home: Path
    dags: Path
    plugins: Path
    port: int
    database: Postgres

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def password(self) -> str:
        """The password of its one user, made at first use."""
        return secret_file(self.home / "secrets" / "admin")

    def environment(self) -> dict[str, str]:
        """Return what its programs find in their environment; writes the file of passwords."""
        passwords = self.home / "secrets" / "passwords.json"
        _write_private(passwords, json.dumps({ADMIN: self.password}))
        no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY"), LOOPBACK, "localhost"]))
        return {
            "AIRFLOW_HOME": str(self.home),
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            # a new process title must not overwrite the mark that processes are found by
            "SPT_NOENV": "1",
            **{
                f"AIRFLOW__{section}__{key}": value
                for section, keys in self._configuration(passwords).items()
                for key, value in keys.items()
            },
        }

    def _configuration(self, passwords: Path) -> Mapping[str, Mapping[str, str]]:
        secret = self.home / "secrets"
        return {
            "CORE": {
                "DAGS_FOLDER": str(self.dags),
                "PLUGINS_FOLDER": str(self.plugins),
                "EXECUTOR": "LocalExecutor",
                # four shards, which mostly wait for hosts, and room for parsing and polling
                "PARALLELISM": "8",
                "LOAD_EXAMPLES": "False",
                "FERNET_KEY": _fernet_key(secret_file(secret / "fernet")),
                "EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
                "SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
                "SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
                # the default asks the name service for our own name
                "HOSTNAME_CALLABLE": "socket.gethostname",
            },
            "DATABASE": {
                "SQL_ALCHEMY_CONN": self.database.url("psycopg2"),
                "SQL_ALCHEMY_CONN_ASYNC": self.database.url("asyncpg"),
            },
            "API": {
                "HOST": LOOPBACK,
                "PORT": str(self.port),
                "BASE_URL": self.url,
                "SECRET_KEY": secret_file(secret / "api"),
            },
            "API_AUTH": {"JWT_SECRET": secret_file(secret / "jwt")},
            "SCHEDULER": {
                "SCHEDULER_IDLE_SLEEP_TIME": "0.1",
                "MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "60",
                "MAX_DAGRUNS_TO_CREATE_PER_LOOP": "60",
                # after a kill: what ran is found dead within a minute, not five
                "ORPHANED_TASKS_CHECK_INTERVAL": "20",
                "TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            },
            # the scheduler may start a task while the server still starts, or is started again: by
            # default the task gives up within seconds on a loaded machine
            "WORKERS": {
                "EXECUTION_API_TIMEOUT": "30",
                "EXECUTION_API_RETRIES": "20",
                "EXECUTION_API_RETRY_WAIT_MAX": "5",
            },
            "DAG_PROCESSOR": {"REFRESH_INTERVAL": "30", "PARSING_PROCESSES": "1"},
            "LOGGING": {"BASE_LOG_FOLDER": str(self.home / "logs")},
            "USAGE_DATA_COLLECTION": {"ENABLED": "False"},
        }

    def migrate(self, children: Children) -> None:
        """Bring the database to this version of Airflow; does nothing where it is."""
        version = f"airflow {importlib.metadata.version('apache-airflow-core')}"
        if self.database.note == version:
            return
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        children.run("migrate", migrate, self.environment())
        self.database.note = version

    def start(self, children: Children) -> None:
        """Start its programs; `Rest.health` tells when they work."""
        environment = self.environment()
        for name, words in PROGRAMS.items():
            sick = LostWorkers() if name == "scheduler" else None
            children.start(name, [sys.executable, "-m", *words], environment, sick=sick)

    def rest(self) -> "Rest":
        """Return a client of its REST interface."""
        return Rest(self.url, ADMIN, self.password)


class LostWorkers:
    """Tells whether a scheduler has lost one of the processes that its tasks run in.

    One that is killed while it waits for a task holds the lock of the queue for ever, and Airflow's
    LocalExecutor starts no task again until the scheduler itself is started anew.
    """

    def __init__(self) -> None:
        """Know of no worker yet."""
        self._scheduler = 0
        self._seen: set[int] = set()

    def __call__(self, scheduler: psutil.Process) -> bool:
        """Return whether a worker that was there at the last look is gone."""
        alive = {child.pid: child for child in scheduler.children() if _is_alive(child)}
        before = self._seen if self._scheduler == scheduler.pid else set()
        self._scheduler = scheduler.pid
        # once a worker, always one: a title can be read while it is being written
        self._seen = {pid for pid, child in alive.items() if pid in before or _is_worker(child)}
        return not before <= alive.keys()


class Rest:
    """A small client of Airflow's REST interface."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Prepare; nothing is asked yet."""
        self.url = url
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy does not know our loopback
        self._until = 0.0

    def call(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        """Return what Airflow answers to one request below `/api/v2/`.

        Raises:
            Refused: it answered with an error.
            requests.ConnectionError: it does not answer.
        """
        if time.monotonic() > self._until:
            token = self._session.post(f"{self.url}/auth/token", json=self._login, timeout=10)
            _check(token)
            self._session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            self._until = time.monotonic() + 3600
        response = self._session.request(
            method, f"{self.url}/api/v2/{path}", json=body, params=query, timeout=30
        )
        _check(response)
        return response.json() if response.content else None

    def health(self) -> dict[str, str]:
        """Return the state of each part by name; empty before the server answers."""
        try:
            answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5)
            parts = answer.json() if answer.ok else {}
        except (requests.ConnectionError, requests.Timeout, ValueError):
            return {}
        return {name: str((part or {}).get("status")) for name, part in parts.items()}

    def set_pools(self, pools: Mapping[str, int]) -> None:
        """Make each pool, or give it this number of slots."""
        there = {p["name"]: p["slots"] for p in self.call("GET", "pools", limit=100)["pools"]}
        for name, slots in pools.items():
            if name not in there:
                self.call("POST", "pools", {"name": name, "slots": slots})
            elif there[name] != slots:
                self.call("PATCH", f"pools/{name}", {"slots": slots}, update_mask="slots")

    def dags(self) -> dict[str, bool]:
        """Return whether each known DAG is paused."""
        found = self.call("GET", "dags", limit=100)["dags"]
        return {d["dag_id"]: bool(d["is_paused"]) for d in found if not d.get("is_stale")}

    def import_errors(self) -> list[str]:
        """Return one line for each DAG file that cannot be loaded."""
        found = self.call("GET", "importErrors", limit=100)["import_errors"]
        return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in found]

    def unpause(self, dag: str) -> None:
        """Let a DAG be scheduled."""
        self.call("PATCH", f"dags/{dag}", {"is_paused": False}, update_mask="is_paused")

    def run_of(self, dag: str, day: date) -> dict[str, Any] | None:
        """Return the run of a DAG whose logical date is midnight UTC of `day`, if there is one."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat()
        found = self.call(
            "GET", f"dags/{dag}/dagRuns", logical_date_gte=start, logical_date_lte=start
        )
        return next(iter(found["dag_runs"]), None)

    def trigger(
        self, dag: str, day: date | None = None, conf: Mapping[str, object] | None = None
    ) -> str:
        """Start a run of a DAG, for a day or for none, and return its id."""
        when = None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
        body = {"logical_date": when and when.isoformat(), "conf": dict(conf or {})}
        return str(self.call("POST", f"dags/{dag}/dagRuns", body)["dag_run_id"])

    def backfill(
        self,
        dag: str,
        first: date,
        last: date,
        reprocess: str = "none",
        at_once: int = 4,
        backwards: bool = False,
    ) -> int:
        """Start the runs of a DAG for a range of days, both included; return the backfill's id."""
        body = {
            "dag_id": dag,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "reprocess_behavior": reprocess,
            "max_active_runs": at_once,
            "run_backwards": backwards,
        }
        return int(self.call("POST", "backfills", body)["id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Return the newest runs of a DAG, at most a hundred."""
        found = self.call("GET", f"dags/{dag}/dagRuns", limit=100, order_by="-run_after")
        return list(found["dag_runs"])

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        return dict(self.call("GET", f"dags/{dag}/dagRuns/{run_id}"))

    def tasks(self, dag: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run."""
        found = self.call("GET", f"dags/{dag}/dagRuns/{run_id}/taskInstances", limit=100)
        return {t["task_id"]: t["state"] or "waiting" for t in found["task_instances"]}

    def clear(self, dag: str, run_id: str) -> None:
        """Let every task of a run run again."""
        body = {"dry_run": False, "only_failed": False}
        self.call("POST", f"dags/{dag}/dagRuns/{run_id}/clear", body)


class Refused(ArchiveError):
    """Airflow answered with an error."""


def _check(response: requests.Response) -> None:
    if not response.ok:
        where = response.url.split("?")[0]
        raise Refused(f"Airflow answered {response.status_code} at {where}: {response.text[:200]}")


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_worker(process: psutil.Process) -> bool:
    try:
        return WORKER in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _fernet_key(secret: str) -> str:
    import base64
    import hashlib

    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).decode()


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
