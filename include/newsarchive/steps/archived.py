"""Listings that are archived: which captures they are, and what they say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from newsarchive import discover as discovery
from newsarchive.discover import Layout
from newsarchive.discover.links import Archived
from newsarchive.fetch.session import Fetched
from newsarchive.fetch.warc import read_record
from newsarchive.sources import Source
from newsarchive.store.tables import Archive

MEMORY_DAYS = 30  # how far back a listing's last poll is looked for


_COLUMNS = (
    *("run_day", "source", "kind", "url", "listing", "route", "outcome", "status", "captured_at"),
    *("capture_id", "content_type", "etag", "last_modified", "payload_sha256"),
    *("warc_path", "warc_offset", "warc_length"),
)


def listing_captures(
    archive: Archive, days: Iterable[date], *, held: bool = False
) -> list[dict[str, Any]]:
    """Return the captures of listings filed under some days, earliest first, redirects left out.

    Args:
        archive: where.
        days: run days.
        held: only those that hold bytes: of an hourly poll of many listings, few.
    """
    wanted = pc.field("listing").is_valid() & (pc.field("outcome") != "redirect")
    if held:
        wanted &= pc.field("outcome") == "ok"
    rows = archive.open("captures").read(days, _COLUMNS, where=wanted).to_pylist()
    return sorted(rows, key=lambda r: (r["captured_at"], r["capture_id"]))


def by_source(captures: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return captures by source, in their order."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in captures:
        grouped[row["source"]].append(row)
    return grouped


def memory_of(earlier: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the polls before a day that tell which entries are old: of each listing the last one.

    Args:
        earlier: captures of one source's listings before the day, earliest first.
    """
    last = {
        (r["listing"], r["url"]): r
        for r in earlier
        if r["route"] != "dated" and r["outcome"] == "ok"
    }
    return list(last.values())


class Pages:
    """Archived listings with their content read, each different body once."""

    def __init__(self, root: Path, sources: Mapping[str, Source]) -> None:
        self._root = root
        self._sources = sources
        self._read: dict[tuple[str, str, Layout | None], discovery.Page] = {}

    def archived(self, row: Mapping[str, Any]) -> Archived | None:
        """Return the listing that a capture holds; None where it holds no bytes."""
        if row["outcome"] != "ok":
            return None
        layout = None
        if (source := self._sources.get(row["source"])) is not None:
            layout = discovery.layout_of(
                source, row["kind"], row["listing"], row["route"], row["captured_at"]
            )
        key = row["url"], row["payload_sha256"], layout
        if key not in self._read:
            record = read_record(
                self._root, row["warc_path"], row["warc_offset"], row["warc_length"]
            )
            self._read[key] = discovery.read(record.body, row["url"], row["content_type"], layout)
        return Archived(
            captured_at=row["captured_at"],
            listing=row["listing"],
            route=row["route"],
            url=row["url"],
            page=self._read[key],
            payload_sha256=row["payload_sha256"],
        )

    def fetched(self, fetched: Fetched) -> Archived:
        """Return a listing that was fetched just now."""
        capture = fetched.last
        return Archived(
            captured_at=capture.captured_at,
            listing=fetched.request.listing or capture.url,
            route=fetched.request.route or "feed",
            url=capture.url,
            page=page_of(fetched, fetched.body or b""),
            payload_sha256=capture.payload_sha256 or "",
        )


def page_of(fetched: Fetched, body: bytes) -> discovery.Page:
    """Return what a listing that was asked just now says.

    Args:
        fetched: the exchange.
        body: what came; after a 304 what is archived.
    """
    request, capture = fetched.request, fetched.last
    layout = discovery.layout_of(
        request.source, request.kind, request.listing, request.route, capture.captured_at
    )
    return discovery.read(body, capture.url, capture.content_type, layout)
