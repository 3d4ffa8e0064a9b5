"""A server on loopback that is quick enough to measure its clients: all answers lie ready.

Each host has an address of its own, 127.1.x.y, all on one port.
"""

import asyncio
import gzip
import json
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATISTICS = "/-/statistics"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers with."""

    content_type: str
    packed: bytes
    """The body, compressed with gzip."""
    etag: str | None = None
    """Whoever names it is told 304."""


Answers = Mapping[str, Answer]
"""By path."""


def address(host: int) -> str:
    """Return the address of a host by its number, from 0."""
    return f"127.1.{host // 250}.{1 + host % 250}"


def packed(text: str) -> bytes:
    """Return a body as answers want it."""
    return gzip.compress(text.encode(), 6, mtime=0)


def robots() -> Answer:
    """Return a robots.txt that allows everything."""
    return Answer("text/plain", packed("User-agent: *\nAllow: /\n"))


class _Counts:
    """What clients did since the last look."""

    def __init__(self) -> None:
        self.requests = 0
        self.unchanged = 0
        self.open: Counter[str] = Counter()
        self.most_open = 0

    def look(self) -> bytes:
        """Return the counts as JSON, and begin anew."""
        found = {
            "requests": self.requests,
            "unchanged": self.unchanged,
            "most_connections_at_a_host": self.most_open,
        }
        self.requests = self.unchanged = 0
        self.most_open = max(self.open.values(), default=0)
        return json.dumps(found).encode()


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, hosts: Mapping[str, Answers], counts: _Counts) -> None:
        self._hosts = hosts
        self._counts = counts
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._host: str = transport.get_extra_info("sockname")[0]
        self._counts.open[self._host] += 1
        self._counts.most_open = max(self._counts.most_open, self._counts.open[self._host])

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.open[self._host] -= 1

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        path = request.split(b" ", 2)[1].decode()
        last = _header(request, b"connection").lower() == b"close"
        if path == STATISTICS:
            self._send("200 OK", ["Content-Type: application/json"], self._counts.look(), last)
            return
        self._counts.requests += 1
        found = self._hosts[self._host].get(path)
        if found is None:
            self._send("404 Not Found", [], b"", last)
            return
        headers = [f"Content-Type: {found.content_type}"]
        if found.etag:
            headers.append(f"ETag: {found.etag}")
            if _header(request, b"if-none-match").decode() == found.etag:
                self._counts.unchanged += 1
                self._send("304 Not Modified", headers, None, last)
                return
        body = found.packed
        if b"gzip" in _header(request, b"accept-encoding"):
            headers.append("Content-Encoding: gzip")
        else:
            body = gzip.decompress(body)
        self._send("200 OK", headers, body, last)

    def _send(self, status: str, headers: list[str], body: bytes | None, last: bool) -> None:
        length = [f"Content-Length: {len(body)}"] if body is not None else []
        lines = [f"HTTP/1.1 {status}", *headers, *length]
        lines.append(f"Connection: {'close' if last else 'keep-alive'}")
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        if last:
            self._transport.close()


def _header(request: bytes, name: bytes) -> bytes:
    for line in request.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return b""


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((address(0), 0))
        return int(probe.getsockname()[1])


def serve(hosts: Mapping[str, Answers], port: int, **told: Any) -> None:
    """Serve until standard input ends; print the port, and what else is told, as JSON."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        counts = _Counts()
        for host in hosts:
            await loop.create_server(lambda: _Client(hosts, counts), host, port, backlog=4096)
        print(json.dumps({"port": port, **told}), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)

    asyncio.run(run())


@contextmanager
def served(module: str, *arguments: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run a module that serves, in a process of its own; yield its port and what it tells.

    Raises:
        RuntimeError: it did not start.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    server = subprocess.Popen(
        command,
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = server.stdout.readline() if server.stdout else ""
        if not line:
            raise RuntimeError(f"{module} did not start")
        told = json.loads(line)
        yield told["port"], told
    finally:
        server.terminate()
        server.communicate()


def statistics(port: int) -> dict[str, int]:
    """Return what clients of a server did since the last look."""
    with urllib.request.urlopen(f"http://{address(0)}:{port}{STATISTICS}") as answer:
        found: dict[str, int] = json.load(answer)
    return found


def in_processes(make: Callable[..., Any], *columns: Any) -> list[Any]:
    """Return what `make` gives for each row of arguments, on all cores."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(make, *columns))
