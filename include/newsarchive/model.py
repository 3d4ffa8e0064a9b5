"""The records that travel between the steps; their fields are the columns in `schema`.

Times are aware UTC datetimes, days are dates, every id is a function of content (`text.identity`).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing, before it is anybody's link: what it said, nothing derived."""

    url: str
    title: str | None = None
    listed_at: datetime | None = None
    """When the listing says it was published; None for a date without a time, or nothing."""
    listed_day: date | None = None
    """The day as the listing wrote it, in its own offset, never converted."""
    updated_at: datetime | None = None
    updated_day: date | None = None
    """The day of the last change as the listing wrote it, for one that gives no time."""


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that a source listed on one run day, with everything its listings said of it."""

    run_day: date
    source: str
    link_id: str
    url: str
    """Cleaned: no fragment, no tracking parameters (`text.identity.clean_url`)."""
    host: str
    """Scheme, name and port: what politeness is kept with."""
    routes: list[str]
    """The kinds of listing that had it, sorted: feed, sitemap, dated, section, gdelt, wayback,
    ccnews, warc."""
    listings: list[str]
    """The addresses of those listings, sorted."""
    listed_title: str | None = None
    listed_at: datetime | None = None
    listed_day: date | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListingState:
    """What one declared listing answered for one run day."""

    run_day: date
    source: str
    listing: str
    route: str
    status: str
    """answered, not_found, failed."""
    links: int
    gap: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Capture:
    """One HTTP exchange, imported file, or wish refused before it was asked, as one row."""

    run_day: date
    capture_id: str
    source: str
    kind: str
    """page, feed, sitemap, section, index, robots, import."""
    url: str
    """What was asked in this exchange (for a redirect's second exchange: its target)."""
    link_id: str | None
    """The link whose visit this is; None for listings, robots.txt and imports."""
    listing: str | None
    """For a listing's capture: the declared address (template) of the listing it answers for."""
    route: str | None
    """For a listing's capture: its kind of listing (feed, sitemap, dated, section, gdelt, …)."""
    visit: str
    """`first`; `1d`, `7d`, … for the revisits that the source asks for; `updated …` with the time
    at which a listing said that the page changed."""
    attempt: int
    """1 for the first try of this visit on this run day, counting on over repeated runs."""
    hop: int
    """0 for the address asked, 1, 2, … for the redirects that followed it within the attempt."""
    outcome: str
    """ok, not_modified, redirect, http_error, timeout, connection, tls, too_large, broken, invalid,
    robots, robots_unavailable, blocked_address, bad_url, too_many_redirects."""
    captured_at: datetime
    """When the exchange began; of bytes that an archive gave, when the publisher served them."""
    elapsed_ms: int | None = None
    status: int | None = None
    redirect_to: str | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    payload_bytes: int | None = None
    """Length of the body with its content coding undone."""
    payload_sha256: str | None = None
    """Of the body, content coding (gzip, …) undone: equal pages have equal sums; hex."""
    retry_after_s: float | None = None
    error: str | None = None
    warc_path: str | None = None
    """Below the archive: raw/run_day=…/….warc.gz"""
    warc_offset: int | None = None
    """Of the response's (or resource's) gzip member."""
    warc_length: int | None = None
    warc_record_id: str | None = None
    record_sha256: str | None = None
    """Of those `warc_length` bytes; hex."""
    provider: str | None = None
    """Of a page: who gave the bytes, or was asked for them: live, wayback, ccnews, warc."""
    asked_url: str | None = None
    """Where an archive gave them: the address asked there, or the WARC file they were in."""


@dataclass(frozen=True, slots=True)
class Found:
    """What parsing found for one article in one page or document; no identity yet.

    `evidence` says where each field came from: jsonld, meta, microdata, label, rule, heuristic,
    feed, section, sitemap, url.
    """

    title: str
    text: str
    """Paragraphs, each on a line of its own, separated by a blank line."""
    canonical_url: str | None = None
    authors: list[str] = field(default_factory=list)
    published_at: datetime | None = None
    published_day: date | None = None
    published_precision: str | None = None
    """second, minute, day."""
    modified_at: datetime | None = None
    summary: str | None = None
    keywords_raw: str | None = None
    keywords: list[str] = field(default_factory=list)
    section: str | None = None
    language: str | None = None
    image_url: str | None = None
    origin: str | None = None
    """The agency or publication that the page names as where the text comes from."""
    related: list[str] = field(default_factory=list)
    """Titles or addresses of other articles that the page points to as related, in page order."""
    evidence: dict[str, str] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    """Of fields whose evidence is a heuristic: the share of such guesses that are right, 0 to 1, as
    measured on labelled pages; a guess that was not measured is not in it."""
    part: int = 0
    """0 for the article of the page, 1, 2, … for whole other articles embedded in it."""


Reason = Literal[
    # of a page's or document's bytes
    "empty",  # nothing in it
    "not_html",  # another kind of file
    "unparseable",  # no markup that could be read
    "bytes_lost",  # not where the archive keeps them
    # of a page that is no article
    "home_page",  # a site's home page, or a redirect to it
    "listing",  # a page of links to articles
    "soft_404",  # "not found", served as a page
    "error_page",  # another message of an error or a refusal, served as a page
    # of what an article lacks
    "no_title",
    "no_text",
    "too_short",
    "paywall",  # the beginning alone: the rest is for subscribers
    "wrong_language",  # none of those that the source declares
    "removed",  # an article that was removed on request, found at another address
    # of a capture without bytes: its outcome
    "redirect",
    "http_error",
    "timeout",
    "connection",
    "tls",
    "too_large",
    "broken",
    "invalid",
    "robots",
    "robots_unavailable",
    "blocked_address",
    "bad_url",
    "too_many_redirects",
]
"""Why there is no article: all reasons that there are."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a page or document yields no article."""

    reason: Reason
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One parsed state of an article, from one capture."""

    run_day: date
    version_id: str
    article_id: str
    source: str
    url: str
    """The link that was fetched; for an import the name of the file."""
    link_id: str | None
    canonical_url: str | None
    visit: str
    state: str
    """live, or gone: the page answered 404 or 410; the rest is then what it last said."""
    changes: list[str]
    """What differs from the version before it: title, text, date, …, moved, gone, back."""
    part: int
    parent_article_id: str | None
    """For an article embedded in another's page: that other."""
    title: str
    text: str
    word_count: int
    authors: list[str]
    published_at: datetime | None
    published_day: date | None
    published_precision: str | None
    modified_at: datetime | None
    summary: str | None
    keywords_raw: str | None
    keywords: list[str]
    section: str | None
    language: str | None
    image_url: str | None
    origin: str | None
    related: list[str]
    evidence: dict[str, str]
    confidence: dict[str, float]
    cited_agencies: list[str] | None
    """Wire agencies that the text names, in its order; None in rows of before they were kept."""
    text_sha256: str
    """Of the folded title and text: equal texts have equal sums whatever the markup; hex."""
    parser_version: str
    source_version: str
    payload_sha256: str
    capture_id: str
    captured_at: datetime
    seen_until: datetime
    """When the latest capture that found it so was made."""
    warc_path: str
    warc_offset: int
    warc_length: int
    record_sha256: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A link (or document) whose latest capture became no article, with the reason."""

    run_day: date
    source: str
    link_id: str | None
    url: str
    reason: str
    """A `Reason`."""
    detail: str | None
    status: int | None
    parser_version: str
    source_version: str
    payload_sha256: str | None
    capture_id: str
    captured_at: datetime
    warc_path: str | None
    warc_offset: int | None
    warc_length: int | None


@dataclass(frozen=True, slots=True)
class Alias:
    """Another id of an article: what it would have, were it found for the first time."""

    run_day: date
    alias_id: str
    article_id: str
    reason: str | None
    """moved, retitled or parser; None in rows of before there were reasons, which are parser's."""


@dataclass(frozen=True, slots=True)
class Removal:
    """The tombstone of an article that was removed on request; nothing of what it said."""

    removed_day: date
    article_id: str
    source: str
    removed_at: datetime
    reason: str
    asked_by: str | None
    article_ids: list[str]
    """All ids that it had, or would have at one of its addresses; sorted."""
    link_ids: list[str]
    payloads: list[str]
    """SHA-256 of documents that were imported as it; hex."""


@dataclass(frozen=True, slots=True)
class Article:
    """The current state of one article, from all its versions."""

    article_day: date
    article_id: str
    version_id: str
    source: str
    url: str
    """The canonical URL where the page has one, else the link."""
    title: str
    text: str
    word_count: int
    authors: list[str]
    published_at: datetime | None
    published_day: date | None
    published_local_date: date | None
    published_precision: str | None
    modified_at: datetime | None
    summary: str | None
    keywords_raw: str | None
    keywords: list[str]
    section: str | None
    language: str | None
    country: str | None
    image_url: str | None
    origin: str | None
    related: list[str]
    parent_article_id: str | None
    evidence: dict[str, str]
    confidence: dict[str, float]
    cited_agencies: list[str] | None
    """Wire agencies that the text names, in its order; None in rows of before they were kept."""
    text_sha256: str
    state: str
    """live, or gone."""
    versions: int
    """How many different versions there are."""
    first_run_day: date
    last_run_day: date
    parser_version: str
    source_version: str
    payload_sha256: str
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None
    """When it was first found gone, if it still is."""
    capture_id: str
    warc_path: str
    warc_offset: int
    warc_length: int
    record_sha256: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known of one source on one run day."""

    run_day: date
    source: str
    status: str
    """complete, partial, empty, low, not_available, failed."""
    note: str | None
    expected_min: int | None
    expected_max: int | None
    listings_asked: int
    listings_answered: int
    routes: list[str]
    listed: int
    captured: int
    parsed: int
    kept: int
    rejected: int
    missing: int
    duplicates: int
    providers: list[str] | None = None
    """Who gave the bytes of its pages: live, wayback, ccnews, warc; sorted."""
    missed: dict[str, int] | None = None
    """By kind of listing that answered: how many links it alone would have missed."""
    estimated: int | None = None
    """Articles of the day that there were, by capture-recapture; None where nobody can say."""
    estimated_error: float | None = None
