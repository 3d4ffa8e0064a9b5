"""GDELT's files of a day, read once for all sources: what they say of each is kept by the hour.

A day is some hundreds of megabytes about the whole world. Each exchange has its row; of the bytes
the lines that name a source's pages are kept, as they stand, in one record for a source and hour.
An hour is done when every file of it came or is known to be absent: a killed run costs that hour.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.compute as pc

from newsarchive import discover as discovery
from newsarchive.discover.gdelt import ABSENT, Gdelt, lines_of
from newsarchive.discover.index import state_of
from newsarchive.fetch.session import Request
from newsarchive.fetch.warc import WarcFiles
from newsarchive.model import Capture, Link, ListingState
from newsarchive.outcome import Outcome
from newsarchive.schema import CAPTURES
from newsarchive.sources import Source
from newsarchive.steps.capturing import Put, capturing
from newsarchive.steps.place import Place, Progress
from newsarchive.store.tables import rows_of
from newsarchive.text.domains import Domains
from newsarchive.text.identity import capture_id

NAME = Gdelt.name
_ABSENT = "absent"


def ask(
    place: Place, day: date, sources: Sequence[Source], outcome: Outcome, progress: Progress
) -> None:
    """Read the hours of a day that some source has not had yet."""
    index, hours = place.gdelt, place.gdelt.hours(day)
    wanting = [s for s in sources if index in discovery.indexes_for(s, day, place.newest)]
    done = {s.name: _done(_hours(place, day, s.name)) for s in wanting}
    left = {
        hour: needed
        for hour in hours
        if (needed := [s for s in wanting if index.address_of(hour) not in done[s.name]])
    }
    if not left:
        return
    with capturing(place, day, NAME, outcome) as (fetcher, put):
        for number, (hour, needed) in enumerate(left.items()):
            _read_hour(place, day, hour, needed, (fetcher, put))
            progress("hours of GDELT", number + 1, len(left))


def state(place: Place, day: date, source: Source, links: Iterable[Link]) -> ListingState | None:
    """Return what GDELT answered of a source for a day; None where it was not to be asked.

    A day without a single file is no day without news: its store gives 403 to what is absent and
    to whom it refuses.
    """
    rows = _hours(place, day, source.name)
    asked = place.gdelt in discovery.indexes_for(source, day, place.newest)
    if NAME not in source.indexes or not (rows or asked):
        return None
    kinds = Counter(_kind(r) for r in rows.values())
    unread = 24 - kinds["ok"] - kinds[_ABSENT]
    problems = sorted({r["error"] for r in rows.values() if r["error"]})
    if unread:
        status, problems = "failed", [f"{unread} of 24 hours not read", *problems]
    elif not kinds["ok"]:
        refused = any(r["status"] == 403 for r in rows.values())
        status = "failed" if refused else "not_found"
        problems = ["no file of the day: there is none, or we are refused"] if refused else []
    else:
        status = "answered"
    gap = f"GDELT has no file of {kinds[_ABSENT]} of 24 hours" if kinds[_ABSENT] else None
    return state_of(
        NAME, day, source, links, status=status, gap=gap, problem="; ".join(problems) or None
    )


def _hours(place: Place, day: date, source: str) -> dict[str, dict[str, Any]]:
    """Return how each hour of a day that was read for a source ended, by its address."""
    of_source = (pc.field("source") == source) & (pc.field("route") == NAME)
    columns = ["url", "outcome", "status", "error", "captured_at", "source", "route"]
    rows = place.archive.open("captures").read([day], columns, where=of_source).to_pylist()
    ordered = sorted(rows, key=lambda r: (r["outcome"] == "ok", r["captured_at"]))
    return {r["url"]: r for r in ordered}


def _kind(row: dict[str, Any]) -> str:
    if row["outcome"] == "http_error" and row["status"] in ABSENT:
        return _ABSENT
    return str(row["outcome"])


def _done(rows: dict[str, dict[str, Any]]) -> set[str]:
    """Return the hours that need not be read again; if all are absent, that has to be seen anew."""
    kinds = {url: _kind(r) for url, r in rows.items()}
    if "ok" not in kinds.values():
        return set()
    return {url for url, kind in kinds.items() if kind in ("ok", _ABSENT)}


def _read_hour(
    place: Place, day: date, hour: datetime, sources: Sequence[Source], keep: tuple[Any, Put]
) -> None:
    """Ask for an hour's files, and keep what they say of each source."""
    fetcher, put = keep
    host = place.hosts_of_indexes[NAME]
    domains = Domains({s.name: s.known_as for s in sources})
    lines: dict[str, list[bytes]] = defaultdict(list)
    read, asked, problems, failed = 0, 0, [], []
    status: int | None = None
    requests = [
        Request(source=host, kind="index", url=url, absent=ABSENT, keep=False)
        for url in place.gdelt.minutes(hour)
    ]
    began = datetime.now(UTC)
    for fetched in fetcher.fetch(requests):
        put(fetched)
        if fetched.request.kind == "robots":
            continue
        asked += len(fetched.captures)
        if fetched.captures and fetched.last.outcome == "ok":
            found, problem = lines_of(fetched.body or b"", domains)
            for name, own in found.items():
                lines[name] += own
            read += 1
            name = fetched.request.url.rpartition("/")[2]
            problems += [f"{name}: {problem}"] if problem else []
        elif fetched.captures and fetched.last.status in ABSENT:
            status = max(status or 0, fetched.last.status or 0)
        else:
            failed.append(fetched.last.outcome if fetched.captures else fetched.why or "not asked")
    if not asked:
        return
    _keep_hour(place, day, hour, sources, began, lines, read, status, failed, problems)


def _keep_hour(
    place: Place,
    day: date,
    hour: datetime,
    sources: Sequence[Source],
    began: datetime,
    lines: dict[str, list[bytes]],
    read: int,
    status: int | None,
    failed: Sequence[str],
    problems: Sequence[str],
) -> None:
    """Write what an hour said of each source: its lines, or why there are none."""
    url = place.gdelt.address_of(hour)
    captures = []
    with WarcFiles(place.root, NAME, place.settings.user_agent) as warc:
        for source in sources:
            row = Capture(
                run_day=day,
                capture_id="",
                source=source.name,
                kind="index",
                url=url,
                link_id=None,
                listing=NAME,
                route=NAME,
                visit="first",
                attempt=1,
                hop=0,
                outcome="ok",
                captured_at=began,
                error="; ".join(problems)[:500] or None,
            )
            if failed:
                error = f"{len(failed)} files not read: {failed[0]}"
                captures.append(_with_id(row, outcome="broken", error=error))
            elif not read:
                captures.append(_with_id(row, outcome="http_error", status=status))
            else:
                # Workers bring the files in the order in which they come.
                body = b"".join(line + b"\n" for line in sorted(set(lines[source.name])))
                stored = warc.write_resource(day, url, body, "application/x-ndjson", began)
                captures.append(
                    _with_id(
                        row,
                        content_type="application/x-ndjson",
                        payload_bytes=len(body),
                        payload_sha256=hashlib.sha256(body).hexdigest(),
                        **stored.columns,
                    )
                )
    place.archive.append("captures", rows_of(captures, CAPTURES))


def _with_id(row: Capture, **more: Any) -> Capture:
    made = replace(row, **more)
    identity = capture_id(
        made.run_day, made.source, made.url, made.outcome, made.status, made.payload_sha256
    )
    return replace(made, capture_id=identity)
