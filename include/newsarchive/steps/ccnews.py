"""CC-NEWS: each file is streamed once for all sources and for all the days that it may hold.

What is found is kept as it stands, filed under its run day, whichever day's run came upon it: so
the run of a neighbouring day finds the file done. A file is done or not done: its pages and the
rows that say for which sources it was searched are committed together, after it was read whole.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import filelock
import pyarrow.compute as pc

from newsarchive import discover as discovery
from newsarchive.discover.ccnews import CcNews, day_of_file, in_order, runs_on
from newsarchive.discover.index import state_of
from newsarchive.fetch import state as state_folder
from newsarchive.fetch.leases import safe_name
from newsarchive.fetch.scan import Member, Scanner
from newsarchive.fetch.session import Fetched, Request
from newsarchive.fetch.warc import WarcFiles, read_record
from newsarchive.model import Capture, Link, ListingState
from newsarchive.outcome import Outcome
from newsarchive.schema import CAPTURES
from newsarchive.sources import Source
from newsarchive.steps.capturing import capturing
from newsarchive.steps.place import Place, Progress, one_of
from newsarchive.steps.records import Records
from newsarchive.store.tables import rows_of
from newsarchive.text.domains import Domains
from newsarchive.text.identity import capture_id

log = logging.getLogger(__name__)

NAME = CcNews.name
_OVER = frozenset({"ok", "invalid"})
"""Outcomes of a file that another try would only repeat."""


def ask(
    place: Place, day: date, sources: Sequence[Source], outcome: Outcome, progress: Progress
) -> None:
    """Search the files that may hold a day's pages and were not searched for some source yet."""
    wanting = [s for s in sources if _wants(place, s, day)]
    if not wanting:
        return
    _ask_lists(place, day, outcome)
    files = _named(place, day, [r for r in _lists(place, day).values() if r["outcome"] == "ok"])
    days = place.ccnews.reads(day)
    searched = _searched(place, days, [s.name for s in wanting])
    left = [f for f in files if any((s.name, f) not in searched for s in wanting)]
    for number, file in enumerate(left, 1):
        with _alone(place, file) as ours:
            # Another run may have searched it while we waited.
            done = _searched(place, days, [s.name for s in wanting])
            needed = [s for s in wanting if (s.name, file) not in done]
            if needed and ours:
                _search(place, file, needed, outcome)
        progress("files of CC-NEWS", number, len(left))


def state(place: Place, day: date, source: Source, links: Iterable[Link]) -> ListingState | None:
    """Return what CC-NEWS answered of a source for a day; None where it was not to be asked."""
    if place.ccnews not in discovery.indexes_for(source, day, place.newest):
        return None
    lists = _lists(place, day)
    known = [r for r in lists.values() if r["outcome"] == "ok"]
    files = _named(place, day, known)
    ended = _ended(place, place.ccnews.reads(day), source.name)
    unread = [f for f in files if ended.get(f, {}).get("outcome") not in _OVER]
    invalid = [f for f in files if ended.get(f, {}).get("outcome") == "invalid"]
    problem = None
    if len(known) < len(place.ccnews.addresses(day)):
        absent = all(r["status"] == 404 for r in lists.values()) and lists and not known
        status = "not_found" if absent else "failed"
        problem = None if absent else "no list of its files"
    elif not files:
        status, problem = "not_found", "it has no files of those days"
    elif unread:
        errors = sorted({e for f in unread if (e := ended.get(f, {}).get("error"))})
        status, problem = "failed", f"{len(unread)} of {len(files)} files not read"
        problem = "; ".join([problem, *errors[:2]])
    else:
        status = "answered"
    gap = f"{len(invalid)} of {len(files)} files of CC-NEWS are invalid" if invalid else None
    return state_of(NAME, day, source, links, status=status, gap=gap, problem=problem)


def _wants(place: Place, source: Source, day: date) -> bool:
    """Say whether a source is looked for in the files: for links, or for bytes alone."""
    index = place.ccnews
    reaches = index.first_day <= day <= place.newest[index]
    return reaches and (NAME in source.indexes or NAME in source.bodies)


def _lists(place: Place, day: date) -> dict[str, dict[str, Any]]:
    """Return how the latest request for each list of files of a day's months ended, by address."""
    months = {d.replace(day=1) for d in place.ccnews.reads(day)}
    mine = (pc.field("source") == NAME) & one_of("url", place.ccnews.addresses(day))
    columns = ["url", "outcome", "status", "captured_at", "warc_path", "warc_offset", "warc_length"]
    rows = place.archive.open("captures").read(months, [*columns, "source"], where=mine)
    ordered = sorted(
        rows.to_pylist(), key=lambda r: (r["outcome"] == "ok", r["captured_at"], r["url"])
    )
    return {r["url"]: r for r in ordered}


