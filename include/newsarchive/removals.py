"""Articles that were removed on request: which rows are theirs. Pure.

A tombstone holds ids alone, all of them hashes. Whatever is about to be kept is held against them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# By table: the columns that name an article, a link or a document.
_COLUMNS = {
    "links": {"link_id": "links"},
    "captures": {"link_id": "links"},
    "versions": {"article_id": "articles", "parent_article_id": "articles", "link_id": "links"},
    "rejects": {"link_id": "links"},
    "articles": {"article_id": "articles", "parent_article_id": "articles"},
    "article_index": {"article_id": "articles", "shown_as": "articles"},
    "aliases": {"alias_id": "articles", "article_id": "articles"},
    "stories": {"article_id": "articles"},
}
TABLES = tuple(_COLUMNS)
"""Tables whose rows may be those of a removed article."""
_OF_DOCUMENTS = ("captures", "versions", "rejects")


@dataclass(frozen=True, slots=True)
class Removals:
    """What recognises the articles that were removed."""

    articles: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    payloads: frozenset[str] = frozenset()
    """SHA-256 of documents."""

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self.articles or self.links or self.payloads)

    def rows_of(self, table: str, there: Collection[str] | None = None) -> pc.Expression:
        """Return the filter for the rows of a table that are theirs.

        Args:
            table: its name.
            there: the columns that there are, of a file that may be older; None: all.
        """
        given = {"articles": self.articles, "links": self.links}
        terms = [
            _one_of(column, given[kind])
            for column, kind in _COLUMNS[table].items()
            if there is None or column in there
        ]
        if table in _OF_DOCUMENTS and (there is None or {"link_id", "payload_sha256"} <= {*there}):
            document = pc.is_null(pc.field("link_id"))
            terms.append(document & _one_of("payload_sha256", self.payloads))
        return reduce(or_, terms, pc.scalar(False))

    def without(self, table: str, rows: pa.Table) -> pa.Table:
        """Return the rows of a table that are not theirs."""
        if not self or table not in _COLUMNS:
            return rows
        return rows.filter(~self.rows_of(table))


def removals_of(rows: Iterable[Mapping[str, Any]]) -> Removals:
    """Return what recognises the articles of some tombstones, rows of `removals`."""
    articles: set[str] = set()
    links: set[str] = set()
    payloads: set[str] = set()
    for row in rows:
        articles.update(row["article_ids"], [row["article_id"]])
        links.update(row["link_ids"])
        payloads.update(row["payloads"])
    return Removals(frozenset(articles), frozenset(links), frozenset(payloads))


def _one_of(column: str, values: Iterable[str]) -> pc.Expression:
    # A NULL is none of them: `~` of it must keep the row.
    return pc.coalesce(
        pc.field(column).isin(pa.array(sorted(values), pa.string())), pa.scalar(False)
    )
