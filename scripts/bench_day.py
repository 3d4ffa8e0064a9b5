"""A day of news beside what a user would pick instead: pages a second, CPU a page, peak memory.

    make bench-day [ARGS="--pages 5000 --hosts 50 --rounds 3 --only newsarchive,scrapy"]

Newspapers of our own, each at a loopback address of its own, list the day in a dated sitemap.
Every contestant runs in a process of its own, one after the other, in a new order each round:

- newsarchive: `newsarchive run`, which keeps WARC, parses with no rules for these sources, and
  writes tables and snapshot
- scrapy: Scrapy with trafilatura in the spider's callback, writing Parquet
- scrapy-pool: the same, parsing in as many processes as there are cores
- news-please: `NewsPlease.from_urls`, writing lines of JSON

What was measured of the same code and options is kept in .cache/bench and not measured again;
--anew does.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from benchmarks import measure, peers, server
from benchmarks.pages import DAY
from benchmarks.server import address
from benchmarks.site import sitemap_path

HERE = Path(__file__).parent
OURS = "newsarchive"
SOURCE = """\
name = "bench_{host}"
title = "Bench {host}"
url = "http://{address}:{port}/"
language = "{language}"
timezone = "UTC"
allow_private = true
listing = [{{ kind = "dated", url = "http://{address}:{port}{sitemap}" }}]
politeness = {{ delay = 0.0 }}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """The newspapers that are served."""

    hosts: int
    port: int

    def sitemaps(self, a_host: int) -> list[str]:
        """Return the addresses of the sitemaps that list so many pages of each host."""
        path = sitemap_path(a_host).format(date=DAY)
        return [f"http://{address(n)}:{self.port}{path}" for n in range(self.hosts)]


# --- contestants ----------------------------------------------------------------------------------


def newsarchive(site: Site, a_host: int, work: Path) -> dict[str, Any]:
    """Run ours."""
    sources = work / "sources"
    sources.mkdir()
    for host in range(site.hosts):
        text = SOURCE.format(
            host=host,
            address=address(host),
            port=site.port,
            language=("ar", "en")[host % 2],
            sitemap=sitemap_path(a_host),
        )
        (sources / f"bench_{host}.toml").write_text(text)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSARCHIVE")}
    environment |= {
        "NEWSARCHIVE_ARCHIVE": str(work / "archive"),
        "NEWSARCHIVE_STATE_DIR": str(work / "state"),
        "NEWSARCHIVE_SOURCES_DIR": str(sources),
        "NEWSARCHIVE_SOURCES": "bench_*",
        "PYTHONPATH": str(measure.ROOT / "include"),
    }
    command = [sys.executable, "-m", "newsarchive.cli", "run", "--day", str(DAY)]
    cost = measure.run(command, environment, work / "log")
    with duckdb.connect(str(work / "archive" / "archive.duckdb"), read_only=True) as reader:
        rows = reader.execute("SELECT count(*) FROM articles WHERE title <> '' AND text <> ''")
        (articles,) = rows.fetchone() or (0,)
    kept = sum(f.stat().st_size for f in (work / "archive" / "raw").rglob("*.warc.gz"))
    return asdict(cost) | {"articles": articles, "warc_mb": kept / 1e6}


def scrapy(site: Site, a_host: int, work: Path, *options: str) -> dict[str, Any]:
    """Run Scrapy with trafilatura."""
    out = work / "articles.parquet"
    script = str(HERE / "benchmarks" / "with_scrapy.py")
    command = [str(peers.PYTHON), script, str(out), *options, *site.sitemaps(a_host)]
    cost = measure.run(command, {}, work / "log")
    rows = pq.read_table(out, columns=["title", "text"]).to_pylist()
    return asdict(cost) | {"articles": sum(bool(r["title"] and r["text"]) for r in rows)}


def scrapy_pool(site: Site, a_host: int, work: Path) -> dict[str, Any]:
    """Run Scrapy with trafilatura in a pool of processes."""
    return scrapy(site, a_host, work, "--pool")


def news_please(site: Site, a_host: int, work: Path) -> dict[str, Any]:
    """Run news-please, which is told the addresses: it reads no sitemap of one day."""
    urls = []
    for sitemap in site.sitemaps(a_host):
        with urllib.request.urlopen(sitemap) as answer:  # noqa: S310
            text = answer.read().decode()
        urls += [part.partition("</loc>")[0] for part in text.split("<loc>")[1:]]
    listed, out = work / "urls.txt", work / "articles.jsonl"
    listed.write_text("\n".join(urls))
    server.statistics(site.port)  # ours was not theirs
    script = str(HERE / "benchmarks" / "with_news_please.py")
    command = [str(peers.PYTHON), script, str(out), str(listed)]
    cost = measure.run(command, {}, work / "log")
    with out.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return asdict(cost) | {"articles": sum(bool(r["title"] and r["maintext"]) for r in rows)}


CONTESTANTS: dict[str, Callable[[Site, int, Path], dict[str, Any]]] = {
    OURS: newsarchive,
    "scrapy": scrapy,
    "scrapy-pool": scrapy_pool,
    "news-please": news_please,
}
TITLES = {
    OURS: "newsarchive",
    "scrapy": "Scrapy + trafilatura",
    "scrapy-pool": "Scrapy + trafilatura in a process pool",
    "news-please": "news-please",
}


