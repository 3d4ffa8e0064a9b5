"""Listings: which addresses to ask for, and what each file says; `docs/listings.md` explains.

Pure functions: no sockets here.
"""

from collections.abc import Mapping
from datetime import date

from newsarchive.days import local_dates
from newsarchive.discover.feed import read_feed
from newsarchive.discover.html import feeds_named
from newsarchive.discover.index import Index
from newsarchive.discover.json_feed import read_json_feed
from newsarchive.discover.markup import joined, sniff
from newsarchive.discover.page import Child, Page
from newsarchive.discover.section import Layout, layout_of, read_section
from newsarchive.discover.sitemap import children_for, read_sitemap
from newsarchive.discover.walk import Ask, Walk
from newsarchive.sources.load import Source

__all__ = [
    "Ask",
    "Child",
    "Index",
    "Layout",
    "Page",
    "Walk",
    "asks",
    "children_for",
    "indexes_for",
    "layout_of",
    "polls",
    "read",
]


def polls(source: Source) -> list[Ask]:
    """Return what a poll of the present asks: feeds, sitemaps' roots, sections' first pages."""
    return [Ask(li.url, li.url, li.kind, li.kind) for li in source.listing if li.kind != "dated"]


def asks(source: Source, run_day: date) -> list[Ask]:
    """Return what the run of a past day may ask: dated listings and sitemaps.

    Feeds and section pages know only the present, and are never asked for a past day.

    Args:
        source: the publication.
        run_day: a UTC day; dated listings are asked for each of the source's local dates that
            overlaps it.
    """
    found: list[Ask] = []
    for listing in source.listing:
        if listing.kind == "sitemap":
            found.append(Ask(listing.url, listing.url, "sitemap", "sitemap"))
        elif listing.kind == "dated":
            # A template by month gives one address for two dates.
            urls = dict.fromkeys(listing.at(d) for d in local_dates(run_day, source.timezone))
            kind = "section" if listing.is_page else "sitemap"
            found += [Ask(url, listing.url, "dated", kind) for url in urls]
    return found


def indexes_for(source: Source, run_day: date, newest: Mapping[Index, date]) -> list[Index]:
    """Return the public indexes that can list a source's pages of a day.

    Args:
        source: the publication.
        run_day: a UTC day.
        newest: every index, with the latest day that it can be asked for.
    """
    return [
        index
        for index, latest in newest.items()
        if index.name in source.indexes and index.first_day <= run_day <= latest
    ]


def read(body: bytes, url: str, content_type: str | None, layout: Layout | None = None) -> Page:
    """Return what a listing file says, whatever it was declared to be.

    RSS 2.0, Atom, RSS 1.0, JSON Feed, urlset, news sitemap, sitemap index, plain-text sitemap, and
    gzip of any of them are told by content. What is none of them, or broken, is said in
    `Page.problem` beside whatever could be read; nothing raises. A page for readers is read where
    `layout` says how.

    Args:
        body: the payload, content coding undone.
        url: where it was fetched.
        content_type: the header; only its charset is used, where the bytes do not tell.
        layout: of a listing that is a page for readers.
    """
    document = sniff(body, content_type)
    if document.root in ("rss", "rdf", "feed"):
        return read_feed(document, url)
    if document.root == "json":
        return read_json_feed(document)
    if document.root in ("urlset", "sitemapindex", "text"):
        return read_sitemap(document, url)
    if layout is not None and b"<" in body:
        return read_section(body, url, content_type, layout)
    feeds = feeds_named(document.text, url)[:3] if document.root == "html" else []
    named = f"it names the feed {' and '.join(feeds)}" if feeds else None
    return Page([], [], joined(document.problem, named))
