"""HTML pages as listings: their tree, and the feeds that they name."""

import lxml.etree
import lxml.html
from lxml.html import HtmlElement

from newsarchive.text.identity import clean_url

FEED_TYPES = frozenset(
    f"application/{t}" for t in ("rss+xml", "atom+xml", "rdf+xml", "feed+json", "xml")
) | {"text/xml"}
_HEAD = 500_000
"""Characters of a page in which its head is looked for."""


def tree_of(text: str) -> HtmlElement | None:
    """Return the tree of a page; None where there is no markup at all."""
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(
            text.replace("\x00", "").encode("utf-8", "replace"), parser=parser
        )
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return None  # nothing that a parser could hold on to
    return tree if isinstance(tree, HtmlElement) else None


def base_of(tree: HtmlElement, url: str) -> str:
    """Return the address that relative links of a page count from."""
    base = tree.find(".//base[@href]")
    return (clean_url(base.get("href") or "", url) if base is not None else None) or url


def feeds_named(text: str, url: str) -> list[str]:
    """Return the feeds that a page names by `<link rel="alternate">`, absolute, in page order.

    Args:
        text: of the page; markup may be broken.
        url: where it was fetched.
    """
    tree = tree_of(text[:_HEAD])
    if tree is None:
        return []
    base = base_of(tree, url)
    found: list[str] = []
    for element in tree.iter("link"):
        kind = (element.get("type") or "").partition(";")[0].strip().lower()
        if "alternate" in (element.get("rel") or "").lower().split() and kind in FEED_TYPES:
            target = clean_url(element.get("href") or "", base)
            if target:
                found.append(target)
    return list(dict.fromkeys(found))
