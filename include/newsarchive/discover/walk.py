"""Which addresses follow from what a listing answered: parts of an index, pages after a page."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from newsarchive.discover.page import Page
from newsarchive.discover.sitemap import children_for
from newsarchive.sources.load import Source
from newsarchive.text.identity import clean_url

log = logging.getLogger(__name__)

_DEEPEST = 3
"""Indexes below one another that are followed; the protocol has one."""
_MOST = 200
"""Files of one listing that are asked for."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One address to fetch for a listing."""

    url: str
    listing: str
    """The address as the source's TOML file declares it: for dated listings a template."""
    route: str
    """feed, sitemap, dated or section; or the name of a public index."""
    kind: str
    """`Capture.kind`: feed, sitemap, section or index."""


@dataclass(slots=True)
class _Trail:
    """How an address was come to."""

    first: str
    """The address that the listing began with."""
    depth: int = 0
    """Of a section page: pages before it; of a file: indexes above it."""


@dataclass(slots=True)
class Walk:
    """The addresses asked so far of the listings of some sources; pure, it asks nothing itself."""

    run_day: date
    _trails: dict[tuple[str, str], _Trail] = field(default_factory=dict)
    _seen: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _files: dict[tuple[str, str], int] = field(default_factory=dict)

    def begin(self, source: Source, ask: Ask, known: Iterable[str] = ()) -> None:
        """Start with what a listing is asked first.

        Args:
            source: whose listing it is.
            ask: its first address.
            known: of a polled section, the addresses that earlier polls showed, cleaned.
        """
        self._trails[source.name, ask.url] = _Trail(ask.url)
        self._seen[source.name, ask.url] = set(known)

    def after(self, source: Source, ask: Ask, page: Page, url: str) -> list[Ask]:
        """Return what to ask next, after `ask` was answered with `page`; each address once.

        Args:
            source: whose listing it is.
            ask: what was asked.
            page: what came.
            url: where it was found, after redirects.
        """
        trail = self._trails.setdefault((source.name, ask.url), _Trail(ask.url))
        if ask.kind == "section":
            following = self._page_after(source, ask, page, url, trail)
            urls = [following] if following else []
        elif ask.kind == "index":
            urls = [page.next] if page.next else []
        elif page.children and trail.depth >= _DEEPEST:
            log.warning("%s: indexes nested deeper than %d are not followed", url, _DEEPEST)
            urls = []
        else:
            urls = children_for(page, self.run_day, source.timezone)
        asks = []
        for found in urls:
            key = source.name, found
            count = self._files.get((source.name, ask.listing), 0)
            if key in self._trails or count >= _MOST:
                continue
            self._files[source.name, ask.listing] = count + 1
            self._trails[key] = _Trail(trail.first, trail.depth + 1)
            kind = ask.kind if ask.kind in ("section", "index") else "sitemap"
            asks.append(Ask(found, ask.listing, ask.route, kind))
        return asks

    def _page_after(
        self, source: Source, ask: Ask, page: Page, url: str, trail: _Trail
    ) -> str | None:
        """Return the address of the page after a section page; None where it would bring nothing.

        The newest stand first: where an earlier poll showed the last article of a page, it showed
        all those behind it too. A page beyond the end is often the last or the first again.
        """
        listing = source.listing_of(ask.listing, ask.route)
        seen = self._seen.setdefault((source.name, trail.first), set())
        addresses = [a for e in page.entries if (a := clean_url(e.url, url))]
        ends = not addresses or addresses[-1] in seen
        seen.update(addresses)
        number = trail.depth + 2
        if listing is None or ends or number > listing.pages_at_most:
            return None
        return listing.page_after(trail.first, number) or page.next
