"""Which versions make an article: its own, of every run day and of every address that it had."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.articles import merge
from newsarchive.moves import MOVED, RETITLED, remaining
from newsarchive.schema import ARTICLE_INDEX, ARTICLES
from newsarchive.sources import Source
from newsarchive.steps.place import having, one_of, pairs, table_of
from newsarchive.store.tables import rows_of

_GROUP = 1000  # articles that are objects at once; the rest of a day is compact Arrow


@dataclass(frozen=True, slots=True)
class Touched:
    """Some articles whole: everything that decides what they are."""

    ids: frozenset[str]
    """Every id that versions, aliases or the index have for them."""
    filed: pa.Table
    """Their rows in the index so far."""
    aliases: pa.Table
    """Of moves."""
    versions: pa.Table
    shown_as: Mapping[str, str]
    """The id that is shown in place of another one."""

    @property
    def any_of_ids(self) -> pc.Expression:
        """A filter: rows whose `article_id` is one of theirs."""
        return one_of("article_id", self.ids)


def touched_by(targets: Mapping[str, Any], day: date, ids: Iterable[str]) -> Touched:
    """Return the articles that some ids belong to, with all their versions.

    The index leads from an id to the run days with versions or aliases of it, aliases and embedded
    articles to other ids, until there are no more.

    Args:
        targets: article_index, aliases and versions.
        day: a run day that is looked at too, though the index may not have it yet.
        ids: ids of articles that versions have.
    """
    known = frozenset(ids)
    while True:
        own = one_of("article_id", known)
        filed = targets["article_index"].read(where=own)
        days = sorted({day, *filed["run_day"].to_pylist()})
        aliases = moves_of(targets, days, own | one_of("alias_id", known))
        family = targets["versions"].read(
            days,
            ["article_id", "parent_article_id"],
            where=own | one_of("parent_article_id", known),
        )
        found = known.union(
            aliases["alias_id"].to_pylist(),
            aliases["article_id"].to_pylist(),
            family["article_id"].to_pylist(),
            family["parent_article_id"].drop_null().to_pylist(),
        )
        if found == known:
            break
        known = found
    versions = targets["versions"].read(days, where=own)
    first = versions.group_by("article_id").aggregate([("run_day", "min")])
    first_run_day = pairs(first, "article_id", "run_day_min")
    return Touched(known, filed, aliases, versions, remaining(first_run_day, aliases.to_pylist()))


def moves_of(targets: Mapping[str, Any], days: Iterable[date], where: Any = None) -> pa.Table:
    """Return the aliases of some run days that tell of moves."""
    rows: pa.Table = targets["aliases"].read(days, where=where)
    return having(rows, "reason", pa.array([MOVED, RETITLED]))


def merged(touched: Touched, sources: Mapping[str, Source]) -> pa.Table:
    """Merge versions into articles, some at a time: a day's texts are not objects all at once."""
    made = [ARTICLES.arrow.empty_table()]
    shown = pa.array(
        [touched.shown_as.get(i, i) for i in touched.versions["article_id"].to_pylist()],
        pa.string(),
    )
    identities = pc.unique(shown)
    for n in range(0, len(identities), _GROUP):
        some = touched.versions.filter(pc.is_in(shown, value_set=identities[n : n + _GROUP]))
        made.append(rows_of(merge(some.to_pylist(), sources, touched.shown_as), ARTICLES))
    return pa.concat_tables(made)


def index_rows(touched: Touched, article_day: Mapping[str, date], ids: Collection[str]) -> pa.Table:
    """Return the rows of the index that are right for some ids.

    Args:
        touched: their articles.
        article_day: the day that each article is filed under, by the id that it is shown as.
        ids: the ids.
    """
    pairs = {
        (run_day, identity)
        for table, column in (
            (touched.versions, "article_id"),
            (touched.aliases, "article_id"),
            (touched.aliases, "alias_id"),
        )
        for run_day, identity in zip(
            table["run_day"].to_pylist(), table[column].to_pylist(), strict=True
        )
        if identity in ids
    }
    return table_of(
        [
            {
                "run_month": run_day.replace(day=1),
                "run_day": run_day,
                "article_id": identity,
                # What an alias names may have no version, and so no day of its own.
                "article_day": article_day.get(touched.shown_as.get(identity, identity), run_day),
                "shown_as": touched.shown_as.get(identity),
            }
            for run_day, identity in pairs
        ],
        ARTICLE_INDEX.arrow,
    )


def file_index(target: Any, touched: Touched, rows: pa.Table, ids: Collection[str]) -> set[date]:
    """Make `rows` all that the index has of some ids; return the months that it changed."""
    filed = having(touched.filed, "article_id", pa.array(sorted(ids), pa.string()))
    months = {*rows["run_month"].to_pylist(), *filed["run_month"].to_pylist()}
    others = ~one_of("article_id", ids)
    target.replace(pa.concat_tables([target.read(months, where=others), rows]), months)
    return months
