"""Small archives for tests: rows made of a few words, written through the store, published."""

import dataclasses
import hashlib
import zlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake.exceptions import CommitFailedError

from newsarchive.model import Article, Capture, Coverage, Link, Reject, Version
from newsarchive.schema import COVERAGE, TABLES
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive, rows_of
from newsarchive.text.identity import article_id, capture_id, link_id, version_id

DAY = date(2026, 3, 1)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def version(day: date = DAY, url: str = "https://a.example/1", **changes: Any) -> Version:
    """Return a version whose ids are what they would be; `payload` is the page's text."""
    source = changes.pop("source", "paper_a")
    payload = changes.pop("payload", f"{url} {day}")
    digest = hashlib.sha256(payload.encode()).hexdigest()
    identity = changes.pop("article_id", article_id(source, url))
    values: dict[str, Any] = {
        "run_day": day,
        "version_id": version_id(identity, digest),
        "article_id": identity,
        "source": source,
        "url": url,
        "link_id": link_id(source, url),
        "canonical_url": url,
        "visit": "first",
        "state": "live",
        "changes": [],
        "part": 0,
        "parent_article_id": None,
        "title": "A title",
        "text": "First paragraph.\n\nSecond paragraph.",
        "word_count": 4,
        "authors": [],
        "published_at": None,
        "published_day": None,
        "published_precision": None,
        "modified_at": None,
        "summary": None,
        "keywords_raw": None,
        "keywords": [],
        "section": None,
        "language": "en",
        "image_url": None,
        "origin": None,
        "related": [],
        "evidence": {"title": "jsonld"},
        "confidence": {},
        "cited_agencies": [],
        "text_sha256": digest,
        "parser_version": "1",
        "source_version": "none",
        "payload_sha256": digest,
        "capture_id": capture_id(source, url, day, payload),
        "captured_at": at(day),
        "seen_until": changes.get("captured_at", at(day)),
        "warc_path": f"raw/run_day={day}/pages.warc.gz",
        "warc_offset": 0,
        "warc_length": 1,
        "record_sha256": digest,
    }
    return Version(**(values | changes))


def covered(
    day: date = DAY, source: str = "paper_a", status: str = "complete", **more: Any
) -> Coverage:
    values: dict[str, Any] = {f.name: 0 for f in dataclasses.fields(Coverage) if f.type is int} | {
        "run_day": day,
        "source": source,
        "status": status,
        "note": None,
        "routes": ["dated"],
    }
    values |= {"expected_min": None, "expected_max": None}
    return Coverage(**(values | more))


def publish(
    root: Path, days: dict[str, dict[date, list[str]]], sources: Iterable[Any] = ()
) -> None:
    with snapshot.publishing(root):
        snapshot.build(root, days, sources)


def write(root: Path, records: Iterable[Any]) -> dict[str, dict[date, list[str]]]:
    """Replace the partitions of the records' days; return their files, by table and day."""
    named: dict[str, dict[date, list[str]]] = {}
    kinds = {
        Version: "versions",
        Coverage: "coverage",
        Article: "articles",
        Link: "links",
        Reject: "rejects",
        Capture: "captures",
    }
    by_table: dict[str, list[Any]] = {}
    for record in records:
        by_table.setdefault(kinds[type(record)], []).append(record)
    for name, made in by_table.items():
        table = TABLES[name]
        rows = rows_of(made, table)
        days = set(rows[table.partition].to_pylist())
        Archive(root).open(name).replace(rows, days)
        named[name] = files(root, name, days)
    return named


def files(root: Path, name: str, days: Iterable[date]) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {day: [] for day in days}
    for day, path in Archive(root).open(name).files(found):
        found[day].append(path)
    return found


def store_pages(root: Path, versions: Iterable[Version], pages: Iterable[bytes]) -> list[Version]:
    """Write a WARC resource record for each page, and return the versions as they lead to them."""
    stored = []
    for made, page in zip(versions, pages, strict=True):
        digest = hashlib.sha256(page).hexdigest()
        head = (
            "WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:"
            f"{digest[:8]}-0000-4000-8000-000000000000>\r\nWARC-Target-URI: {made.url}\r\n"
            "WARC-Date: 2026-03-01T12:00:00Z\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(page)}\r\n\r\n"
        )
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        record = packer.compress(head.encode() + page + b"\r\n\r\n") + packer.flush()
        path = root / made.warc_path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            offset = file.tell()
            file.write(record)
        stored.append(
            dataclasses.replace(
                made,
                warc_offset=offset,
                warc_length=len(record),
                record_sha256=hashlib.sha256(record).hexdigest(),
            )
        )
    return stored


def archive_of(
    root: Path, versions: list[Version], *others: Any, sources: Iterable[Any] = ()
) -> Path:
    """Publish an archive of versions, the articles merged of them, and other records."""
    from newsarchive.articles import merge  # parsing is heavy, and only this needs it

    articles = merge([dataclasses.asdict(v) for v in versions], {s.name: s for s in sources})
    filed = {a.article_id: a.article_day for a in articles}
    named = write(root, [*versions, *articles, *others])
    index = TABLES["article_index"]
    pairs = sorted({(v.run_day, v.article_id) for v in versions})
    rows = pa.Table.from_pylist(
        [
            {
                "run_month": d.replace(day=1),
                "run_day": d,
                "article_id": i,
                "article_day": filed[i],
            }
            for d, i in pairs
        ],
        schema=index.arrow,
    )
    months = {d.replace(day=1) for d, _ in pairs}
    Archive(root).open("article_index").replace(rows, months)
    named["article_index"] = files(root, "article_index", months)
    publish(root, named, sources)
    return root


def days_from(day: date, number: int) -> list[date]:
    return [day + timedelta(days=n) for n in range(number)]


def coverage_rows(*sources: str, day: date = DAY) -> pa.Table:
    return rows_of([covered(day, s) for s in sources], COVERAGE)


def open_wait_replace(root: Path, day: date, name: str, opened: object, go: object) -> str:
    """Open, say so, wait for the word, commit; return what came of it."""
    target = Archive(root).open("coverage")
    opened.set()  # type: ignore[attr-defined]
    go.wait(60)  # type: ignore[attr-defined]
    try:
        target.replace(coverage_rows(name, day=day), [day])
    except CommitFailedError:
        return "second"
    return "first"


def publish_days(root: Path, first: date, number: int) -> int:
    for day in days_from(first, number):
        publish(root, write(root, [covered(day)]))
    return number
