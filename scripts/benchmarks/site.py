"""A server of newspapers on loopback that is quick enough to measure its clients.

    PYTHONPATH=scripts python -m benchmarks.site HOSTS PAGES_A_HOST

Each host has an address of its own, 127.1.x.y, all on one port; robots.txt allows everything. Pages
are made and compressed before the first request. Prints one line of JSON when it serves, and ends
with its standard input.
"""

import argparse
import asyncio
import gzip
import json
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.pages import DAY, Page, pages_of

STATISTICS = "/-/statistics"
_NEWS = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
)

Answers = dict[str, tuple[str, bytes]]
"""Content type and compressed body, by path."""


def address(host: int) -> str:
    """Return the address of a host by its number, from 0."""
    return f"127.1.{host // 250}.{1 + host % 250}"


def sitemap_path(pages: int) -> str:
    """Return where a host lists the first so many pages of a day; a template of its date."""
    return f"/first-{pages}/sitemap-{{date:%Y-%m-%d}}.xml"


def _answers(host: int, count: int, port: int) -> Answers:
    """Return all that a host answers with but its sitemaps of fewer pages."""
    base_url = f"http://{address(host)}:{port}"
    pages = pages_of(host, count, base_url)
    answers = {p.path: ("text/html; charset=utf-8", _packed(p.html)) for p in pages}
    answers["/robots.txt"] = ("text/plain", _packed("User-agent: *\nAllow: /\n"))
    for some in {count, *(count * n // 4 for n in (1, 2, 3))} - {0}:
        path = sitemap_path(some).format(date=DAY)
        answers[path] = ("application/xml", _packed(_sitemap(base_url, pages[:some])))
    return answers


def _sitemap(base_url: str, pages: list[Page]) -> str:
    entries = "".join(
        f"<url><loc>{escape(base_url + p.path)}</loc><news:news>"
        f"<news:publication_date>{p.listed_at.isoformat()}</news:publication_date>"
        f"<news:title>{escape(p.title)}</news:title></news:news></url>\n"
        for p in pages
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {_NEWS}>\n{entries}</urlset>\n'


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 6, mtime=0)


class Counts:
    """What clients did since the last look."""

    def __init__(self) -> None:
        self.requests = 0
        self.open: Counter[str] = Counter()
        self.most_open = 0

    def look(self) -> bytes:
        """Return the counts as JSON, and begin anew."""
        found = {"requests": self.requests, "most_connections_at_a_host": self.most_open}
        self.requests, self.most_open = 0, max(self.open.values(), default=0)
        return json.dumps(found).encode()


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, hosts: dict[str, Answers], counts: Counts) -> None:
        self._hosts = hosts
        self._counts = counts
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        """Count it."""
        self._transport = transport
        self._host: str = transport.get_extra_info("sockname")[0]
        self._counts.open[self._host] += 1
        self._counts.most_open = max(self._counts.most_open, self._counts.open[self._host])

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._counts.open[self._host] -= 1

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        path = request.split(b" ", 2)[1].decode()
        headers = request.lower()
        if path == STATISTICS:
            kind, body, status = "application/json", self._counts.look(), "200 OK"
        elif found := self._hosts[self._host].get(path):
            self._counts.requests += 1
            (kind, body), status = found, "200 OK"
        else:
            self._counts.requests += 1
            kind, body, status = "text/plain", b"", "404 Not Found"
        coding = ""
        if body[:2] == b"\x1f\x8b":
            if b"gzip" in headers.partition(b"accept-encoding:")[2].partition(b"\r\n")[0]:
                coding = "Content-Encoding: gzip\r\n"
            else:
                body = gzip.decompress(body)
        last = b"connection: close" in headers
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{coding}Content-Length: {len(body)}\r\n"
            f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        if last:
            self._transport.close()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((address(0), 0))
        return int(probe.getsockname()[1])


async def _serve(hosts: dict[str, Answers], port: int) -> None:
    loop = asyncio.get_running_loop()
    counts = Counts()
    for host in hosts:
        await loop.create_server(lambda: Client(hosts, counts), host, port, backlog=4096)
    size = sum(len(gzip.decompress(b)) for a in hosts.values() for _, b in a.values())
    pages = sum(k.startswith("text/html") for a in hosts.values() for k, _ in a.values())
    print(json.dumps({"port": port, "pages": pages, "kilobytes": size // 1000}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Make the pages and serve them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hosts", type=int)
    parser.add_argument("pages", type=int)
    args = parser.parse_args()
    port = _free_port()
    numbers = range(args.hosts)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        made = list(pool.map(_answers, numbers, [args.pages] * args.hosts, [port] * args.hosts))
    asyncio.run(_serve({address(n): made[n] for n in numbers}, port))


if __name__ == "__main__":
    main()
