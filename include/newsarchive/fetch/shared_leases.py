"""Leases of hosts in a PostgreSQL database: for workers on several machines.

A row per host says who holds it and until when, by the database's clock. Who holds a lease renews
it as long as it asks, and stops asking before it ends: when the database does not answer in time,
or when this process was paused for too long, the request under way is cut off, and none is sent. So
a worker that is killed, paused or cut off holds a host for `term` seconds at most, and no other one
asks before that.

Who finds a host held reserves the next turn, so that whoever just gave it back has to wait too.
"""

import logging
import select
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import extensions

from newsarchive.errors import ArchiveError, HostBusy
from newsarchive.fetch.leases import Lease, Stopped, now

log = logging.getLogger(__name__)

_POLL = 0.05  # seconds between two looks at a lease that another holds
_PATIENCE = 5.0  # seconds that the database may take for one answer
_CREATE = """
SELECT pg_advisory_xact_lock(hashtext('newsarchive.leases'));
CREATE SCHEMA IF NOT EXISTS newsarchive;
CREATE TABLE IF NOT EXISTS newsarchive.leases (
    host text PRIMARY KEY,
    holder text,
    until timestamptz,
    last timestamptz,
    next text,
    next_until timestamptz
);
"""
# `until`, and not only `holder`, says whether a host is free: a holder may be dead.
_TAKE = """
INSERT INTO newsarchive.leases AS l (host, holder, until)
VALUES (%(host)s, %(me)s, clock_timestamp() + %(term)s * interval '1 second')
ON CONFLICT (host) DO UPDATE SET
    holder = excluded.holder,
    until = excluded.until,
    next = nullif(l.next, excluded.holder)
WHERE (l.holder IS NULL OR l.holder = excluded.holder OR l.until < clock_timestamp())
    AND (l.next IS NULL OR l.next = excluded.holder OR l.next_until < clock_timestamp())
RETURNING extract(epoch FROM clock_timestamp() - last)
"""
_RESERVE = """
UPDATE newsarchive.leases SET next = %(me)s, next_until = clock_timestamp() + interval '1 second'
WHERE host = %(host)s AND (next IS NULL OR next = %(me)s OR next_until < clock_timestamp())
"""
_BEGIN = """
UPDATE newsarchive.leases SET
    last = clock_timestamp(), until = clock_timestamp() + %(term)s * interval '1 second'
WHERE host = %(host)s AND holder = %(me)s
RETURNING host
"""
_RENEW = """
UPDATE newsarchive.leases SET until = clock_timestamp() + %(term)s * interval '1 second'
WHERE holder = ANY(%(holders)s) AND until > clock_timestamp()
RETURNING holder
"""
_RELEASE = """
UPDATE newsarchive.leases SET holder = NULL, last = clock_timestamp()
WHERE host = %(host)s AND holder = %(me)s
"""
_FORGET = "UPDATE newsarchive.leases SET next = NULL WHERE host = %(host)s AND next = %(me)s"
_SINCE = """
SELECT extract(epoch FROM clock_timestamp() - last) FROM newsarchive.leases
WHERE host = %(host)s
"""


