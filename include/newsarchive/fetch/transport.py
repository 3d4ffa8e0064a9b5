"""One HTTP exchange over `requests`: sockets, limits, and what came however it ended.

Adapter, pool and connection are those of `requests` and `urllib3`; connections are opened by the
address guard, and all that is read passes through `_Timed`, which knows when the whole exchange
must be over.
"""

import http.client
import io
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from newsarchive.fetch import guard
from newsarchive.fetch.leases import Lease

MOST_HEAD_BYTES = 256 * 1024
_PIECE = 64 * 1024


class Ended(Exception):
    """The exchange ended before its end."""

    def __init__(self, outcome: str, error: str) -> None:
        super().__init__(error)
        self.outcome = outcome
        self.error = error


class Sink(Protocol):
    """What takes a large body piece by piece, so that nobody holds it whole.

    Its methods raise `Ended` where the body is not what it should be.
    """

    position: int
    """Byte of the body that it wants next; 0 at first. A later try goes on from there."""

    def begin(self, at: int) -> None:
        """Be told that what comes is the body from this byte on: `position`, or 0: anew."""

    def write(self, data: bytes) -> None:
        """Take the next bytes."""

    def end(self) -> None:
        """Be told that the body is over."""


@dataclass(slots=True)
class Exchange:
    """One request and what came of it."""

    url: str
    allow_private: bool
    connect_timeout: float
    read_timeout: float
    request_timeout: float
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    elapsed_ms: int = 0
    ip: str | None = None
    """The address really connected to."""
    sent: bytes = b""
    """Head of the request, as sent."""
    lines: list[bytes] = field(default_factory=list)
    """Head of the response as received, line by line."""
    status: int | None = None
    """None as long as no whole head was received."""
    body: bytes = b""
    """As served, transfer coding undone; as much of it as came."""
    outcome: str | None = None
    """Why it ended early: timeout, connection, tls, broken, too_large, blocked_address; or None."""
    error: str | None = None
    truncated: str | None = None
    """Why the body is not whole: length, time, disconnect."""
    lease: Lease = field(default_factory=Lease)
    """Of the host: no longer than it lasts may anything be sent or read."""
    sock: Any = None
    response: http.client.HTTPResponse | None = None

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            Ended: none, or the lease of the host was lost.
        """
        if self.lease.left() <= 0:
            raise Ended("connection", "the lease of the host was lost")
        left = self.started + self.request_timeout - time.monotonic()
        if left <= 0:
            raise Ended("timeout", f"not over within {self.request_timeout:g} s")
        return left

    def abort(self) -> None:
        """End it from another thread: what it reads next fails."""
        self.request_timeout = 0.0
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is over already


class _Current(threading.local):
    exchange: Exchange | None = None


_current = _Current()


def _exchange() -> Exchange:
    if _current.exchange is None:
        raise RuntimeError("a connection is used outside of an exchange")
    return _current.exchange


class _Timed(io.RawIOBase):
    """The socket's reading end, which gives up when the exchange has no time left."""

    def __init__(self, raw: Any, sock: Any, exchange: Exchange) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._exchange = exchange
        self._wait: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        exchange = self._exchange
        left = exchange.left()
        wait = min(exchange.read_timeout, left)
        if wait != self._wait:
            self._sock.settimeout(wait)
            self._wait = wait
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            exchange.left()
            raise Ended("timeout", f"nothing received for {wait:g} s") from None
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


class _Recorder:
    """What `http.client` reads the head through: keeps its lines, and bounds it."""

    def __init__(self, fp: Any, exchange: Exchange) -> None:
        self._fp = fp
        self._lines = exchange.lines
        self._size = 0

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._fp.readline(limit)
        self._size += len(line)
        self._lines.append(line)
        if self._size > MOST_HEAD_BYTES:
            raise Ended("broken", f"the head is longer than {MOST_HEAD_BYTES // 1024} KiB")
        return line

    def close(self) -> None:
        self._fp.close()


class _Response(http.client.HTTPResponse):
    """The response of `http.client`, timed, with its head kept as it came."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._exchange = _exchange()
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Timed(raw, sock, self._exchange), _PIECE)

    def begin(self) -> None:
        if self.headers is not None:
            return
        exchange, fp = self._exchange, self.fp
        self.fp = _Recorder(fp, exchange)
        try:
            super().begin()
            exchange.status = self.status
            exchange.response = self
        finally:
            if self.fp is not None:
                self.fp = fp


class _Guarded:
    """What both kinds of connection have in common: the guard, and the record of what is sent."""

    response_class = _Response
    sock: Any
    port: int
    ip: str | None = None

    def _new_conn(self) -> socket.socket:
        exchange = _exchange()
        wait = min(exchange.connect_timeout, exchange.left())
        try:
            sock, self.ip = guard.connect(
                self._dns_host,  # type: ignore[attr-defined]
                self.port,
                allow_private=exchange.allow_private,
                timeout=wait,
            )
        except guard.BlockedAddress as error:
            raise Ended("blocked_address", str(error)) from None
        except TimeoutError:
            raise Ended("timeout", f"no connection within {wait:g} s") from None
        except OSError as error:
            raise Ended("connection", f"no connection: {error.strerror or error}") from None
        return sock

    def send(self, data: Any) -> None:
        exchange = _exchange()
        if self.sock is not None and self.ip is not None:
            # A kept connection may have been opened for another source, which may ask more.
            why = guard.refusal_here(self.ip, exchange.allow_private)
            if why is not None:
                raise Ended("blocked_address", f"{self.ip} ({why})")
            self.sock.settimeout(min(exchange.read_timeout, exchange.left()))
        super().send(data)  # type: ignore[misc]
        exchange.sock = self.sock
        exchange.ip = self.ip
        exchange.sent += bytes(data)


class _Http(_Guarded, HTTPConnection):  # type: ignore[misc]
    pass


class _Https(_Guarded, HTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


class Adapter(requests.adapters.HTTPAdapter):
    """Pools of guarded connections, safe to share between threads; it never retries by itself."""

    def __init__(self, hosts: int) -> None:
        """Keep connections to the last `hosts` hosts."""
        super().__init__(
            pool_connections=hosts,
            pool_maxsize=2,
            max_retries=urllib3.Retry(total=False),
        )

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of guarded connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def close(self) -> None:
        """Close all connections now; `urllib3` leaves it to the collection of garbage."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 - it cannot be iterated over itself
            pool = pools.get(key)
            if pool is not None:
                pool.close()
        super().close()


