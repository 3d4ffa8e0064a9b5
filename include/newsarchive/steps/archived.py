"""Listings that are archived: which captures they are, and what they say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow.compute as pc

from newsarchive import discover as discovery
from newsarchive.discover import Index, Layout
from newsarchive.discover.gdelt import Gdelt
from newsarchive.discover.links import Archived
from newsarchive.discover.wayback import Wayback
from newsarchive.fetch.session import Fetched, Request
from newsarchive.fetch.warc import read_record
from newsarchive.model import Entry
from newsarchive.objects import Folder
from newsarchive.sources import Source
from newsarchive.sources.load import INDEXES, NEVER_POLLED
from newsarchive.steps.place import Place
from newsarchive.store.tables import Archive

MEMORY_DAYS = 30  # how far back a listing's last poll is looked for
# Reading depends on no address.
_INDEXES: dict[str, Index] = {"gdelt": Gdelt(""), "wayback": Wayback("")}


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
        wanted &= (pc.field("outcome") == "ok") & (pc.field("kind") != "page")
    rows = archive.open("captures").read(days, _COLUMNS, where=wanted).to_pylist()
    return sorted(rows, key=lambda r: (r["captured_at"], r["capture_id"]))


def by_source(captures: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return captures by source, in their order."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in captures:
        grouped[row["source"]].append(row)
    return grouped


def is_declared(source: Source, route: str) -> bool:
    """Say whether a source has listings of a route: an index that it no longer names has none."""
    return route not in INDEXES or route in source.indexes


def index_page(place: Place, row: Mapping[str, Any], request: Request) -> discovery.Page:
    """Return what an index said that was asked by an earlier run.

    Args:
        place: where.
        row: the capture that holds its answer.
        request: the same wish, now.
    """
    body = read_record(place.root, row["warc_path"], row["warc_offset"], row["warc_length"]).body
    index = _INDEXES[request.route or ""]
    return index.read(body, row["run_day"], request.source, request.url)


def memory_of(earlier: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the polls before a day that tell which entries are old: of each listing the last one.

    Args:
        earlier: captures of one source's listings before the day, earliest first.
    """
    last = {
        (r["listing"], r["url"]): r
        for r in earlier
        if r["route"] not in NEVER_POLLED and r["outcome"] == "ok"
    }
    return list(last.values())


class Pages:
    """Archived listings with their content read, each different body once."""

    def __init__(self, root: Folder, sources: Mapping[str, Source]) -> None:
        self._root = root
        self._sources = sources
        self._read: dict[tuple[str, str, Layout | None], discovery.Page] = {}

    def archived(self, row: Mapping[str, Any]) -> Archived | None:
        """Return the listing that a capture holds; None where it holds no bytes."""
        if row["outcome"] != "ok":
            return None
        source = self._sources.get(row["source"])
        if row["kind"] == "page":  # it came with the index, or with somebody's WARC file
            page = discovery.Page([Entry(row["url"])], [], None)
            return replace(_archived(row, page), url=row["listing"])
        if row["kind"] == "index":
            if source is None or row["route"] not in _INDEXES:
                return None
            index = _INDEXES[row["route"]]
            return _archived(row, index.read(self._body(row), row["run_day"], source, row["url"]))
        layout = None
        if source is not None:
            layout = discovery.layout_of(
                source, row["kind"], row["listing"], row["route"], row["captured_at"]
            )
        key = row["url"], row["payload_sha256"], layout
        if key not in self._read:
            self._read[key] = discovery.read(
                self._body(row), row["url"], row["content_type"], layout
            )
        return _archived(row, self._read[key])

    def _body(self, row: Mapping[str, Any]) -> bytes:
        where = row["warc_path"], row["warc_offset"], row["warc_length"]
        return read_record(self._root, *where).body

    def fetched(self, fetched: Fetched) -> Archived:
        """Return a listing that was fetched just now."""
        capture = fetched.last
        return Archived(
            captured_at=capture.captured_at,
            listing=fetched.request.listing or capture.url,
            route=fetched.request.route or "feed",
            url=capture.url,
            page=page_of(fetched, fetched.body or b"", capture.run_day),
            payload_sha256=capture.payload_sha256 or "",
        )


def _archived(row: Mapping[str, Any], page: discovery.Page) -> Archived:
    return Archived(
        captured_at=row["captured_at"],
        listing=row["listing"],
        route=row["route"],
        url=row["url"],
        page=page,
        payload_sha256=row["payload_sha256"],
    )


def page_of(fetched: Fetched, body: bytes, day: date) -> discovery.Page:
    """Return what a listing that was asked just now says.

    Args:
        fetched: the exchange.
        body: what came; after a 304 what is archived.
        day: the run day that it was asked for.
    """
    request, capture = fetched.request, fetched.last
    if request.kind == "index":
        return _INDEXES[request.route or ""].read(body, day, request.source, request.url)
    layout = discovery.layout_of(
        request.source, request.kind, request.listing, request.route, capture.captured_at
    )
    return discovery.read(body, capture.url, capture.content_type, layout)
