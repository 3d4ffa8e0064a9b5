"""RSS 2.0, Atom and RSS 1.0: the bytes through `markup`, the formats through feedparser."""

import html
import io
import re
from typing import Any

import feedparser
from lxml import etree

from newsarchive.discover.markup import Document, elements, local_name
from newsarchive.discover.page import Page
from newsarchive.model import Entry
from newsarchive.text.dates import Moment, parse_listed

# All that is read of an entry. The rest, whole articles often, is most of a feed's bytes and would
# be most of the time.
_NAMES = {"title", "link", "guid", "id", "origlink"}
_DATES = {"pubdate", "published", "issued", "created", "updated", "modified"}
_MOST_ENTRIES = 20_000
_NAMESPACE = re.compile(r"xmlns(?::[\w.-]+)?=\"[^\"]*\"")
_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def read_feed(document: Document, url: str) -> Page:
    """Return the entries of a feed, newest and oldest as they stand in it.

    Args:
        document: one whose root is rss, rdf or feed.
        url: where it was fetched; relative addresses and xml:base count from there.
    """
    root, items, problem = elements(document, ("item", "entry"), _MOST_ENTRIES)
    for item in items:
        _keep_what_is_read(item)
        if item.getroottree().getroot() is not root:
            root.append(item)
    # Python's SAX reader fails on white space in the name of a namespace.
    text = _NAMESPACE.sub(
        lambda found: "".join(found.group().split()), etree.tostring(root, encoding="unicode")
    )
    parsed = feedparser.parse(
        io.BytesIO(text.encode()),
        response_headers={
            "content-location": url,
            "content-type": "application/xml; charset=utf-8",
        },
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    return Page([e for e in map(_entry, parsed.entries) if e is not None], [], problem)


def plain(text: str | None) -> str | None:
    """Return a title as one line of plain text: no tags, no entities, not even twice escaped."""
    if not text:
        return None
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", html.unescape(_TAG.sub("", text))))
    return " ".join(text.split()) or None


def _keep_what_is_read(item: etree._Element) -> None:
    dated = any(local_name(child) in ("pubdate", "published", "issued") for child in item)
    for child in list(item):
        name = local_name(child)
        if name == "date" and not dated:  # dc:date; feedparser would file it under updates
            child.tag = "pubDate"
        elif name in ("guid", "id") and not _ADDRESS.match(child.text or ""):
            child.attrib.clear()  # a number is no address, whatever it is said to be
            child.set("isPermaLink", "false")
        elif name == "link" and not (child.text or "").strip() and not child.get("href"):
            item.remove(child)  # else an empty one would stand in the way of a guid that is a link
        elif name not in _NAMES | _DATES:
            item.remove(child)


def _entry(raw: Any) -> Entry | None:
    # `in` first: feedparser answers for `updated` with what is not there, and warns of it.
    def of(key: str) -> str:
        return str(raw[key] or "") if key in raw else ""

    link = of("link")
    if not link:  # an alternate of another type than HTML
        links = (li for li in raw.get("links", []) if li.get("rel") == "alternate")
        link = next((li["href"] for li in links if li.get("href")), "")
    link = of("feedburner_origlink") or link
    if not link:
        return None
    published = parse_listed(of("published")) or parse_listed(of("created"))
    return entry(link, of("title"), published, parse_listed(of("updated")))


def entry(url: str, title: str | None, published: Moment | None, updated: Moment | None) -> Entry:
    """Return one listing entry from what was read of it."""
    return Entry(
        url=url.strip(),
        title=plain(title),
        listed_at=published.at if published else None,
        listed_day=published.day if published else None,
        updated_at=updated.at if updated else None,
        updated_day=updated.day if updated else None,
    )
