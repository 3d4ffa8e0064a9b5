"""Sitemaps: urlset, news sitemap, sitemap index, and the plain-text kind."""

import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from lxml import etree

from newsarchive.days import bounds, local_dates
from newsarchive.discover.feed import entry
from newsarchive.discover.markup import Document, elements, joined, local_name
from newsarchive.discover.page import Child, Page
from newsarchive.model import Entry
from newsarchive.text.address_dates import span_in_url
from newsarchive.text.dates import parse_listed
from newsarchive.text.identity import clean_url

_MOST_ENTRIES = 100_000  # twice what the protocol allows in a file
_ADDRESS = re.compile(r"https?://\S+$", re.IGNORECASE)
_A_DAY = timedelta(days=1)
_AT_ONCE = timedelta(minutes=10)


def read_sitemap(document: Document, url: str) -> Page:
    """Return the entries of a sitemap or the children of an index, in the order of the file.

    Args:
        document: one whose root is urlset, sitemapindex or text.
        url: where it was fetched; an index that names itself is no child of its own.
    """
    if document.root == "text":
        return _read_text(document)
    if document.root == "sitemapindex":
        _, found, problem = elements(document, ("sitemap",), _MOST_ENTRIES)
        children = [c for e in found if (c := _child(e, url)) is not None]
        return Page([], children, problem)
    _, found, problem = elements(document, ("url",), _MOST_ENTRIES)
    return Page([e for f in found if (e := _entry(f)) is not None], [], problem)


def children_for(
    page: Page, run_day: date, timezone: str | None = None, most: int = 50
) -> list[str]:
    """Return which children of an index may hold entries of `run_day`, the likeliest first.

    A date in a child's address decides where there is one; else its lastmod, which cannot be before
    the entries that it lists; a child with neither is taken. First those named for the day, then
    for its month or year, then by lastmod from the run day on, then the rest.

    As lastmod may lie: where it is one and the same for all, and long past, it tells nothing; and
    the child with the latest is taken in any case. Of more than `most` that nothing tells apart,
    those at both ends are likelier to be the newest.

    Args:
        page: of a sitemap index.
        run_day: a UTC day.
        timezone: the source's; without it, the days beside `run_day` count too, as in some zone
            they overlap it.
        most: how many at most.
    """
    days = (
        list(local_dates(run_day, timezone))
        if timezone
        else [run_day - _A_DAY, run_day, run_day + _A_DAY]
    )
    spans = _spans([c.url for c in page.children])
    start = bounds(run_day)[0]
    ranked: list[tuple[int, int, int, str]] = []
    stamps = [m for c in page.children if c.url not in spans and (m := _modified(c)) is not None]
    latest = max(stamps, default=start)
    stuck = len(stamps) > 2 and latest - min(stamps) <= _AT_ONCE and latest < start - 2 * _A_DAY
    for position, child in enumerate(page.children):
        span = spans.get(child.url)
        if span is not None:
            if any(span[0] <= d <= span[1] for d in days):
                ranked.append(
                    ((span[1] - span[0]).days, abs((span[0] - run_day).days), position, child.url)
                )
            continue
        modified = None if stuck else _modified(child)
        if modified is None:
            ranked.append((1001, 0, position, child.url))
        # A day or a time without zone may be up to a day off.
        elif modified >= start - (
            timedelta(0) if child.lastmod and child.lastmod.tzinfo else _A_DAY
        ):
            ranked.append((1000, int((modified - start).total_seconds()), position, child.url))
        elif modified == latest:
            ranked.append((1002, 0, position, child.url))
    if len(ranked) > most:
        ranked = _ends_first(ranked)
    return list(dict.fromkeys(url for *_, url in sorted(ranked)))[:most]


def _ends_first(ranked: list[tuple[int, int, int, str]]) -> list[tuple[int, int, int, str]]:
    """Rank those of equal likelihood by how near they are to either end of their row."""
    found = []
    for _, group in groupby(sorted(ranked), key=lambda r: r[:2]):
        row = list(group)
        found += [(a, b, min(n, len(row) - 1 - n), url) for n, (a, b, _, url) in enumerate(row)]
    return found


def _modified(child: Child) -> datetime | None:
    if child.lastmod is not None:
        return child.lastmod if child.lastmod.tzinfo else child.lastmod.replace(tzinfo=UTC)
    return bounds(child.lastmod_day)[0] if child.lastmod_day else None


def _spans(urls: list[str]) -> dict[str, tuple[date, date]]:
    """Return the days that addresses name, where those of the same shape agree that they do.

    sitemap-2001.xml is the year 2001 beside sitemap-2002.xml, and part 2001 beside sitemap-7.xml.
    """
    shapes: dict[str, list[tuple[str, tuple[date, date] | None]]] = defaultdict(list)
    for url in urls:
        shapes[re.sub(r"\d+", "0", url)].append((url, span_in_url(url)))
    spans: dict[str, tuple[date, date]] = {}
    for group in shapes.values():
        known = [(url, span) for url, span in group if span is not None]
        if len(known) < len(group):
            continue
        yearly = any((last - first).days > 31 for _, (first, last) in known)
        for url, (first, last) in known:  # 2026-37 says that 2026-11 is no month either
            spans[url] = (
                (date(first.year, 1, 1), date(last.year, 12, 31)) if yearly else (first, last)
            )
    return spans


def _text_of(element: etree._Element, name: str) -> str | None:
    for child in element:
        if local_name(child) == name:
            return "".join(str(t) for t in child.itertext()).strip() or None
    return None


def _child(element: etree._Element, base: str) -> Child | None:
    url = clean_url(_text_of(element, "loc") or "", base)
    if url is None or url == clean_url(base):
        return None
    stamp = parse_listed(_text_of(element, "lastmod"))
    return Child(url, stamp.at if stamp else None, stamp.day if stamp else None)


def _entry(element: etree._Element) -> Entry | None:
    url = _text_of(element, "loc")
    if not url:
        return None
    news = next((c for c in element if local_name(c) == "news"), None)
    published = title = None
    if news is not None:
        published, title = _text_of(news, "publication_date"), _text_of(news, "title")
    return entry(url, title, parse_listed(published), parse_listed(_text_of(element, "lastmod")))


def _read_text(document: Document) -> Page:
    lines = [line.strip() for line in document.text.splitlines() if line.strip()]
    if document.problem and not document.text.endswith("\n"):
        del lines[-1:]  # cut off: so may be the last address
    problem = document.problem
    if len(lines) > _MOST_ENTRIES:
        problem = joined(problem, f"more than {_MOST_ENTRIES} entries; the rest is left out")
        del lines[_MOST_ENTRIES:]
    addresses = [line for line in lines if _ADDRESS.match(line)]
    if len(addresses) < len(lines):
        problem = joined(problem, f"{len(lines) - len(addresses)} lines are no address")
    return Page([Entry(a) for a in addresses], [], problem)
