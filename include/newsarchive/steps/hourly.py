"""Within the hour: what a poll shows for the first time is fetched, parsed and shown to readers.

Everything here only adds: rows to the running day's partitions, files to the snapshot. What an hour
costs depends on what is new in it, not on the hours before; only the day's stories, which are
small, are told anew. `archive_day` completes the day
afterwards and leaves one file of each table.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.coverage import is_definitive
from newsarchive.discover.links import discover as discover_links
from newsarchive.fetch.session import Fetched
from newsarchive.model import Link
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.schema import ARTICLES, LINKS, REJECTS, VERSIONS
from newsarchive.sources import Source
from newsarchive.steps.archived import MEMORY_DAYS, Pages, by_source, listing_captures, memory_of
from newsarchive.steps.capturing import capturing, visits_of
from newsarchive.steps.merging import file_index, index_rows, merged, touched_by
from newsarchive.steps.page_requests import PageRequests
from newsarchive.steps.pages import wanted_pages
from newsarchive.steps.parsing import Portion, rows_of_captures
from newsarchive.steps.place import Place, Progress, count_rows, having, one_of, pairs
from newsarchive.steps.publishing import named, named_stories
from newsarchive.steps.stories import group_stories
from newsarchive.store import snapshot
from newsarchive.store.tables import committing, rows_of
from newsarchive.visits import FIRST

_SHOWN = ("links", "captures", "versions", "rejects")


def collect(place: Place, changed: Sequence[Fetched], outcome: Outcome, progress: Progress) -> None:
    """Bring what some listings show for the first time into the running day, up to the snapshot.

    Args:
        place: where.
        changed: the listings that answered with new bytes just now.
        outcome: what the poll did.
        progress: told of each page.
    """
    by_day: dict[date, list[Fetched]] = defaultdict(list)
    for fetched in changed:
        by_day[fetched.last.run_day].append(fetched)
    for day, listings in sorted(by_day.items()):
        sources = {f.request.source.name: f.request.source for f in listings}
        committing(f"links of {day}", _file_new_links, place, day, listings, sources, outcome)
        asked = _fetch(place, day, sources.values(), outcome, progress)
        if asked:
            committing(f"new rows of {day}", _parse, place, day, asked, outcome, progress)
            with snapshot.publishing(place.root):
                committing(f"show {day}", _show, place, day, asked, outcome)


def _file_new_links(
    place: Place,
    day: date,
    listings: Sequence[Fetched],
    sources: dict[str, Source],
    outcome: Outcome,
) -> None:
    target = place.archive.open("links")
    there = target.read([day], ["source", "url"])
    known = set(zip(there["source"].to_pylist(), there["url"].to_pylist(), strict=True))
    days = [day - timedelta(days=n) for n in range(1, MEMORY_DAYS + 1)]
    before = by_source(listing_captures(place.archive, days, held=True))
    pages = Pages(place.root, place.declared)
    removed = place.archive.removed().links
    new: list[Link] = []
    for name, source in sources.items():
        archived = [pages.fetched(f) for f in listings if f.request.source.name == name]
        memory = [a for r in memory_of(before.get(name, [])) if (a := pages.archived(r))]
        found = discover_links(source, day, archived, memory).links
        new += [
            link
            for link in found
            if (link.source, link.url) not in known and link.link_id not in removed
        ]
    target.append(rows_of(new, LINKS))
    for link in new:
        outcome.add(link.source, "new links")


def _fetch(
    place: Place, day: date, sources: Iterable[Source], outcome: Outcome, progress: Progress
) -> list[str]:
    """Capture the pages of links that were not visited yet; return the links asked."""
    wanted = wanted_pages(place, day, sources, place.settings.max_attempts)
    requests = PageRequests(r for r in wanted if r.visit == FIRST)
    asked = []
    if len(requests):
        with capturing(place, day, "hourly", outcome) as (fetcher, put):
            for done, fetched in enumerate(fetcher.fetch(requests), 1):
                put(fetched)
                progress("pages", min(done, len(requests)), len(requests))
                if fetched.request.link_id and fetched.captures:
                    asked.append(fetched.request.link_id)
    return asked


def _parse(
    place: Place,
    day: date,
    asked: Sequence[str],
    outcome: Outcome,
    progress: Progress,
) -> None:
    """Add the rows of the pages asked, but for those that another try may still bring."""
    targets = place.archive.open_all("versions", "rejects")
    of_asked = one_of("link_id", asked)
    captures = place.archive.open("captures").read([day], where=of_asked)
    links = place.archive.open("links").read([day], where=of_asked)
    over = {
        link_id
        for link_id, rows in visits_of(captures).items()
        if any(is_definitive(r["outcome"], r["status"]) for r in rows)
    }
    there = set(targets["versions"].read([day], ["link_id"], of_asked)["link_id"].to_pylist())
    there |= set(targets["rejects"].read([day], ["link_id"], of_asked)["link_id"].to_pylist())
    fresh = having(captures, "link_id", pa.array(sorted(over - there), pa.string()))
    with Parsers() as parsers:
        made = [
            rows
            for _, rows in rows_of_captures(
                place, [Portion(fresh, links)], len(over - there), progress, parsers
            )
        ]
    versions = pa.concat_tables([VERSIONS.arrow.empty_table(), *(m.versions for m in made)])
    rejects = pa.concat_tables([REJECTS.arrow.empty_table(), *(m.rejects for m in made)])
    # One commit a table: when the second is lost, the first is found again by its links.
    targets["versions"].append(versions)
    targets["rejects"].append(rejects)
    count_rows(outcome, versions, "versions")
    count_rows(outcome, rejects, "rejects")


def _show(place: Place, day: date, asked: Sequence[str], outcome: Outcome) -> None:
    """Add new articles to the snapshot; an article that was there already is merged anew."""
    targets = place.archive.open_all("articles", "article_index", "aliases", "stories", *_SHOWN)
    of_asked = one_of("link_id", asked)
    ids = targets["versions"].read([day], ["article_id"], of_asked)["article_id"].to_pylist()
    touched = touched_by(targets, day, ids)
    made = merged(targets, touched, place.declared)
    articles = pa.concat_tables([ARTICLES.arrow.empty_table(), *made])
    article_day = pairs(articles, "article_id", "article_day")
    shown = {i: touched.shown_as.get(i, i) for i in touched.ids}
    there = {shown[i] for i in touched.filed["article_id"].to_pylist()}
    again = frozenset(i for i in touched.ids if shown[i] in there)
    of_again = pc.is_in(articles["article_id"], pa.array(sorted(again), pa.string()))
    changed = set(article_day.values())
    if again:
        days = {
            *touched.filed["article_day"].to_pylist(),
            *(d for i, d in article_day.items() if i in there),
        }
        changed |= days
        others = targets["articles"].read(days, where=~touched.any_of_ids)
        known = articles.filter(of_again)
        targets["articles"].replace(pa.concat_tables([others, known]), days)
        known_rows = index_rows(touched, article_day, again)
        file_index(targets["article_index"], touched, known_rows, again)
    targets["articles"].append(articles.filter(pc.invert(of_again)))
    fresh = index_rows(touched, article_day, touched.ids - again)
    targets["article_index"].append(fresh)
    grouped = group_stories(targets, changed)
    finished = {name: named(targets[name], [day]) for name in _SHOWN}
    finished["stories"] = named_stories(place, targets["stories"], grouped)
    finished["articles"] = named(targets["articles"], changed)
    months = {d.replace(day=1) for d in (day, *touched.filed["run_day"].to_pylist())}
    finished["article_index"] = named(targets["article_index"], months)
    snapshot.build(place.root, finished, place.declared.values())
    count_rows(outcome, articles, "articles")
