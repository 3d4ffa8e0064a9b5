"""An archive of ten years: bytes an article, time to open it, time to publish one more day.

    make bench-archive [ARGS="--articles 5000000 --years 10 --peers 1000000"]

Arabic articles of about 1,800 characters, words by Zipf's law, are written month by month through
the tables, as a run writes them: with their links, captures, versions, index and stories, and with
each day's listings and coverage. A run that was stopped goes on with the month after the last one.
Then:

- what opening `archive.duckdb` and the first count(*) of one day take, each in a new process
- what publishing one more day takes
- bytes an article, beside the same rows as JSON lines in gzip, in SQLite and in a DuckDB table:
  these are made of the first --peers articles, one after the other, and deleted again
"""

import argparse
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from benchmarks import measure

from newsarchive import settings, steps
from newsarchive.schema import TABLES, Table
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive

LAST = date(2026, 9, 30)
WITH_TEXTS = ("versions", "articles", "article_index")
WRITTEN = (*WITH_TEXTS, "links", "captures", "stories", "listings", "coverage")
WORDS = 60_000
LETTERS = np.array(list("ابتثجحخدذرزسشصضطظعغفقكلمنهوي"))
OPEN = """
import sys, time
import duckdb
began = time.perf_counter()
archive = duckdb.connect(sys.argv[1], read_only=True)
opened = time.perf_counter()
archive.execute("SELECT count(*) FROM articles WHERE article_day = CAST(? AS DATE)", [sys.argv[2]])
found = archive.fetchone()[0]
print(opened - began, time.perf_counter() - began, found)
"""


class Texts:
    """Draws texts of Arabic letters whose words are as frequent as those of a language."""

    def __init__(self, seed: int) -> None:
        """Make the vocabulary; the same for the same seed."""
        self._chance = np.random.default_rng(seed)
        lengths = self._chance.integers(2, 9, WORDS)
        self._words = np.array(["".join(self._chance.choice(LETTERS, n)) for n in lengths], object)
        frequencies = 1 / np.arange(1, WORDS + 1)
        self._until = np.cumsum(frequencies / frequencies.sum())

    def draw(self, number: int, words: int) -> list[str]:
        """Return texts of about so many words."""
        sizes = np.maximum(1, self._chance.normal(words, words / 5, number).astype(int))
        places = np.searchsorted(self._until, self._chance.random(int(sizes.sum())))
        drawn = self._words[np.minimum(places, WORDS - 1)]
        return [" ".join(part) for part in np.split(drawn, np.cumsum(sizes)[:-1])]


def rows(table: Table, number: int, given: dict[str, Any]) -> pa.Table:
    """Return rows of a table with some columns given, and nothing in the others."""
    arrays = []
    for field in table.arrow:
        if field.name in given:
            arrays.append(pa.array(given[field.name], field.type))
        elif field.nullable:
            arrays.append(pa.nulls(number, field.type))
        elif pa.types.is_list(field.type) or pa.types.is_map(field.type):
            arrays.append(pa.array([[]] * number, field.type))
        else:
            nothing = "" if pa.types.is_string(field.type) else 0
            arrays.append(pa.array([nothing] * number, field.type))
    return pa.Table.from_arrays(arrays, schema=table.arrow)