class SharedLeases:
    """Leases of hosts, in a database that the processes of all machines share."""

    def __init__(self, url: str, term: float, stop: threading.Event | None = None) -> None:
        """Connect, and make the table if it is missing.

        Args:
            url: of a PostgreSQL database, as libpq takes it.
            term: seconds that a lease lasts unless it is renewed.
            stop: ends every wait with `Stopped`.

        Raises:
            ArchiveError: the database does not answer, or refuses.
        """
        self._term = term
        self._stop = stop or threading.Event()
        self._database = _Database(url)
        self._keeper = _Keeper(_Database(url), term)
        if not self._database.rows("SELECT 1 WHERE to_regclass('newsarchive.leases') IS NOT NULL"):
            self._database.rows(_CREATE)

    @contextmanager
    def hold(self, host: str, delay: float, bound: float) -> Iterator[Lease]:
        """Hold the lease of `host` for one request, as `leases.Leases.hold`.

        Raises:
            HostBusy: others held it all that time; nothing may be asked.
            Stopped: the fetch was ended meanwhile.
            ArchiveError: the database does not answer.
        """
        names: dict[str, Any] = {"host": host, "me": uuid.uuid4().hex, "term": self._term}
        lease, since = self._take(names, time.monotonic() + bound)
        self._keeper.keep(names["me"], lease)
        try:
            left = _left(since, delay)
            if left and self._stop.wait(left):
                raise Stopped
            began = now()
            if not self._database.rows(_BEGIN, names):
                raise HostBusy(f"the lease of {host} was lost while it was waited for; run again")
            lease.prolong(began, self._term)
            yield lease
        finally:
            self._keeper.leave(names["me"])
            try:
                self._database.rows(_RELEASE, names)
            except ArchiveError as error:  # it ends by itself
                log.warning("%s is held for %g s more: %s", host, self._term, error)

    def left(self, host: str, delay: float) -> float:
        """Return the seconds until a request could be made, `delay` after the last one's end."""
        rows = self._database.rows(_SINCE, {"host": host})
        return _left(rows[0][0] if rows else None, delay)

    def close(self) -> None:
        """End the connections."""
        self._keeper.close()
        self._database.close()

    def _take(self, names: dict[str, Any], deadline: float) -> tuple[Lease, Any]:
        while True:
            began = now()
            rows = self._database.rows(_TAKE, names)
            if rows:
                lease = Lease()
                lease.prolong(began, self._term)
                return lease, rows[0][0]
            if time.monotonic() >= deadline:
                self._database.rows(_FORGET, names)
                raise HostBusy(f"{names['host']} is being asked by another worker; run again later")
            self._database.rows(_RESERVE, names)
            if self._stop.wait(_POLL):
                raise Stopped


class _Keeper:
    """Renews the leases that are held, and cuts off what goes on under one that is lost."""

    def __init__(self, database: "_Database", term: float) -> None:
        self._database = database
        self._term = term
        self._held: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, holder: str, lease: Lease) -> None:
        """Renew a lease from now on."""
        with self._lock:
            self._held[holder] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def leave(self, holder: str) -> None:
        """Renew it no more."""
        with self._lock:
            self._held.pop(holder, None)

    def close(self) -> None:
        """Renew nothing any more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        self._database.close()

    def _run(self) -> None:
        tick = self._term / 20
        renewed = now()
        while not self._over.wait(tick):
            with self._lock:
                held = dict(self._held)
            for lease in held.values():
                if lease.left() <= 0:
                    lease.lose()
            if held and now() - renewed > self._term / 6:
                renewed = now()
                # Never waits so long that the end of a lease could pass meanwhile.
                shortest = min(lease.left() for lease in held.values())
                with suppress(ArchiveError):  # tried again; what is not renewed in time is lost
                    self._renew(held, max(tick, min(_PATIENCE, shortest - tick)))

    def _renew(self, held: dict[str, Lease], patience: float) -> None:
        began = now()
        names = {"holders": list(held), "term": self._term}
        renewed = {row[0] for row in self._database.rows(_RENEW, names, patience)}
        for holder, lease in held.items():
            if holder in renewed:
                lease.prolong(began, self._term)


class _Database:
    """One connection, opened when it is needed, whose every answer has a time-out."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: Any = None

    def rows(
        self, sql: str, names: dict[str, Any] | None = None, patience: float = _PATIENCE
    ) -> Sequence[tuple[Any, ...]]:
        """Return what a statement gives; a lost connection is opened anew, once.

        Raises:
            ArchiveError: the database does not answer within `patience` seconds, or refuses.
        """
        until = time.monotonic() + patience
        with self._lock:
            for again in (True, False):
                try:
                    return self._rows(sql, names, until)
                except (psycopg2.Error, OSError) as error:
                    self._drop()
                    lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
                    if not (again and lost and time.monotonic() < until):
                        what = (str(error).strip().splitlines() or [type(error).__name__])[0]
                        raise ArchiveError(f"leases_url: {what}") from None
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._drop()

    def _rows(
        self, sql: str, names: dict[str, Any] | None, until: float
    ) -> Sequence[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg2.connect(
                self._url, async_=True, application_name="newsarchive leases"
            )
            _wait(self._connection, until)
        cursor = self._connection.cursor()
        cursor.execute(sql, names)
        _wait(self._connection, until)
        return cursor.fetchall() if cursor.description else []

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None


def _left(since: Any, delay: float) -> float:
    return 0.0 if since is None else max(0.0, min(delay, delay - float(since)))


def _wait(connection: Any, until: float) -> None:
    poll = select.poll()
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        mask = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        poll.register(connection.fileno(), mask)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("the database does not answer in time")
