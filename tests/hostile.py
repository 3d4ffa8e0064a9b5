"""A web server that misbehaves in every way we know, on loopback.

Each path is a behaviour: `/ok`, `/drip`, … Each address from 127.0.0.1 to 127.0.0.9 is a host of
its own, all on one port. The server counts, per host, the requests it answers at the same time.
"""

import gzip
import socket
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

# Made once: it must come at once.
BOMB = gzip.compress(bytes(50_000_000), compresslevel=1)
PAGE = (
    "<html><body><p>خبر اليوم</p>" + "<p>Words of a page.</p>" * 200 + "</body></html>"
).encode()


@dataclass
class Asked:
    """One request that the server got."""

    host: str
    path: str
    headers: dict[str, str]
    began: float
    ended: float = 0.0


@dataclass
class Talk:
    """The server's side of one request."""

    server: "Hostile"
    sock: socket.socket
    asked: Asked
    open: bool = False
    """Whether the connection stays open for another request."""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(
        self, body: bytes, status: str = "200 OK", *headers: str, length: int | None = None
    ) -> None:
        lines = [f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8", *headers]
        lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        self.open = length is None

    def drip(self, data: bytes, seconds: float = 20.0) -> None:
        """Send a byte of `data` ten times a second, again and again."""
        until = time.monotonic() + seconds
        for n in range(10**6):
            if time.monotonic() > until or self.server.stopped.wait(0.1):
                return
            self.send(data[n % len(data) : n % len(data) + 1])

    def count(self) -> int:
        """Return how often this path was asked at this host, this time included."""
        return sum(
            (a.host, a.path) == (self.asked.host, self.asked.path) for a in self.server.asked
        )


Behaviour = Callable[[Talk], None]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS["/" + function.__name__.rstrip("_")] = function
    return function


@behaviour
def ok(talk: Talk) -> None:
    talk.answer(PAGE)


@behaviour
def slow_ok(talk: Talk) -> None:
    time.sleep(0.05)
    talk.answer(PAGE)


@behaviour
def drip(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    talk.drip(b"x")


@behaviour
def drip_head(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    talk.drip(b"x")


@behaviour
def drip_headers(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\n")
    talk.drip(b"A: b\r\n")


@behaviour
def drip_status(talk: Talk) -> None:
    talk.drip(b"HTTP/1.1 200 " + b"O" * 1000)


@behaviour
def silent(talk: Talk) -> None:
    talk.server.stopped.wait(20)


@behaviour
def stops_amid(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nthe beginning")
    talk.server.stopped.wait(20)


@behaviour
def endless(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while not talk.server.stopped.is_set():
        talk.send(b"x" * 65536)


@behaviour
def too_long(talk: Talk) -> None:
    talk.answer(b"x" * 2_000_000)


@behaviour
def loop(talk: Talk) -> None:
    talk.answer(b"", "302 Found", "Location: /loop2")


@behaviour
def loop2(talk: Talk) -> None:
    talk.answer(b"", "302 Found", "Location: /loop")


@behaviour
def further(talk: Talk) -> None:
    talk.answer(b"", "302 Found", f"Location: /further?{talk.asked.path}")


@behaviour
def cookie_wall(talk: Talk) -> None:
    if "seen=1" in talk.asked.headers.get("cookie", ""):
        talk.answer(PAGE)
    else:
        talk.answer(b"", "302 Found", "Set-Cookie: seen=1; Path=/", "Location: /cookie_wall")


@behaviour
def moved(talk: Talk) -> None:
    talk.answer(b"<a>moved</a>", "301 Moved Permanently", "Location: ok#part")


@behaviour
def moved_elsewhere(talk: Talk) -> None:
    target = f"http://127.0.0.2:{talk.server.port}/ok"
    talk.answer(b"", "302 Found", f"Location: {target}")


@behaviour
def moved_to_forbidden(talk: Talk) -> None:
    target = f"http://127.0.0.3:{talk.server.port}/forbidden/page"
    talk.answer(b"", "302 Found", f"Location: {target}")


@behaviour
def moved_with_endless_body(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 302 Found\r\nLocation: /ok\r\n\r\n")
    while not talk.server.stopped.is_set():
        talk.send(b"x" * 65536)


@behaviour
def moved_to_file(talk: Talk) -> None:
    talk.answer(b"", "302 Found", "Location: file:///etc/passwd")


@behaviour
def moved_to_metadata(talk: Talk) -> None:
    talk.answer(b"", "302 Found", "Location: http://169.254.169.254/latest/meta-data/")


@behaviour
def moved_to_metadata_v6(talk: Talk) -> None:
    talk.answer(b"", "302 Found", "Location: http://[::ffff:169.254.169.254]/latest/")


@behaviour
def moved_nowhere(talk: Talk) -> None:
    talk.answer(b"", "302 Found")


@behaviour
def moved_arabic(talk: Talk) -> None:
    talk.send("HTTP/1.1 302 Found\r\nLocation: /ok?ق=خبر\r\nContent-Length: 0\r\n\r\n".encode())


@behaviour
def gzipped(talk: Talk) -> None:
    talk.answer(gzip.compress(PAGE), "200 OK", "Content-Encoding: gzip")


@behaviour
def gzipped_twice(talk: Talk) -> None:
    body = gzip.compress(gzip.compress(PAGE))
    talk.answer(body, "200 OK", "Content-Encoding: gzip, gzip")


@behaviour
def deflated(talk: Talk) -> None:
    talk.answer(zlib.compress(PAGE), "200 OK", "Content-Encoding: deflate")


@behaviour
def deflated_raw(talk: Talk) -> None:
    stream = zlib.compressobj(wbits=-15)
    body = stream.compress(PAGE) + stream.flush()
    talk.answer(body, "200 OK", "Content-Encoding: deflate")


@behaviour
def bomb(talk: Talk) -> None:
    talk.answer(BOMB, "200 OK", "Content-Encoding: gzip")


@behaviour
def bomb_twice(talk: Talk) -> None:
    body = gzip.compress(BOMB)
    talk.answer(body, "200 OK", "Content-Encoding: gzip, gzip")


@behaviour
def wrong_gzip(talk: Talk) -> None:
    body = bytearray(gzip.compress(PAGE))
    body[20:40] = b"\xff" * 20
    talk.answer(bytes(body), "200 OK", "Content-Encoding: gzip")


@behaviour
def cut_gzip(talk: Talk) -> None:
    talk.answer(gzip.compress(PAGE)[:-20], "200 OK", "Content-Encoding: gzip")


@behaviour
def plain_as_gzip(talk: Talk) -> None:
    talk.answer(PAGE, "200 OK", "Content-Encoding: gzip")


@behaviour
def brotli(talk: Talk) -> None:
    talk.answer(b"\x0b\x02\x80hello\x03", "200 OK", "Content-Encoding: br")


@behaviour
def short(talk: Talk) -> None:
    talk.answer(PAGE, "200 OK", length=len(PAGE) + 100)


@behaviour
def long(talk: Talk) -> None:
    talk.answer(PAGE + b"surplus", "200 OK", length=len(PAGE))


@behaviour
def two_lengths(talk: Talk) -> None:
    talk.answer(PAGE, "200 OK", "Content-Length: 7")


@behaviour
def half_close(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PAGE[:1000])
    talk.sock.shutdown(socket.SHUT_WR)
    talk.server.stopped.wait(1)


@behaviour
def reset(talk: Talk) -> None:
    talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


@behaviour
def reset_amid(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PAGE[:1000])
    time.sleep(0.1)
    reset(talk)


@behaviour
def empty(talk: Talk) -> None:
    return


@behaviour
def junk(talk: Talk) -> None:
    talk.send(b"<html>a page without any head</html>\r\n")


@behaviour
def binary_junk(talk: Talk) -> None:
    talk.send(bytes(range(256)) * 4)


@behaviour
def huge_headers(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\n")
    for n in range(200):
        talk.send(b"X-%d: " % n + b"x" * 50_000 + b"\r\n")
    talk.send(b"\r\n")


@behaviour
def huge_header(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(100):
        talk.send(b"x" * 100_000)


@behaviour
def endless_continue(talk: Talk) -> None:
    while not talk.server.stopped.is_set():
        talk.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@behaviour
def continue_first(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    talk.answer(PAGE)


@behaviour
def odd_headers(talk: Talk) -> None:
    talk.send(
        b"HTTP/1.1 200\r\nserver:  x \r\nX-Twice: one\r\nx-twice: two\r\nno colon here\r\n"
        b"X-Latin: caf\xe9\r\nX-Arabic: " + "خبر".encode() + b"\r\nX-Folded: a\r\n  b\r\n"
        b'   \r\nETag: "abc"\nContent-Length: 5\r\n\r\nhello'
    )


@behaviour
def odd_version(talk: Talk) -> None:
    talk.send(b"HTTP/1.7 200 OK\r\nContent-Length: 5\r\n\r\nhello")


@behaviour
def old_version(talk: Talk) -> None:
    talk.send(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE)


@behaviour
def chunked(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for at in range(0, len(PAGE), 1000):
        piece = PAGE[at : at + 1000]
        talk.send(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece))
    talk.send(b"0\r\nTrailer: yes\r\n\r\n")
    talk.open = True


@behaviour
def chunked_gzip(talk: Talk) -> None:
    body = gzip.compress(PAGE)
    talk.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
    talk.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    talk.open = True


@behaviour
def broken_chunk(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzzz\r\n")


@behaviour
def cut_chunk(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n400\r\nabc")


@behaviour
def odd_transfer(talk: Talk) -> None:
    body = gzip.compress(PAGE)
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
    talk.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))


@behaviour
def unavailable_once(talk: Talk) -> None:
    if talk.count() == 1:
        talk.answer(b"later", "503 Service Unavailable")
    else:
        talk.answer(PAGE)


@behaviour
def too_many_requests(talk: Talk) -> None:
    if talk.count() == 1:
        talk.answer(b"", "429 Too Many Requests", "Retry-After: 1")
    else:
        talk.answer(PAGE)


@behaviour
def closed_for_today(talk: Talk) -> None:
    talk.answer(b"", "503 Service Unavailable", "Retry-After: 86400")


@behaviour
def error(talk: Talk) -> None:
    talk.answer(b"no", "500 Internal Server Error")


@behaviour
def missing(talk: Talk) -> None:
    talk.answer(b"not here", "404 Not Found")


@behaviour
def no_content(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    talk.open = True


@behaviour
def conditional(talk: Talk) -> None:
    if talk.asked.headers.get("if-none-match") == '"v1"':
        talk.send(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n')
        talk.open = True
    else:
        talk.answer(PAGE, "200 OK", 'ETag: "v1"', "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT")


@behaviour
def unasked_304(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 304 Not Modified\r\n\r\n")
    talk.open = True


def _default_robots(talk: Talk) -> None:
    talk.answer(b"not here", "404 Not Found")


@dataclass
class Hostile:
    """The server; a context manager. `robots` says how each host answers for robots.txt."""

    robots: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    at_once: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    most_at_once: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    connections: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stopped: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._listening: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        for n in range(1, 10):
            sock = socket.create_server((f"127.0.0.{n}", self.port), backlog=64)
            self.port = sock.getsockname()[1]
            self._listening.append(sock)
            self._start(self._listen, sock, f"127.0.0.{n}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        for sock in self._listening:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)
        left = [t.name for t in self._threads if t.is_alive()]
        if error is None and left:  # whoever asked did not close all connections
            raise AssertionError(f"connections left open: {left}")

    def url(self, path: str, n: int = 1) -> str:
        return f"http://127.0.0.{n}:{self.port}{path}"

    def paths(self, n: int | None = None) -> list[str]:
        """Return the paths asked, robots.txt aside, in order; of one host or of all."""
        return [
            a.path
            for a in self.asked
            if a.path != "/robots.txt" and (n is None or a.host == f"127.0.0.{n}")
        ]

    def _start(self, function: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self, listening: socket.socket, host: str) -> None:
        while not self.stopped.is_set():
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            self.connections[host] += 1
            self._start(self._serve, sock, host)

    def _serve(self, sock: socket.socket, host: str) -> None:
        with sock:
            sock.settimeout(20)
            try:
                while self._one(sock, host):
                    pass
            except OSError:
                return  # the other side is gone

    def _one(self, sock: socket.socket, host: str) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(65536)
            if not piece:
                return False
            head += piece
            if head.startswith(b"\x16"):  # TLS, which is not spoken here
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return False
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (r.partition(":") for r in rest) if v}
        asked = Asked(host, first.split(" ")[1], headers, time.time())
        threading.current_thread().name = f"{host}{asked.path}"
        with self._lock:
            self.asked.append(asked)
            self.at_once[host] += 1
            self.most_at_once[host] = max(self.most_at_once[host], self.at_once[host])
        talk = Talk(self, sock, asked)
        path = asked.path.partition("?")[0]
        try:
            if path == "/robots.txt":
                self.robots.get(host, _default_robots)(talk)
            else:
                BEHAVIOURS.get("/" + path.split("/")[1], missing)(talk)
        finally:
            with self._lock:
                self.at_once[host] -= 1
            asked.ended = time.time()
        return talk.open