def _named(place: Place, day: date, lists: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the files that lists which are archived name for a day."""
    files: list[str] = []
    for row in lists:
        record = read_record(place.root, row["warc_path"], row["warc_offset"], row["warc_length"])
        page = place.ccnews.read(record.body, day)
        if page.problem:
            log.warning("%s: %s", row["url"], page.problem)
        files += [c.url for c in page.children]
    return in_order(files)


def _ask_lists(place: Place, day: date, outcome: Outcome) -> None:
    """Ask for the lists of files of a day's months that are not here, or not complete."""
    known = _lists(place, day)
    host = place.hosts_of_indexes[NAME]
    newest = place.ccnews.reads(day)[-1]
    requests = [
        Request(source=host, kind="index", url=url, absent=frozenset({404}))
        for url in place.ccnews.addresses(day)
        # A list grows until its month is over: what was asked before a day was over lacks some.
        if (row := known.get(url)) is None
        or row["outcome"] != "ok"
        or row["captured_at"].date() <= newest
    ]
    if requests:
        with capturing(place, day, f"{NAME}-lists", outcome) as (fetcher, put):
            for fetched in fetcher.fetch(requests):
                put(_filed(fetched, _month_of(fetched.request.url)))


def _month_of(url: str) -> date | None:
    parts = url.split("/")
    try:
        return date(int(parts[-3]), int(parts[-2]), 1)
    except (ValueError, IndexError):
        return None  # robots.txt


def _filed(fetched: Fetched, day: date | None) -> Fetched:
    """Return what came of a request, filed under the day that the index has it under."""
    if day is None:
        return fetched
    return replace(fetched, captures=[replace(c, run_day=day) for c in fetched.captures])


def _ended(place: Place, days: Iterable[date], source: str) -> dict[str, dict[str, Any]]:
    """Return how the search of each file for a source ended, by the file's address."""
    of_source = (
        (pc.field("source") == source) & (pc.field("route") == NAME) & (pc.field("kind") == "index")
    )
    columns = ["url", "outcome", "error", "captured_at", "source", "route", "kind"]
    rows = place.archive.open("captures").read(days, columns, where=of_source).to_pylist()
    ordered = sorted(rows, key=lambda r: (r["outcome"] in _OVER, r["captured_at"]))
    return {r["url"]: r for r in ordered}


def _searched(place: Place, days: Iterable[date], names: Iterable[str]) -> set[tuple[str, str]]:
    """Return the files that need not be searched again, with the source, of some days' files."""
    days = list(days)
    return {
        (name, file)
        for name in names
        for file, row in _ended(place, days, name).items()
        if row["outcome"] in _OVER
    }


@contextmanager
def _alone(place: Place, file: str) -> Iterator[bool]:
    """Hold the lease of a file, so that no two runs stream it at once; freed at death.

    Yields whether it is held: a run that was paused may keep it longer than a file can take.
    """
    folder = state_folder.made(place.settings.state_dir / "ccnews")
    lock = filelock.FileLock(folder / f"{safe_name(file)}.lock", fallback_to_soft=False)
    try:
        lock.acquire(timeout=2 * place.settings.stream_timeout)
    except filelock.Timeout:
        log.warning("%s: another run has been reading it too long; left for a later run", file)
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _search(place: Place, file: str, sources: Sequence[Source], outcome: Outcome) -> None:
    """Stream a file and keep the pages of some sources that it holds."""
    day = day_of_file(file) or date.min
    by_name = {s.name: s for s in sources}
    domains = Domains({s.name: s.known_as for s in sources})
    host = place.hosts_of_indexes[NAME]
    with (
        WarcFiles(place.root, NAME, place.settings.user_agent) as warc,
        capturing(place, day, f"{NAME}-files", outcome) as (fetcher, put),
    ):
        records = Records(NAME, file, warc, removed=place.archive.removed().links)
        ended, error = "connection", None

        def run_day(published: date | None, crawled: date) -> date | None:
            return runs_on(published, crawled, place.ccnews.days_after)

        def found(member: Member) -> None:
            for name in domains.names(member.url):
                records.keep(member, by_name[name], run_day)

        scanner = Scanner(lambda url: bool(domains.names(url)), found, records.forget)
        request = Request(source=host, kind="index", url=file, keep=False, sink=scanner)
        for fetched in fetcher.fetch([request]):
            put(fetched)
            if fetched.request.kind == "robots":
                continue
            if not fetched.captures:
                error = fetched.detail
                continue
            last = fetched.last
            ended = last.outcome
            error = f"HTTP {last.status}" if ended == "http_error" else last.error
        if ended not in _OVER:
            records.forget()
    for capture in records.captures:
        outcome.add(capture.source, "pages of CC-NEWS")
    rows = [_searched_row(day, file, s.name, ended, error) for s in sources]
    place.archive.append("captures", rows_of([*records.captures, *rows], CAPTURES))


def _searched_row(day: date, file: str, source: str, ended: str, error: str | None) -> Capture:
    """Return the row that says how the search of a file for a source ended."""
    return Capture(
        run_day=day,
        capture_id=capture_id(day, source, file, "searched", ended),
        source=source,
        kind="index",
        url=file,
        link_id=None,
        listing=NAME,
        route=NAME,
        visit="first",
        attempt=1,
        hop=0,
        outcome=ended,
        captured_at=datetime.now(UTC),
        error=error,
    )
