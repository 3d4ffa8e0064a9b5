"""`import_files`: documents that come without a newspaper."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.compute as pc

from newsarchive.days import today
from newsarchive.errors import ArchiveError
from newsarchive.fetch.warc import WarcFiles
from newsarchive.model import Capture
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.schema import (
    CAPTURES,
)
from newsarchive.settings import Settings
from newsarchive.steps.parsing import parse_day
from newsarchive.steps.place import Place, Progress, place_of, quiet, reported
from newsarchive.steps.publishing import show_day
from newsarchive.store.tables import Archive, committing, rows_of
from newsarchive.text.identity import capture_id

IMPORTS = "imports"


def import_files(
    files: Sequence[Path],
    source: str = IMPORTS,
    settings: Settings | None = None,
    progress: Progress = quiet,
) -> Outcome:
    """Take plain-text articles into the archive: keep their bytes, parse and publish them.

    The run day is today; the articles are filed under the day that they state. Bytes that are in
    the archive already add nothing.

    Raises:
        ArchiveError: a file cannot be read; none is imported then.
    """
    place = place_of(settings)
    run_day = today()
    outcome = Outcome("import", [])
    bodies = []
    for file in files:
        try:
            bodies.append((file, file.read_bytes()))
        except OSError as error:
            raise ArchiveError(f"{file}: cannot be read: {error.strerror or error}") from None
    known = _imported(place.archive, source)
    removed = place.archive.removed().payloads
    captures: list[Capture] = []
    with WarcFiles(place.root, "imports", place.settings.user_agent) as warc:
        for done, (file, body) in enumerate(bodies, 1):
            digest = hashlib.sha256(body).hexdigest()
            outcome.add(source, "documents")
            if digest in removed:
                outcome.add(source, "removed on request")
            elif digest in known:
                outcome.add(source, "known already")
            else:
                known.add(digest)
                outcome.add(source, "new")
                now = datetime.now(UTC)
                urn = f"urn:sha256:{digest}"
                stored = warc.write_resource(run_day, urn, body, "text/plain", now)
                captures.append(
                    Capture(
                        run_day=run_day,
                        capture_id=capture_id(
                            run_day, source, file.name, "first", 1, 0, "ok", None, digest
                        ),
                        source=source,
                        kind="import",
                        url=file.name,
                        link_id=None,
                        listing=None,
                        route=None,
                        visit="first",
                        attempt=1,
                        hop=0,
                        outcome="ok",
                        captured_at=now,
                        content_type="text/plain",
                        payload_bytes=len(body),
                        payload_sha256=digest,
                        **stored.columns,
                    )
                )
            progress("documents", done, len(bodies))
    place.archive.append("captures", rows_of(captures, CAPTURES))
    unfinished = {c.run_day for c in captures} or _unpublished_imports(place, source)
    with Parsers() as parsers:
        for day in sorted(unfinished):
            committing(f"parse {day}", parse_day, place, day, outcome, progress, parsers)
            show_day(place, day, outcome)
    return reported(outcome)


def _imported(archive: Archive, source: str) -> set[str]:
    """Return the SHA-256 of every document that was imported under a source's name."""
    rows = archive.open("captures").read(
        columns=["payload_sha256"],
        where=(pc.field("kind") == "import") & (pc.field("source") == source),
    )
    return {d for d in rows["payload_sha256"].to_pylist() if d}


def _unpublished_imports(place: Place, source: str) -> set[date]:
    """Return the run days of imports that an earlier import kept but did not get to publish."""
    imports = (pc.field("kind") == "import") & (pc.field("source") == source)
    kept = place.archive.open("captures").read(columns=["run_day"], where=imports)
    shown = place.archive.open("coverage").read(
        columns=["run_day"], where=pc.field("source") == source
    )
    return set(kept["run_day"].to_pylist()) - set(shown["run_day"].to_pylist())
