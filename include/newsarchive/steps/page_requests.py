"""The requests for a day's pages, in little memory."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from newsarchive.fetch.session import Request
from newsarchive.sources import Source
from newsarchive.steps.place import table_of

ABSENT = frozenset({404})
"""What an archive answers for a page that it does not have."""


class PageRequests:
    """Requests for pages, as Arrow: a day's as objects would be ten times as large."""

    _SCHEMA = pa.schema(
        [
            ("source", pa.string()),
            ("url", pa.string()),
            ("link_id", pa.string()),
            ("visit", pa.string()),
            ("attempts_before", pa.int32()),
            ("etag", pa.string()),
            ("last_modified", pa.string()),
            ("validated", pa.string()),
            ("provider", pa.string()),
            ("page", pa.string()),
        ]
    )
    _BLOCK = 512

    def __init__(self, requests: Iterable[Request] = ()) -> None:
        """Take requests, in their order."""
        self._blocks: list[pa.Table] = []
        self._latest: list[Request] = []
        self._sources: dict[tuple[str, str], Source] = {}
        for request in requests:
            self.append(request)

    def append(self, request: Request) -> None:
        """Take one more."""
        self._sources.setdefault((request.source.name, request.provider), request.source)
        self._latest.append(request)
        if len(self._latest) == self._BLOCK:
            rows = [
                {name: getattr(r, name) for name in self._SCHEMA.names} | {"source": r.source.name}
                for r in self._latest
            ]
            self._blocks.append(table_of(rows, self._SCHEMA))
            self._latest = []

    def __len__(self) -> int:
        return len(self._blocks) * self._BLOCK + len(self._latest)

    def __iter__(self) -> Iterator[Request]:
        for block in self._blocks:
            yield from map(self._made, block.to_pylist())
        yield from self._latest

    def __getitem__(self, n: int) -> Request:
        block, row = divmod(n, self._BLOCK)
        if block == len(self._blocks):
            return self._latest[row]
        return self._made(self._blocks[block].slice(row, 1).to_pylist()[0])

    def _made(self, row: dict[str, Any]) -> Request:
        source = self._sources[row["source"], row["provider"]]
        absent = ABSENT if row["provider"] == "wayback" else frozenset[int]()
        return Request(**{**row, "source": source, "kind": "page", "absent": absent})