class Session(requests.Session):
    """A session that follows nothing, and takes nothing from the environment."""

    def __init__(self, adapter: Adapter) -> None:
        """Use the connections of `adapter`."""
        super().__init__()
        self.trust_env = False
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none: `requests` would read the whole body of a redirect, however large."""


def run(
    session: Session,
    exchange: Exchange,
    headers: dict[str, str],
    most_bytes: int,
    sink: Sink | None = None,
) -> None:
    """Make the exchange: send a GET and read what comes, until its end or the first limit.

    Never raises for what the other side does: `exchange` tells how it ended.

    Args:
        session: whose connections and cookies are used.
        exchange: a new one; what is received is put into it.
        headers: of the request, besides Host and Cookie.
        most_bytes: of the body on the wire, transfer coding undone.
        sink: takes the body of an answer that has one (200, 206), of whatever size.
    """
    request = requests.PreparedRequest()
    request.method = "GET"
    request.url = exchange.url  # a browser's spelling already: not to be spelled again
    request.headers = requests.structures.CaseInsensitiveDict(headers)
    request.prepare_cookies(session.cookies)
    _current.exchange = exchange
    body = bytearray()
    response: requests.Response | None = None
    try:
        response = session.send(
            request,
            stream=True,
            allow_redirects=False,
            timeout=(exchange.connect_timeout, exchange.read_timeout),
        )
        if sink is not None and exchange.status in (200, 206):
            _pour(exchange, sink)
        else:
            _read(exchange, body, most_bytes)
    except Exception as error:
        exchange.outcome, exchange.error = _why(error)
        if exchange.status is not None:
            exchange.truncated = "time" if exchange.outcome == "timeout" else "disconnect"
            if exchange.outcome == "connection":  # lost amid the body
                exchange.outcome = "broken"
    finally:
        _current.exchange = None
        exchange.sock = None
        exchange.body = bytes(body)
        _put_back(exchange, response)
        exchange.response = None
        exchange.elapsed_ms = round((time.monotonic() - exchange.started) * 1000)


def _pour(exchange: Exchange, sink: Sink) -> None:
    response = _plain(exchange)
    sink.begin(sink.position if exchange.status == 206 else 0)
    while piece := response.read1(_PIECE):
        sink.write(piece)
    _whole(response)
    sink.end()


def _plain(exchange: Exchange) -> http.client.HTTPResponse:
    """Return the response, if its transfer coding is one that is undone."""
    response = exchange.response
    if response is None:
        raise Ended("broken", "no response")
    coding = (response.headers.get("transfer-encoding") or "chunked").strip().lower()
    if coding not in ("chunked", "identity"):
        raise Ended("broken", f"transfer coding {coding[:40]!r} is not understood")
    return response


def _whole(response: http.client.HTTPResponse) -> None:
    if response.length:  # of what Content-Length announced, what did not come
        raise Ended("broken", f"{response.length} bytes fewer than announced")


def _read(exchange: Exchange, body: bytearray, most_bytes: int) -> None:
    response = _plain(exchange)
    while piece := response.read1(_PIECE):
        body += piece
        if len(body) > most_bytes:
            del body[most_bytes:]
            exchange.outcome, exchange.truncated = "too_large", "length"
            exchange.error = f"more than {most_bytes} bytes"
            return
    _whole(response)


def _put_back(exchange: Exchange, response: requests.Response | None) -> None:
    """Give the connection back to its pool if it can carry another exchange, else close it."""
    if exchange.response is not None:
        exchange.response.close()  # its end of the socket; urllib3 may not have come to know of it
    if response is not None:
        if exchange.outcome is None:
            response.raw.release_conn()
        else:
            response.raw.close()


def _why(error: BaseException) -> tuple[str, str]:
    """Return outcome and words for what ended an exchange; raise again what is no such thing."""
    seen: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:  # what happened lies wrapped in what `urllib3` and `requests` made of it
        each = todo.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            todo += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    for each in seen:
        if isinstance(each, Ended):
            return each.outcome, each.error
    text = str(seen[-1] if len(seen) == 1 else error)
    for kinds, outcome in _OUTCOMES:
        for each in seen:
            if isinstance(each, kinds):
                return outcome, f"{type(each).__name__}: {each}"
    if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
        return "broken", text
    raise error


_OUTCOMES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((TimeoutError, urllib3.exceptions.TimeoutError), "timeout"),
    ((ssl.SSLError, ssl.CertificateError), "tls"),
    ((http.client.RemoteDisconnected,), "connection"),
    ((http.client.HTTPException,), "broken"),
    ((ConnectionError,), "connection"),
)
