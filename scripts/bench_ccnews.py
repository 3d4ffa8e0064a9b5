"""How fast CC-NEWS is scanned, and whether memory grows with the number of its files.

    make bench-ccnews [ARGS="--files 20 --records 50000"]

Makes WARC files shaped like a month of CC-NEWS (responses with a request each, a gzip member a
record; one page in twenty is of the source that is looked for) and serves them on loopback, then
runs `discover` of one day that all of them are searched for, in a process of its own: first over a
quarter of the files, then over all. Pages a second counts all responses, wanted or not.
"""

import argparse
import gzip
import http.server
import io
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks import measure
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

FIRST = date(2024, 3, 1)
OURS, ONE_IN = "paper.example", 20
PROGRAM = (
    "from datetime import date; from newsarchive import steps; "
    f"print(steps.discover(date.fromisoformat('{FIRST}')).table())"
)
SOURCE = f"""\
name = "paper"
title = "A paper"
url = "https://{OURS}/"
language = "en"
timezone = "UTC"
indexes = ["ccnews"]
listing = [{{ kind = "feed", url = "https://{OURS}/feed.xml" }}]
"""


def main() -> None:
    """Make the files, scan them, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--records", type=int, default=50_000, help="responses in all files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quiet", type=float, default=1.0, help="load to wait for, 2 min at most")
    args = parser.parse_args()
    work = measure.CACHE / "ccnews"
    shutil.rmtree(work, ignore_errors=True)
    each = args.records // args.files
    made = [_make(work / "served", number, each) for number in range(args.files)]
    lines = ["| files | MB | responses | pages/s | MB/s | CPU s | peak MB |"]
    lines.append("|---|---|---|---|---|---|---|")
    print(f"{measure.circumstances()}; median of {args.rounds} rounds\n", flush=True)
    with _served(work / "served") as port:
        for count in (max(1, args.files // 4), args.files):
            _list(work / "served", made[:count])
            costs = sorted(
                (_scan(work, port, args.quiet) for _ in range(args.rounds)), key=lambda c: c.wall_s
            )
            cost = costs[len(costs) // 2]
            size = sum(path.stat().st_size for path in made[:count]) / 1e6
            peak = max(c.peak_mb for c in costs)
            lines.append(
                f"| {count} | {size:.0f} | {count * each} | {count * each / cost.wall_s:.0f} "
                f"| {size / cost.wall_s:.1f} | {cost.cpu_s:.1f} | {peak:.0f} |"
            )
    print("\n".join(lines))
    shutil.rmtree(work)


def _make(folder: Path, number: int, records: int) -> Path:
    """Write one file of a day of its own."""
    day = datetime.combine(FIRST + timedelta(days=number), datetime.min.time(), UTC)
    name = f"CC-NEWS-{day:%Y%m%d%H%M%S}-{number:05}.warc.gz"
    path = folder / "crawl-data" / "CC-NEWS" / f"{day:%Y}" / f"{day:%m}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(number)  # noqa: S311 - no secret
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(3000)]
    at = day.strftime("%Y-%m-%dT%H:%M:%SZ")
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        writer.write_record(writer.create_warcinfo_record(name, {"software": "a benchmark"}))
        for n in range(records):
            host = OURS if n % ONE_IN == 0 else f"site{n % 997}.example"
            url = f"https://{host}/news/{day:%Y/%m/%d}/{number}-{n}"
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            for kind, body in (("request", b""), ("response", _page(chance, words))):
                record = writer.create_warc_record(
                    url,
                    kind,
                    payload=io.BytesIO(body),
                    length=len(body),
                    http_headers=head if kind == "response" else None,
                    warc_headers_dict={"WARC-Date": at},
                )
                writer.write_record(record)
    return path


def _page(chance: random.Random, words: list[str]) -> bytes:
    """Return a page of some 60 KB, most of it markup that many pages share, as pages are."""
    menu = "".join(
        f'<li class="menu__item"><a class="menu__link" href="/section/{n}/">Section {n}</a></li>'
        for n in range(400)
    )
    text = "".join(f"<p>{' '.join(chance.choices(words, k=80))}</p>" for _ in range(40))
    article = f"<article><h1>A page</h1>{text}</article>"
    return f"<html><body><ul>{menu}</ul>{article}</body></html>".encode()


def _list(folder: Path, files: list[Path]) -> None:
    """Write the list of files of the month."""
    month = folder / "crawl-data" / "CC-NEWS" / f"{FIRST:%Y}" / f"{FIRST:%m}"
    lines = "".join(f"{path.relative_to(folder)}\n" for path in files)
    (month / "warc.paths.gz").write_bytes(gzip.compress(lines.encode()))


@contextmanager
def _served(folder: Path) -> Iterator[int]:
    """Serve a folder from a thread; yield the port."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _scan(work: Path, port: int, quiet: float) -> measure.Cost:
    """Discover the day in an archive of its own, and return what it cost."""
    for name in ("archive", "state"):
        shutil.rmtree(work / name, ignore_errors=True)
    (work / "sources").mkdir(exist_ok=True)
    (work / "sources" / "paper.toml").write_text(SOURCE)
    measure.wait_until_quiet(quiet, 120)
    environment = {
        "NEWSARCHIVE_ARCHIVE": str(work / "archive"),
        "NEWSARCHIVE_STATE_DIR": str(work / "state"),
        "NEWSARCHIVE_SOURCES_DIR": str(work / "sources"),
        "NEWSARCHIVE_SOURCES": "paper",
        "NEWSARCHIVE_COMMONCRAWL_URL": f"http://127.0.0.1:{port}",
        "NEWSARCHIVE_CCNEWS_DAYS": "30",
        "NEWSARCHIVE_DELAY": "0",
        "PYTHONPATH": str(measure.ROOT / "include"),
    }
    return measure.run([sys.executable, "-c", PROGRAM], environment, work / "log")


if __name__ == "__main__":
    main()