def month_of(texts: Texts, days: list[date], a_day: int, sources: int) -> dict[str, pa.Table]:
    """Return the rows of each table for some days with so many articles each."""
    number = len(days) * a_day
    day = [d for d in days for _ in range(a_day)]
    ids = [sha256(f"{d}{n}".encode()).hexdigest()[:24] for d in days for n in range(a_day)]
    page, text, record = ([sha256(f"{k}{i}".encode()).hexdigest() for i in ids] for k in "ptr")
    moments = [
        datetime(d.year, d.month, d.day, tzinfo=UTC) + timedelta(seconds=86_399 * n // a_day)
        for d in days
        for n in range(a_day)
    ]
    common: dict[str, Any] = {
        "article_id": ids,
        "version_id": [i[::-1] for i in ids],
        "source": [f"paper_{n % sources}" for n in range(number)],
        "url": [f"https://paper-{n % sources}.example/{i}" for n, i in enumerate(ids)],
        "title": texts.draw(number, 9),
        "text": texts.draw(number, 300),
        "word_count": [300] * number,
        "published_at": moments,
        "published_day": day,
        "published_precision": ["second"] * number,
        "language": ["ar"] * number,
        "state": ["live"] * number,
        "text_sha256": text,
        "payload_sha256": page,
        "parser_version": ["3"] * number,
        "source_version": ["none"] * number,
        "capture_id": ids,
        "warc_path": [f"raw/run_day={d}/pages.warc.gz" for d in day],
        "warc_offset": [n * 20_000 for n in range(number)],
        "warc_length": [20_000] * number,
        "record_sha256": record,
    }
    return {
        "versions": rows(
            TABLES["versions"],
            number,
            common
            | {
                "run_day": day,
                "link_id": ids,
                "visit": ["first"] * number,
                "captured_at": moments,
                "seen_until": moments,
            },
        ),
        "articles": rows(
            TABLES["articles"],
            number,
            common
            | {
                "article_day": day,
                "versions": [1] * number,
                "first_run_day": day,
                "last_run_day": day,
                "first_seen": moments,
                "last_seen": moments,
            },
        ),
        "article_index": rows(
            TABLES["article_index"],
            number,
            {
                "run_month": [d.replace(day=1) for d in day],
                "run_day": day,
                "article_id": ids,
                "article_day": day,
            },
        ),
        "links": rows(
            TABLES["links"],
            number,
            {name: common[name] for name in ("source", "url", "title")}
            | {"run_day": day, "link_id": ids, "host": common["source"]},
        ),
        "captures": rows(
            TABLES["captures"],
            number,
            {name: common[name] for name in ("capture_id", "source", "url", "payload_sha256")}
            | {name: common[name] for name in ("warc_path", "warc_offset", "warc_length")}
            | {"run_day": day, "link_id": ids, "captured_at": moments, "record_sha256": record}
            | {"kind": ["page"] * number, "outcome": ["ok"] * number, "status": [200] * number},
        ),
        "stories": rows(
            TABLES["stories"],
            number,
            {"article_day": day, "article_id": ids, "story_id": ids, "text_sha256": text}
            | {"signature": [sha256(i.encode()).digest() * 2 for i in ids]},
        ),
        **{
            name: rows(
                TABLES[name],
                len(days) * sources,
                {"run_day": [d for d in days for _ in range(sources)]}
                | {"source": [f"paper_{n}" for _ in days for n in range(sources)]},
            )
            for name in ("listings", "coverage")
        },
    }


def months(first: date, last: date) -> Iterator[list[date]]:
    """Yield the days from first to last, month by month."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for month in sorted({d.replace(day=1) for d in days}):
        yield [d for d in days if d.replace(day=1) == month]


def fill(root: Path, args: argparse.Namespace, progress: Path) -> dict[str, float]:
    """Write what is not written yet; return seconds of processor time, by table."""
    nothing = {"months": 0, "cpu_s": dict.fromkeys(WRITTEN, 0.0)}
    state = json.loads(progress.read_text()) if progress.exists() else nothing
    first = LAST - timedelta(days=365 * args.years - 1)
    archive = Archive(root)
    for place, days in enumerate(months(first, LAST)):
        if place < state["months"]:
            continue
        made = month_of(Texts(place), days, args.a_day, args.sources)
        for name, table in made.items():
            began = time.process_time()
            partitions = set(table[TABLES[name].partition].unique().to_pylist())
            archive.open(name).replace(table, partitions)
            state["cpu_s"][name] += time.process_time() - began
        state["months"] = place + 1
        progress.write_text(json.dumps(state))
        print(f"\r{days[-1]}: {(place + 1) * 100 // (12 * args.years + 1)} %", end="", flush=True)
    print()
    named: dict[str, dict[date, list[str]]] = {}
    for name in WRITTEN:
        for day, path in archive.open(name).files():
            named.setdefault(name, {}).setdefault(day, []).append(path)
    with snapshot.publishing(root):
        snapshot.build(root, named, [])
    return dict(state["cpu_s"])


def opening(root: Path, times: int) -> tuple[float, float]:
    """Return what opening takes, and opening with the first count of a day; medians, seconds."""
    found = []
    for n in range(times):
        day = LAST - timedelta(days=100 * n + 1)
        words = [sys.executable, "-c", OPEN, str(root / snapshot.NAME), str(day)]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        found.append((float(told[0]), float(told[1])))
    return statistics.median(f[0] for f in found), statistics.median(f[1] for f in found)


def publishing(root: Path, args: argparse.Namespace) -> float:
    """Publish days after the last; return the median of the seconds that one took."""
    given = settings.load(archive=str(root), state_dir=root.parent / "state", sources="sample_en")
    # Of a run before, whose archive was kept, some are there: to publish them again takes less.
    last = max(day for day, _ in Archive(root).open("articles").files())
    found = []
    for n in range(1, 4):
        day = last + timedelta(days=10 * n)
        made = month_of(Texts(1000 + n), [day], args.a_day, args.sources)
        Archive(root).open("versions").replace(made["versions"], [day])
        began = time.perf_counter()
        steps.publish(day, given)
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def size_of(root: Path) -> int:
    """Return the bytes of the articles' live files."""
    return sum((root / path).stat().st_size for _, path in Archive(root).open("articles").files())


def peers(root: Path, work: Path, number: int) -> dict[str, float]:
    """Return bytes an article of the same rows elsewhere; each is deleted once it is measured."""
    found = {}
    chosen = f"SELECT * FROM articles LIMIT {number}"  # noqa: S608 - a number
    with snapshot.reading(root) as reader:
        place = work / "peer.jsonl.gz"
        reader.execute(f"COPY ({chosen}) TO '{place}' (FORMAT json, COMPRESSION gzip)")
        found["JSON lines, gzip"] = place.stat().st_size / number
        place.unlink()
        place = work / "peer.sqlite"
        with closing(sqlite3.connect(place)) as other:
            cursor = reader.execute(chosen)
            marks = ", ".join("?" * len(cursor.description))
            names = ", ".join(f'"{c[0]}"' for c in cursor.description)
            other.execute(f"CREATE TABLE articles ({names})")
            while batch := cursor.fetchmany(10_000):
                plain = (
                    [v if v is None or isinstance(v, int) else str(v) for v in r] for r in batch
                )
                other.executemany(f"INSERT INTO articles VALUES ({marks})", plain)  # noqa: S608
            other.commit()
        found["SQLite"] = place.stat().st_size / number
        place.unlink()
        place = work / "peer.duckdb"
        parquet = work / "peer.parquet"
        reader.execute(f"COPY ({chosen}) TO '{parquet}' (FORMAT parquet)")
    with closing(duckdb.connect(str(place))) as other:
        other.execute(f"CREATE TABLE articles AS FROM '{parquet}'")
        other.execute("CHECKPOINT")
    found["DuckDB table"] = place.stat().st_size / number
    place.unlink()
    parquet.unlink()
    return found


def main() -> None:
    """Fill, measure, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=5_000_000)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--sources", type=int, default=40)
    parser.add_argument("--peers", type=int, default=1_000_000, help="articles beside other forms")
    parser.add_argument("--keep", action="store_true", help="leave the archive where it is")
    args = parser.parse_args()
    args.a_day = args.articles // (365 * args.years)
    if not args.a_day:
        sys.exit("--articles: one a day at least")
    work = measure.CACHE / f"archive-{args.articles}-{args.years}"
    work.mkdir(parents=True, exist_ok=True)
    needed = 3_000 * args.articles + 10_000 * min(args.peers, args.articles)
    if shutil.disk_usage(work).free < needed:
        sys.exit(f"{work}: needs {needed / 1e9:.0f} GB of free disk; ask for fewer --articles")
    root = work / "archive"
    filled = fill(root, args, work / "progress.json")
    number = args.a_day * 365 * args.years
    opened, counted = opening(root, 7)
    bytes_each = size_of(root) / number
    published = publishing(root, args)
    print(f"\n{measure.circumstances()}; {number:,} articles on {365 * args.years:,} days\n")
    print("| what | |\n|---|---|")
    for what, names in (("articles alone", ["articles"]), ("with versions and index", WITH_TEXTS)):
        rate = number / sum(filled[n] for n in names)
        print(f"| written, articles a second and core, {what} | {rate:,.0f} |")
    print(f"| open the archive, ms | {opened * 1000:.0f} |")
    print(f"| open it and count the articles of one day, ms | {counted * 1000:.0f} |")
    print(f"| publish one more day, s | {published:.2f} |")
    print("\n| bytes an article | | ratio |\n|---|---|---|")
    print(f"| ours | {bytes_each:,.0f} | 1.0 |")
    for name, size in peers(root, work, min(args.peers, number)).items():
        print(f"| {name} | {size:,.0f} | {size / bytes_each:.1f} |")
    if not args.keep:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
