"""Listings: which addresses to ask for, and what each file says; `docs/listings.md` explains.

Pure functions: no sockets here.
"""

from dataclasses import dataclass
from datetime import date

from newsarchive.days import local_dates
from newsarchive.discover.feed import read_feed
from newsarchive.discover.markup import sniff
from newsarchive.discover.page import Child, Page
from newsarchive.discover.sitemap import children_for, read_sitemap
from newsarchive.sources.load import Source

__all__ = ["Ask", "Child", "Page", "asks", "children_for", "polls", "read"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One address to fetch for a listing."""

    url: str
    listing: str
    """The address as the source's TOML file declares it: for dated listings a template."""
    route: str
    """feed, sitemap or dated."""
    kind: str
    """`Capture.kind`: feed or sitemap."""


def polls(source: Source) -> list[Ask]:
    """Return what a poll of the present asks: every feed, and every sitemap's root."""
    return [Ask(li.url, li.url, li.kind, li.kind) for li in source.listing if li.kind != "dated"]


def asks(source: Source, run_day: date) -> list[Ask]:
    """Return what the run of a past day may ask: dated listings and sitemaps, never a feed.

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
            found += [Ask(url, listing.url, "dated", "sitemap") for url in urls]
    return found


def read(body: bytes, url: str, content_type: str | None) -> Page:
    """Return what a listing file says, whatever it was declared to be.

    RSS 2.0, Atom, RSS 1.0, urlset, news sitemap, sitemap index, plain-text sitemap, and gzip of any
    of them are told by content. What is none of them, or broken, is said in `Page.problem` beside
    whatever could be read; nothing raises.

    Args:
        body: the payload, content coding undone.
        url: where it was fetched.
        content_type: the header; only its charset is used, where the bytes do not tell.
    """
    document = sniff(body, content_type)
    if not document.root:
        return Page([], [], document.problem)
    if document.root in ("rss", "rdf", "feed"):
        return read_feed(document, url)
    return read_sitemap(document, url)
