"""`parse`: versions and rejects from the bytes in the archive; no network."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from newsarchive.steps.capturing import visits_of
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
from newsarchive.visits import history

_PARALLEL_FROM = 48  # pages; below that starting processes costs more than it gives


_CHUNK = 8


def parse(run_day: date, settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Make versions and rejects of `run_day`'s captures; needs no network.

    Rows that the same parser made of the same capture are reused.
    """
    place = place_of(settings)
    outcome = Outcome("parse", run_days(place, run_day))
    for work in plan_of(place, run_day):
        committing(f"parse {work.day}", parse_day, place, work.day, outcome, progress)
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
    old = [_version(row) for row in targets["versions"].read([day]).to_pylist()]
    old_rejects = [Reject(**row) for row in targets["rejects"].read([day]).to_pylist()]
    visits = [
        *visits_of(captures).values(),
        *([row] for row in _first_of_each_import(captures)),
    ]
    rows, parsed, reused = rows_of_visits(place, visits, links, [*old, *old_rejects], progress)
    versions = [r for r in rows if isinstance(r, Version)]
    rejects = [r for r in rows if isinstance(r, Reject)]
    targets["versions"].replace(rows_of(versions, VERSIONS), [day])
    targets["rejects"].replace(rows_of(rejects, REJECTS), [day])
    _keep_aliases(targets["aliases"], day, old, versions)
    for version in versions:
        outcome.add(version.source, "versions")
    for reject in rejects:
        outcome.add(reject.source, "rejects")
    outcome.notes.append(f"{day}: {parsed} parsed, {reused} reused")


def _version(row: Mapping[str, Any]) -> Version:
    return Version(**{**row, "evidence": dict(row["evidence"])})


def rows_of_visits(
    place: Place,
    visits: Iterable[Sequence[Mapping[str, Any]]],
    links: Mapping[str, Link],
    old: Iterable[Version | Reject],
    progress: Progress,
) -> tuple[list[Version | Reject], int, int]:
    """Return the rows of some links' visits, and how many captures were parsed and how many reused.

    Args:
        place: where.
        visits: for each link (or document), the captures of its visits, redirects left out.
        links: by id.
        old: rows that an earlier parse made.
        progress: told of each capture.
    """
    reusable: dict[tuple[str, str, str], list[Version | Reject]] = defaultdict(list)
    for record in old:
        if not (isinstance(record, Version) and record.state == "gone"):
            key = record.capture_id, record.parser_version, record.source_version
            reusable[key].append(record)
    jobs: list[_Job] = []
    made: dict[str, Sequence[Version | Reject]] = {}
    chains: list[list[Capture]] = []
    for rows in visits:
        chain = [Capture(**row) for row in rows]
        chains.append(chain)
        for capture in _worth_parsing(chain):
            source = place.declared.get(capture.source)
            key = capture.capture_id, PARSER_VERSION, source.version if source else NO_SOURCE
            if key in reusable:
                made[capture.capture_id] = reusable[key]
                continue
            final = clean_url(capture.url) or capture.url
            jobs.append(_Job(place.root, capture, links.get(capture.link_id or ""), final, source))
    reused = len(made)
    for done, (job, records) in enumerate(zip(jobs, _parsed(jobs), strict=True), 1):
        made[job.capture.capture_id] = records
        progress("parsed", done, len(jobs))
    found = [
        record
        for chain in chains
        for record in history((c, made.get(c.capture_id, ())) for c in chain)
    ]
    return found, len(jobs), reused


def _worth_parsing(chain: Sequence[Capture]) -> list[Capture]:
    """Return the captures of a link's visits that have something to tell.

    Of failures only the last counts, where nothing better is there.
    """
    held = [c for c in chain if c.outcome == "ok"]
    failed = [c for c in chain if c.outcome not in ("ok", "not_modified")]
    last = max(failed, key=lambda c: (c.captured_at, c.attempt, c.hop), default=None)
    return held if held or last is None else [last]


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


def _keep_aliases(target: Any, day: date, old: Sequence[Version], new: Sequence[Version]) -> None:
    """Record the former id of each article that the parser now gives another one."""
    before = {(v.source, v.url, v.part): v.article_id for v in old}
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
