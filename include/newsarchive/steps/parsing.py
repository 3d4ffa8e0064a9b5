"""`parse`: versions and rejects from the bytes in the archive; no network."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.articles import NO_SOURCE, reject_of, versions_of
from newsarchive.errors import ArchiveError
from newsarchive.fetch.warc import read_record
from newsarchive.model import Capture, Link, Refused, Reject, Version
from newsarchive.outcome import Outcome
from newsarchive.parse import PARSER_VERSION
from newsarchive.parse.document import parse_document
from newsarchive.parse.page import parse_page
from newsarchive.schema import (
    ALIASES,
    REJECTS,
    VERSIONS,
)
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.steps.capturing import page_outcomes
from newsarchive.steps.place import (
    Place,
    Progress,
    place_of,
    plan_of,
    quiet,
    reported,
    run_days,
    table_of,
)
from newsarchive.store.tables import committing, rows_of
from newsarchive.text.identity import clean_url

_PARALLEL_FROM = 48  # pages; below that starting processes costs more than it gives


_CHUNK = 8


def parse(run_day: date, settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Make versions and rejects of `run_day`'s captures; needs no network.

    Rows that the same parser made of the same capture are reused.
    """
    place = place_of(settings)
    outcome = Outcome("parse", run_days(place, run_day))
    for day, _ in plan_of(place, run_day):
        committing(f"parse {day}", parse_day, place, day, outcome, progress)
    return reported(outcome)


@dataclass(frozen=True, slots=True)
class _Job:
    """One capture to parse, with all that parsing it needs."""

    root: Path
    capture: Capture
    link: Link | None
    final_url: str
    source: Source | None


def parse_day(place: Place, day: date, outcome: Outcome, progress: Progress) -> None:
    """Replace the versions and rejects of a run day by what its captures say."""
    targets = place.archive.open_all("versions", "rejects", "aliases")
    captures = place.archive.open("captures").read(
        [day], where=pc.field("kind").isin(["page", "import"])
    )
    links = {
        row["link_id"]: Link(**row) for row in place.archive.open("links").read([day]).to_pylist()
    }
    old = targets["versions"].read([day]).to_pylist()
    old_rejects = targets["rejects"].read([day]).to_pylist()
    reusable: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in (*old, *old_rejects):
        reusable[row["capture_id"], row["parser_version"], row["source_version"]].append(row)

    ended = list(page_outcomes(captures).values())
    ended += _first_of_each_import(captures)
    jobs: list[_Job] = []
    versions: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for row in ended:
        source = place.declared.get(row["source"])
        key = row["capture_id"], PARSER_VERSION, source.version if source else NO_SOURCE
        if key in reusable:
            for reused in reusable[key]:
                (versions if "version_id" in reused else rejects).append(reused)
            continue
        capture = Capture(**row)
        final = clean_url(capture.url) or capture.url
        jobs.append(_Job(place.root, capture, links.get(capture.link_id or ""), final, source))
    made_versions: list[Version] = []
    made_rejects: list[Reject] = []
    for done, made in enumerate(_parsed(jobs), 1):
        for record in made:
            (made_versions if isinstance(record, Version) else made_rejects).append(record)  # type: ignore[arg-type]
        progress("parsed", done, len(jobs))
    new_versions = pa.concat_tables(
        [table_of(versions, VERSIONS.arrow), rows_of(made_versions, VERSIONS)]
    )
    new_rejects = pa.concat_tables(
        [table_of(rejects, REJECTS.arrow), rows_of(made_rejects, REJECTS)]
    )
    targets["versions"].replace(new_versions, [day])
    targets["rejects"].replace(new_rejects, [day])
    _keep_aliases(targets["aliases"], day, old, made_versions)
    for name in new_versions["source"].to_pylist():
        outcome.add(name, "versions")
    for name in new_rejects["source"].to_pylist():
        outcome.add(name, "rejects")
    outcome.notes.append(f"{day}: {len(jobs)} parsed, {len(ended) - len(jobs)} reused")


def _first_of_each_import(captures: pa.Table) -> list[dict[str, Any]]:
    """Return one capture for each document: bytes that two imports added at once are one."""
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in captures.to_pylist():
        if row["kind"] == "import":
            key = row["source"], row["payload_sha256"]
            first[key] = min(
                first.get(key, row), row, key=lambda r: (r["captured_at"], r["capture_id"])
            )
    return list(first.values())


def _parsed(jobs: list[_Job]) -> Iterator[list[Version | Reject]]:
    """Yield the rows of each job, in order; many jobs share all cores."""
    if len(jobs) < _PARALLEL_FROM or (os.cpu_count() or 1) < 2:
        yield from map(parse_one, jobs)
        return
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(parse_one, jobs, chunksize=_CHUNK)


def parse_one(job: _Job) -> list[Version | Reject]:
    """Return the rows that one capture becomes: versions, or one reject."""
    capture, link, source = job.capture, job.link, job.source
    if capture.outcome != "ok":
        detail = capture.error or (f"HTTP {capture.status}" if capture.status else None)
        return [reject_of(Refused(capture.outcome, detail), capture, link, source)]
    try:
        record = read_record(
            job.root, capture.warc_path or "", capture.warc_offset or 0, capture.warc_length or 0
        )
    except ArchiveError as error:
        return [reject_of(Refused("bytes_lost", str(error)), capture, link, source)]
    if capture.kind == "import":
        found = parse_document(record.body, name=capture.url)
    else:
        found = parse_page(
            record.body,
            url=job.final_url,
            content_type=capture.content_type,
            source=source,
            link=link,
            captured_at=capture.captured_at,
        )
    if isinstance(found, Refused):
        return [reject_of(found, capture, link, source)]
    return list(versions_of(found, capture, link, job.final_url, source))


def _keep_aliases(
    target: Any, day: date, old: Sequence[Mapping[str, Any]], new: Sequence[Version]
) -> None:
    """Record the former id of each article that the parser now gives another one."""
    before = {(r["source"], r["url"], r["part"]): r["article_id"] for r in old}
    changed = {
        (former, v.article_id)
        for v in new
        if (former := before.get((v.source, v.url, v.part))) and former != v.article_id
    }
    if changed:
        known = {(r["alias_id"], r["article_id"]) for r in target.read([day]).to_pylist()}
        rows = [
            {"run_day": day, "alias_id": a, "article_id": b} for a, b in sorted(known | changed)
        ]
        target.replace(table_of(rows, ALIASES.arrow), [day])
