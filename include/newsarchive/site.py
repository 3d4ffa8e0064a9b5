"""Look at a site politely, and propose the source file that fits it; nothing is kept.

Joins fetching to the pure functions of `discover.propose` and `parse`, as `steps` does for the days
of the archive.
"""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from newsarchive.days import today
from newsarchive.discover import children_for
from newsarchive.discover import read as read_listing
from newsarchive.discover.propose import (
    Answer,
    Candidate,
    Home,
    Proposal,
    common,
    declared,
    newest_day,
    propose,
    read_answer,
    read_home,
)
from newsarchive.errors import ArchiveError
from newsarchive.fetch.session import Fetched, Fetcher, Request
from newsarchive.model import Entry, Found, Link, Refused
from newsarchive.parse.page import Reading, parse_page, read_page
from newsarchive.parsers import refuse_capture
from newsarchive.settings import Settings
from newsarchive.sources.load import Source
from newsarchive.text.identity import clean_url, host_of, link_id

Progress = Callable[[str, int, int], None]

_MOST_PAGES = 5  # tried until one is an article
_MOST_CHILDREN = 2  # of each sitemap index
# Where the home page failed so, the rest of the site is not asked.
_NOBODY_THERE = frozenset(
    ("timeout", "connection", "tls", "blocked_address", "bad_url", "robots_unavailable")
)
# The zone of the country's papers, where a country has several and the table begins with another.
_MAIN_ZONE = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one address answered."""

    url: str
    why: str
    """Why it was asked."""
    answer: str
    """feed or sitemap, with its size; or why it is none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of the site, parsed as a run would."""

    url: str
    found: Found | Refused


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a site brought."""

    proposal: Proposal
    asked: list[Asked]
    page: Shown | None
    """None where no page could be had."""


def look(
    url: str,
    settings: Settings,
    *,
    allow_private: bool = False,
    taken: Collection[str] = (),
    progress: Progress,
) -> Looked:
    """Ask a site where it lists its articles, and return the source file to propose.

    Its robots.txt, its home page and what they name are asked; then, for what is still missing, the
    addresses that are common; each with the delay of `settings` before it.

    Args:
        url: of the site, or of a part of it.
        settings: time-outs, politeness, the folder of leases.
        allow_private: whether its addresses may be private or loopback.
        taken: names that other sources have.
        progress: told of each answer.

    Raises:
        ArchiveError: the site does not answer, or nothing there lists its articles; in one line.
    """
    cleaned = clean_url(url)
    if cleaned is None:
        raise ArchiveError(f"{url}: no web address; write it as https://example.com")
    with (
        tempfile.TemporaryDirectory(prefix="newsarchive-") as folder,
        Fetcher(settings, today(), Path(folder), "look") as fetcher,
    ):
        visit = _Visit(fetcher, _stand_in(cleaned, allow_private), progress)
        home, answers = visit.survey(cleaned)
        proposal = propose(
            home, answers, today=today(), zones=zones(), taken=taken, allow_private=allow_private
        )
        if proposal is None:
            raise ArchiveError(
                f"{cleaned}: nothing here lists its articles: robots.txt, the home page and "
                f"{len(visit.asked)} addresses were asked"
            )
        page = visit.show(source_of(proposal), proposal.newest)
    if home.language is None and page is not None and isinstance(page.found, Found):
        language = page.found.language  # of a whole text, where the proposal had headlines
        if language is not None:
            proposal = replace(proposal, language=language, language_from="of one of its articles")
    return Looked(proposal, visit.asked, page)


@dataclass(frozen=True, slots=True)
class Tried:
    """One page, read as a run would read it for a source."""

    url: str
    """Where its redirects ended."""
    captured_at: datetime
    reading: Reading


def try_page(url: str, source: Source, settings: Settings, progress: Progress) -> Tried:
    """Ask for one page politely, as a run would, and read it; nothing is kept.

    Args:
        url: of the page.
        source: as which it is asked, and whose rules hold for it.
        settings: time-outs, politeness, the folder of leases.
        progress: told of the answer.

    Raises:
        ArchiveError: no web address, or the page was not asked; in one line.
    """
    cleaned = clean_url(url)
    if cleaned is None:
        raise ArchiveError(f"{url}: no web address; write it as https://example.com/page")
    with (
        tempfile.TemporaryDirectory(prefix="newsarchive-") as folder,
        Fetcher(settings, today(), Path(folder), "test") as fetcher,
    ):
        fetched = _Visit(fetcher, source, progress).ask_one(cleaned, "page")
    if not fetched.captures:
        raise ArchiveError(f"{url}: {_why(fetched)}")
    last = fetched.last
    final = clean_url(last.url) or last.url
    refused = refuse_capture(last, final)
    if refused or fetched.body is None:
        reading = Reading([], refused or Refused("empty", "no body"))
    else:
        reading = read_page(
            fetched.body,
            url=final,
            content_type=last.content_type,
            source=source,
            link=None,
            captured_at=last.captured_at,
        )
    return Tried(final, last.captured_at, reading)


def source_of(proposal: Proposal) -> Source:
    """Return a proposal as the source that its file would be."""
    fewest, most = proposal.expected or (0, None)
    return Source.model_validate(
        {
            "name": proposal.name,
            "title": proposal.title,
            "url": proposal.url,
            "language": proposal.language,
            "country": proposal.country,
            "timezone": proposal.timezone,
            "expected": {"min": fewest, "max": most},
            "allow_private": proposal.allow_private,
            "listing": [{"kind": p.kind, "url": p.url} for p in proposal.listings],
        }
    )


