"""What an hourly poll costs when nothing is new: requests, CPU, wall time, rows and bytes.

    make bench-idle [ARGS="--sources 500 --polls 6"]

Every source has a feed at a loopback address of its own, from a server of our own that answers 304
to whoever has the feed. The first poll collects all feeds and their pages; each of the others is
what an idle hour costs, `newsarchive poll` in a process of its own.
"""

import argparse
import os
import shutil
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from benchmarks import measure, server

from newsarchive.schema import TABLES
from newsarchive.store.tables import Archive

SOURCE = """\
name = "idle_{host}"
title = "Idle {host}"
url = "http://{address}:{port}/"
language = "en"
timezone = "UTC"
allow_private = true
listing = [{{ kind = "feed", url = "http://{address}:{port}/feed.xml" }}]
politeness = {{ delay = 0.0 }}
"""
COLUMNS = {
    "requests": "requests",
    "unchanged": "of them 304",
    "wall_s": "wall s",
    "cpu_s": "CPU s",
    "peak_mb": "peak memory MB",
    "rows": "rows added",
    "kilobytes": "KB added",
    "files": "files added",
}


def main() -> None:
    """Poll, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--entries", type=int, default=5, help="entries of each feed")
    parser.add_argument("--polls", type=int, default=6)
    parser.add_argument("--quiet", type=float, default=1.0, help="load to wait for, 2 min at most")
    args = parser.parse_args()
    work = measure.CACHE / "idle"
    shutil.rmtree(work, ignore_errors=True)
    (work / "sources").mkdir(parents=True)
    polls = []
    with server.served("benchmarks.feeds", args.sources, args.entries) as (port, _):
        for host in range(args.sources):
            text = SOURCE.format(host=host, address=server.address(host), port=port)
            (work / "sources" / f"idle_{host}.toml").write_text(text)
        for number in range(1, args.polls + 1):
            measure.wait_until_quiet(args.quiet, 120)
            polls.append(_poll(work, port))
            print(f"poll {number}: {polls[-1]['wall_s']:.1f} s", flush=True)
    loads = [p["load_before"] for p in polls[1:]]
    print(f"\n{measure.circumstances()}; {args.sources} sources;")
    print(f"load before {min(loads):.1f} to {max(loads):.1f}\n")
    print(_table(polls))


def _poll(work: Path, port: int) -> dict[str, Any]:
    """Poll once, and return what it cost and left."""
    archive = work / "archive"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSARCHIVE")}
    environment |= {
        "NEWSARCHIVE_ARCHIVE": str(archive),
        "NEWSARCHIVE_STATE_DIR": str(work / "state"),
        "NEWSARCHIVE_SOURCES_DIR": str(work / "sources"),
        "NEWSARCHIVE_SOURCES": "idle_*",
        "PYTHONPATH": str(measure.ROOT / "include"),
    }
    before = _held(archive)
    server.statistics(port)
    command = [sys.executable, "-m", "newsarchive.cli", "poll"]
    cost = measure.run(command, environment, work / "log")
    after = _held(archive)
    return (
        asdict(cost)
        | server.statistics(port)
        | {name: after[name] - before[name] for name in after}
    )


def _held(archive: Path) -> dict[str, float]:
    """Return what an archive holds: rows of all tables, KB and files."""
    if not archive.is_dir():
        return {"rows": 0, "kilobytes": 0, "files": 0}
    live = [path for name in TABLES for _, path in Archive(archive).open(name).files()]
    files = [f for f in archive.rglob("*") if f.is_file()]
    return {
        "rows": sum(pq.read_metadata(archive / path).num_rows for path in live),
        "kilobytes": sum(f.stat().st_size for f in files) / 1000,
        "files": len(files),
    }


def _table(polls: list[dict[str, Any]]) -> str:
    lines = [
        f"| poll | {' | '.join(COLUMNS.values())} |",
        f"|---|{'---|' * len(COLUMNS)}",
    ]
    rows = [(str(n), p) for n, p in enumerate(polls, 1)]
    if idle := polls[1:]:
        rows.append(
            ("median of the idle", {c: statistics.median(p[c] for p in idle) for c in COLUMNS})
        )
    for name, poll in rows:
        values = (f"{poll[c]:.1f}" if c.endswith("_s") else f"{poll[c]:.0f}" for c in COLUMNS)
        lines.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
