"""Measure how fast pages are fetched and kept: pages a second, and milliseconds of CPU a page.

    python scripts/measure_fetch.py [--pages 3000] [--hosts 8] [--kilobytes 50] [--gzip]

The server is a process of its own on loopback that answers from memory: what is measured is the
fetcher.
"""

import argparse
import asyncio
import gzip
import multiprocessing
import random
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from newsarchive.fetch.session import Fetcher, Request
from newsarchive.settings import Settings
from newsarchive.sources.load import Source


def page(kilobytes: int) -> bytes:
    """Return a page of that size, about as compressible as a real one."""
    rng = random.Random(1)  # noqa: S311
    words = [
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(3000)
    ]
    out = "<!doctype html><html><body>"
    while len(out) < kilobytes * 1000:
        out += f'<p class="c{rng.randint(1, 9)}">' + " ".join(rng.choices(words, k=12)) + "</p>\n"
    return out.encode()


def serve(port: Any, hosts: int, body: bytes, coding: str) -> None:
    """Answer every request with `body`, robots.txt with 404."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{coding}Content-Length: {len(body)}\r\n\r\n"
    )
    good = head.encode() + body
    none = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(none if data.startswith(b"GET /robots.txt") else good)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answer, "127.0.0.1", 0)
        where = server.sockets[0].getsockname()[1]
        for n in range(2, 1 + hosts):
            await loop.create_server(Answer, f"127.0.0.{n}", where)
        port.send(where)
        await server.serve_forever()

    asyncio.run(run())


def main() -> None:
    """Run the measurement and print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--kilobytes", type=int, default=50)
    parser.add_argument("--gzip", action="store_true", help="serve pages compressed")
    args = parser.parse_args()
    body = page(args.kilobytes)
    coding = ""
    if args.gzip:
        body, coding = gzip.compress(body, 6), "Content-Encoding: gzip\r\n"
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, args.hosts, body, coding), daemon=True
    )
    server.start()
    port = ours.recv()
    source = Source(
        name="bench",
        title="Bench",
        url=f"http://127.0.0.1:{port}/",
        language="en",
        timezone="UTC",
        allow_private=True,
        listing=[{"kind": "feed", "url": f"http://127.0.0.1:{port}/feed"}],
        politeness={"delay": 0},
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state_dir=Path(folder) / "state", hosts_at_once=args.hosts)
        requests = [
            Request(source, "page", f"http://127.0.0.{1 + n % args.hosts}:{port}/page/{n}")
            for n in range(args.pages)
        ]
        wall, cpu = time.perf_counter(), time.process_time()
        good = 0
        with Fetcher(settings, date(2026, 11, 22), Path(folder) / "archive", "pages-0") as fetcher:
            for fetched in fetcher.fetch(requests):
                good += fetched.request.kind == "page" and fetched.last.outcome == "ok"
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    server.terminate()
    server.join()
    print(
        f"{good} of {args.pages} pages of {args.kilobytes} KB: {good / wall:.0f} pages/s,"
        f" {1000 * cpu / good:.2f} ms CPU a page ({good / cpu:.0f} pages a second of CPU)"
    )


if __name__ == "__main__":
    main()