def zones() -> dict[str, str]:
    """Return one time zone by country (ISO 3166-1), as the time zone database lists them."""
    found: dict[str, str] = {}
    table = files("tzdata") / "zoneinfo" / "zone.tab"
    for line in table.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(country, zone)
    return found | _MAIN_ZONE


class _Visit:
    """One look at one site."""

    def __init__(self, fetcher: Fetcher, source: Source, progress: Progress) -> None:
        self._fetcher = fetcher
        self._source = source
        self._progress = progress
        self._done = 0
        self.asked: list[Asked] = []

    def survey(self, url: str) -> tuple[Home, list[Answer]]:
        """Return what the site says of itself, and its listings."""
        first = self.ask_one(url, "page")
        if not first.captures or first.last.outcome in _NOBODY_THERE:
            raise ArchiveError(f"{url}: {_why(first)}")
        answers: list[Answer] = []
        home = Home(url)
        if first.body is not None:
            own = read_answer(
                Candidate(url, "given"), first.body, first.last.url, first.last.content_type
            )
            if own is not None:  # not the site but one of its listings was named
                answers.append(own)
                self.asked.append(Asked(url, "given", _what(own)))
                root = clean_url("/", first.last.url) or url
                first = self.ask_one(root, "page")
                home = Home(root)
        if first.body is not None:
            home = read_home(first.body, first.last.url, first.last.content_type)
        answers += self._listings(declared(home, self._fetcher.robots_txt(host_of(home.url))))
        answers += self._listings(common(home.url, answers))
        return home, self._with_children(answers)

    def show(self, source: Source, entries: Sequence[Entry]) -> Shown | None:
        """Return a page of the listings, parsed: the first that is an article, else the first."""
        shown: Shown | None = None
        for entry in entries[:_MOST_PAGES]:
            fetched = self.ask_one(entry.url, "page")
            if fetched.body is None:
                continue
            parsed = parse_page(
                fetched.body,
                url=fetched.last.url,
                content_type=fetched.last.content_type,
                source=source,
                link=_link(source, entry),
                captured_at=fetched.last.captured_at,
            )
            found = parsed if isinstance(parsed, Refused) else parsed[0]
            if isinstance(found, Found):
                return Shown(fetched.last.url, found)
            shown = shown or Shown(fetched.last.url, found)
        return shown

    def _listings(self, candidates: Sequence[Candidate]) -> list[Answer]:
        answers: list[Answer] = []
        by_url = {c.url: c for c in candidates}
        ends: set[str] = set()
        for fetched in self._ask(by_url, "sitemap"):
            candidate = by_url[fetched.request.url]
            if fetched.body is None:
                self.asked.append(Asked(candidate.url, candidate.why, _why(fetched)))
                continue
            last = fetched.last
            answer = read_answer(candidate, fetched.body, last.url, last.content_type)
            if answer is None:
                self.asked.append(Asked(candidate.url, candidate.why, "no listing"))
            elif last.url in ends:
                self.asked.append(Asked(candidate.url, candidate.why, f"leads to {last.url}"))
            else:
                ends.add(last.url)
                answers.append(answer)
                self.asked.append(Asked(candidate.url, candidate.why, _what(answer)))
        order = [c.url for c in candidates]
        return sorted(answers, key=lambda a: order.index(a.candidate.url))

    def _with_children(self, answers: Sequence[Answer]) -> list[Answer]:
        day = newest_day(answers) or today()
        full: list[Answer] = []
        for answer in answers:
            children = [c.url for c in answer.page.children]
            wanted = children_for(answer.page, day)[:_MOST_CHILDREN] or children[-1:]
            pages = [
                read_listing(fetched.body, fetched.last.url, fetched.last.content_type)
                for fetched in self._ask(wanted, "sitemap")
                if fetched.body is not None
            ]
            full.append(replace(answer, below=pages))
        return full

    def ask_one(self, url: str, kind: str) -> Fetched:
        """Return what one address answered."""
        [fetched] = self._ask([url], kind)  # to its end: a fetch left half done is cut off
        return fetched

    def _ask(self, urls: Iterable[str], kind: str) -> Iterator[Fetched]:
        requests = [Request(self._source, kind, url) for url in dict.fromkeys(urls)]
        for fetched in self._fetcher.fetch(requests):
            if fetched.request.kind == "robots":
                continue
            self._done += 1
            self._progress("addresses", self._done, 0)
            yield fetched


def _stand_in(url: str, allow_private: bool) -> Source:
    """Return the source that a site is asked as, before it is one."""
    return Source.model_validate(
        {
            "name": "site",
            "title": url,
            "url": url,
            "language": "en",
            "timezone": "UTC",
            "allow_private": allow_private,
            "listing": [{"kind": "feed", "url": url}],
        }
    )


def _link(source: Source, entry: Entry) -> Link:
    return Link(
        run_day=today(),
        source=source.name,
        link_id=link_id(source.name, entry.url),
        url=entry.url,
        host=host_of(entry.url),
        routes=sorted({li.kind for li in source.listing}),
        listings=[],
        listed_title=entry.title,
        listed_at=entry.listed_at,
        listed_day=entry.listed_day,
        updated_at=entry.updated_at,
    )


def _what(answer: Answer) -> str:
    files = len(answer.page.children)
    return f"index of {files} files" if files else f"{answer.kind}, {len(answer.entries)} entries"


def _why(fetched: Fetched) -> str:
    if not fetched.captures:
        return f"not asked: {fetched.detail}"
    last = fetched.last
    if last.outcome == "http_error":
        return f"HTTP {last.status}" if last.status else str(last.error)
    return last.error or last.outcome
