"""`import_warcs`: pages from WARC files that somebody has, read where they lie or copied."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pyarrow.compute as pc

from newsarchive import sums
from newsarchive.days import today
from newsarchive.errors import ArchiveError
from newsarchive.fetch.scan import Member, Scanner, scan_file
from newsarchive.fetch.transport import Ended
from newsarchive.fetch.warc import WarcFiles
from newsarchive.objects import on_disk
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.schema import CAPTURES
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.sources.load import WARC
from newsarchive.steps.listings import file_links
from newsarchive.steps.parsing import parse_day
from newsarchive.steps.place import Place, Progress, place_of, quiet, reported
from newsarchive.steps.publishing import show_day
from newsarchive.steps.records import Records
from newsarchive.store.tables import committing, rows_of
from newsarchive.text.domains import Domains

LINKED = "raw/linked"
"""Below the archive: links to the files that are read where they lie."""


def import_warcs(
    files: Sequence[Path],
    first: date | None = None,
    last: date | None = None,
    domains: Sequence[str] = (),
    *,
    in_place: bool = False,
    settings: Settings | None = None,
    progress: Progress = quiet,
) -> Outcome:
    """Take the pages of declared sources out of WARC files, parse and publish them.

    A page is filed under the day that it states, else under that of its capture. What is in the
    archive already adds nothing, but its days are published again: an import that was killed may
    not have come to that. A file that is no WARC file costs a note.

    Args:
        files: WARC files, packed or not.
        first: first run day wanted.
        last: last one, included.
        domains: only pages of these, as `example.com` or `example.com/news`.
        in_place: leave the records where they lie, and link to the files; else copy them.
        settings: as loaded from the environment, if None.
        progress: told of each file.

    Raises:
        ArchiveError: a file cannot be read.
    """
    place = place_of(settings)
    outcome = Outcome("import", [])
    sources = Domains({s.name: s.known_as for s in place.declared.values()})
    within = Domains({"": domains}) if domains else None
    newest = today()

    def names(url: str) -> list[str]:
        return sources.names(url) if within is None or within.names(url) else []

    def filing(published: date | None, captured: date) -> date | None:
        day = captured if published is None or published > newest else published
        return None if (first and day < first) or (last and day > last) else day

    touched: set[tuple[date, str]] = set()
    for done, file in enumerate(files, 1):
        touched |= _take_in(place, file, names, filing, in_place, outcome)
        progress("files", done, len(files))
    by_day: dict[date, list[Source]] = defaultdict(list)
    for day, name in sorted(touched):
        by_day[day].append(place.declared[name])
    with Parsers() as parsers:
        for done, (day, those) in enumerate(by_day.items(), 1):
            file_links(place, day, those, outcome, asked=False)
            committing(f"parse {day}", parse_day, place, day, outcome, progress, parsers)
            show_day(place, day, outcome)
            progress("days", done, len(by_day))
    return reported(outcome)


def _take_in(
    place: Place,
    file: Path,
    names: Callable[[str], list[str]],
    filing: Callable[[date | None, date], date | None],
    in_place: bool,
    outcome: Outcome,
) -> set[tuple[date, str]]:
    """Keep the wanted pages of one file; return their run days and sources."""
    lies_at = _linked(on_disk(place.root, "--in-place"), file) if in_place else None
    with WarcFiles(place.root, WARC, place.settings.user_agent) as warc:
        kept_in = None if in_place else warc
        removed = place.archive.removed().links
        records = Records(WARC, file.name, kept_in, lies_at, _known(place, WARC), removed)

        def found(member: Member) -> None:
            for name in names(member.url):
                records.keep(member, place.declared[name], filing)

        scanner = Scanner(lambda url: bool(names(url)), found, records.forget)
        try:
            scan_file(file, scanner, anywhere=not in_place)
        except Ended as ended:
            hint = ""
            if in_place and "one record to each" in ended.error:
                hint = "; such a file can only be copied"
            outcome.notes.append(f"{file}: {ended.error}{hint}")
            outcome.add(WARC, "invalid files")
    if lies_at and records.captures:
        sums.record_files(place.root, [place.root / lies_at])
    place.archive.append("captures", rows_of(records.captures, CAPTURES))
    outcome.add(WARC, "files")
    for capture in records.captures:
        outcome.add(capture.source, "pages")
    for what, number in (
        ("known already", records.known),
        ("left out", records.others),
        ("removed on request", records.removed),
        ("unreadable", records.unreadable),
    ):
        if number:
            outcome.add(WARC, what, number)
    return records.touched


def _linked(root: Path, file: Path) -> str:
    """Return the path below the archive of a link to a file, making it if need be."""
    target = file.resolve()
    sign = hashlib.sha256(str(target).encode()).hexdigest()[:8]
    link = root / LINKED / f"{sign}-{target.name}"
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(target)
    except OSError as error:
        raise ArchiveError(f"{link}: {error.strerror}") from None
    return f"{LINKED}/{link.name}"


def _known(place: Place, provider: str) -> list[str]:
    rows = place.archive.open("captures").read(
        columns=["capture_id", "provider"], where=pc.field("provider") == provider
    )
    found: list[str] = rows["capture_id"].to_pylist()
    return found