# --- the runs -------------------------------------------------------------------------------------


class Kept:
    """Results of the same code and options, as lines of JSON."""

    def __init__(self, hosts: int, a_host: int, anew: bool) -> None:
        tree = _git("rev-parse", "--short", "HEAD:include")
        self._path = measure.CACHE / f"day-{tree}-{hosts}x{a_host}.jsonl"
        if anew:
            self._path.unlink(missing_ok=True)
        lines = self._path.read_text().splitlines() if self._path.is_file() else []
        self.results: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def find(self, **key: Any) -> dict[str, Any] | None:
        """Return the result with these values, if there is one."""
        return next((r for r in self.results if key.items() <= r.items()), None)

    def add(self, result: dict[str, Any]) -> None:
        """Keep a result."""
        self.results.append(result)
        with self._path.open("a") as file:
            file.write(json.dumps(result) + "\n")


def measured(
    site: Site, kept: Kept, contestant: str, a_host: int, number: int, quiet: float
) -> dict[str, Any]:
    """Return a result, measuring it if need be."""
    key = {"contestant": contestant, "pages": site.hosts * a_host, "round": number}
    found = kept.find(**key)
    if found is not None:
        return found
    measure.wait_until_quiet(quiet, 120)
    work = measure.CACHE / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    server.statistics(site.port)
    costs = CONTESTANTS[contestant](site, a_host, work)
    result = key | costs | server.statistics(site.port)
    kept.add(result)
    print(
        f"round {number}, {contestant}, {key['pages']} pages: {result['wall_s']:.0f} s,"
        f" {result['cpu_s']:.0f} CPU s, {result['peak_mb']:.0f} MB,"
        f" {result['articles']} articles, load before {result['load_before']:.1f}",
        flush=True,
    )
    return result


def day_table(results: list[dict[str, Any]], contestants: list[str]) -> str:
    """Return medians of each contestant, and what ours is to it, as a table in Markdown."""
    of = {c: [r for r in results if r["contestant"] == c] for c in contestants}
    ours = _medians(of[OURS]) if OURS in of else None
    lines = [
        "| | pages a second | CPU ms a page | peak memory MB | articles | connections at a host |"
        " speed of ours | CPU of ours | memory of ours |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in contestants:
        m = _medians(of[name])
        ratios = "| | |"
        if ours and name != OURS:
            ratios = (
                f"{ours['speed'] / m['speed']:.2f}× | {ours['cpu'] / m['cpu']:.2f}× |"
                f" {ours['memory'] / m['memory']:.2f}× |"
            )
        lines.append(
            f"| {TITLES[name]} | {m['speed']:.1f} | {1000 * m['cpu']:.1f} | {m['memory']:.0f} |"
            f" {m['articles']:.0f} | {m['connections']:.0f} | {ratios}"
        )
    return "\n".join(lines)


def _medians(results: list[dict[str, Any]]) -> dict[str, float]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return statistics.median(map(value, results))

    return {
        "speed": median(lambda r: r["pages"] / r["wall_s"]),
        "cpu": median(lambda r: r["cpu_s"] / r["pages"]),
        "memory": median(lambda r: r["peak_mb"]),
        "articles": median(lambda r: r["articles"]),
        "connections": median(lambda r: r["most_connections_at_a_host"]),
    }


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONTESTANTS), help="names, commas between")
    parser.add_argument("--no-growth", action="store_true", help="leave out the smaller days")
    parser.add_argument("--quiet", type=float, default=1.0, help="load to wait for, 2 min at most")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    args = parser.parse_args()
    contestants = args.only.split(",")
    if unknown := set(contestants) - set(CONTESTANTS):
        parser.error(f"no such contestant: {', '.join(sorted(unknown))}")
    a_host = max(4, args.pages // args.hosts)
    measure.CACHE.mkdir(parents=True, exist_ok=True)
    if set(contestants) - {OURS}:
        peers.install()
    kept = Kept(args.hosts, a_host, args.anew)
    with server.served("benchmarks.site", args.hosts, a_host) as (port, told):
        site = Site(args.hosts, port)
        size = told["kilobytes"] // told["pages"]
        print(f"{told['pages']} pages on {args.hosts} hosts, {size} KB each", flush=True)
        results = []
        for number in range(1, args.rounds + 1):
            turn = (number - 1) % len(contestants)
            for name in contestants[turn:] + contestants[:turn]:
                results.append(measured(site, kept, name, a_host, number, args.quiet))
        growth = []
        if OURS in contestants and not args.no_growth:
            for some in (a_host // 4, a_host // 2):
                growth.append(measured(site, kept, OURS, some, 1, args.quiet))
            growth.append(next(r for r in results if r["contestant"] == OURS))
    loads = [r["load_before"] for r in results]
    print(f"\n{measure.circumstances()}; {args.rounds} rounds, load before {min(loads):.1f} to")
    print(f"{max(loads):.1f}. Medians; the last columns: ours divided by theirs.\n")
    print(day_table(results, contestants))
    if growth:
        print("\n| pages | peak memory MB | wall s | CPU s |\n|---|---|---|---|")
        for r in growth:
            print(f"| {r['pages']} | {r['peak_mb']:.0f} | {r['wall_s']:.1f} | {r['cpu_s']:.1f} |")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
