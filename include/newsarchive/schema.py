"""The tables: the one truth for their columns, types, comments, partitions and order of rows.

A column is *volatile* when a second, undisturbed run over the same bytes may fill it differently
(when and where the bytes were captured). "The same rows" means: equal but for volatile columns.
`captures` holds events and is left out of that.
"""

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 5

_day = pa.date32()
_text = pa.string()
_texts = pa.list_(pa.string())
_time = pa.timestamp("us", tz="UTC")
_count = pa.int64()
_small = pa.int32()
_pairs = pa.map_(pa.string(), pa.string())
_counts = pa.map_(pa.string(), pa.int64())
_shares = pa.map_(pa.string(), pa.float64())


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Arrow type, what it holds, whether it may differ between equal runs."""

    name: str
    type: pa.DataType
    comment: str
    nullable: bool = True
    volatile: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `partition` is its day column, `order` sorts a file's rows for pruning."""

    name: str
    comment: str
    partition: str
    order: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, comments as field metadata."""
        return pa.schema(
            [
                pa.field(c.name, c.type, nullable=c.nullable, metadata={"comment": c.comment})
                for c in self.columns
            ],
            metadata={"schema_version": str(SCHEMA_VERSION)},
        )

    @property
    def lasting(self) -> list[str]:
        """Names of the columns that are not volatile."""
        return [c.name for c in self.columns if not c.volatile]


def _c(
    name: str, kind: pa.DataType, comment: str, *, null: bool = True, volatile: bool = False
) -> Column:
    return Column(name, kind, comment, null, volatile)


_RUN_DAY = _c("run_day", _day, "UTC day whose articles the run collects; partition", null=False)
_SOURCE = _c("source", _text, "Name of the source, as in its TOML file", null=False)
_LINEAGE = (
    _c("parser_version", _text, "Version of the parser that made the row", null=False),
    _c("source_version", _text, "Hash of the source's TOML file as the parser used it", null=False),
)
_PAYLOAD = _c(
    "payload_sha256", _text, "SHA-256 of the page's bytes, content coding undone", null=False
)
_WHERE = (
    _c("capture_id", _text, "Capture that holds the bytes", null=False, volatile=True),
    _c("warc_path", _text, "WARC file, below the archive", null=False, volatile=True),
    _c(
        "warc_offset",
        _count,
        "Byte offset of the record in the WARC file",
        null=False,
        volatile=True,
    ),
    _c(
        "warc_length",
        _count,
        "Length of the record in bytes, compressed",
        null=False,
        volatile=True,
    ),
    _c(
        "record_sha256",
        _text,
        "SHA-256 of the record's compressed bytes",
        null=False,
        volatile=True,
    ),
)
_CONTENT = (
    _c("title", _text, "Headline", null=False),
    _c("text", _text, "Body: paragraphs separated by a blank line", null=False),
    _c("word_count", _small, "Words in the text", null=False),
    _c(
        "authors",
        _texts,
        "Names of the authors, in page order; the agency or publication where no person signs",
        null=False,
    ),
    _c("published_at", _time, "Publication time, UTC; NULL where only a day is known"),
    _c(
        "published_day",
        _day,
        "Publication day as the page states it, never converted; NULL where unknown",
    ),
)
_CONTENT_2 = (
    _c("published_precision", _text, "second, minute or day"),
    _c("modified_at", _time, "Time of the last change that the page states, UTC"),
    _c("summary", _text, "Description or standfirst that the page gives"),
    _c("keywords_raw", _text, "The page's keywords as they stand"),
    _c("keywords", _texts, "Keywords, split where a separator stands", null=False),
    _c("section", _text, "Section of the publication"),
    _c("language", _text, "Language of the text, ISO 639-1"),
)
_CONTENT_3 = (
    _c("image_url", _text, "Lead image"),
    _c("origin", _text, "Agency or publication that the page names as its source"),
    _c("related", _texts, "Titles or addresses that the page points to as related", null=False),
    _c("parent_article_id", _text, "Article in whose page this one was embedded"),
    _c(
        "evidence",
        _pairs,
        "Where each field came from: jsonld, meta, microdata, label, rule, …",
        null=False,
    ),
    _c(
        "confidence",
        _shares,
        "Of fields that are guesses: the share of such guesses that are right, 0 to 1",
        null=False,
    ),
    _c(
        "cited_agencies",
        _texts,
        "Wire agencies that the text names: Reuters, AFP, WAFA, …; NULL where not looked for",
    ),
    _c("text_sha256", _text, "SHA-256 of the folded title and text", null=False),
)

LINKS = Table(
    "links",
    "URLs that sources listed, with everything the listings said of them",
    "run_day",
    ("source", "url"),
    (
        _RUN_DAY,
        _SOURCE,
        _c("link_id", _text, "Hash of source and URL", null=False),
        _c("url", _text, "URL without fragment and tracking parameters", null=False),
        _c("host", _text, "Scheme, name and port", null=False),
        _c(
            "routes",
            _texts,
            "Kinds of listing that had it: feed, sitemap, dated, section, or an index",
            null=False,
        ),
        _c("listings", _texts, "Addresses of the listings that had it", null=False),
        _c("listed_title", _text, "Title in the listing"),
        _c("listed_at", _time, "Publication time in the listing, UTC"),
        _c("listed_day", _day, "Publication day as the listing wrote it"),
        _c("updated_at", _time, "Time of the last change in the listing, UTC"),
    ),
)

LISTINGS = Table(
    "listings",
    "What each listing of a source answered for a run day",
    "run_day",
    ("source", "listing"),
    (
        _RUN_DAY,
        _SOURCE,
        _c("listing", _text, "Address of the listing as declared", null=False),
        _c("route", _text, "Kind of listing: feed, sitemap, dated, section, gdelt, …", null=False),
        _c(
            "status",
            _text,
            "answered, not_found (it does not reach to that day) or failed",
            null=False,
        ),
        _c("links", _count, "Links of the run day that it had", null=False),
        _c("gap", _text, "Why entries may be missing, in words"),
        _c("problem", _text, "What was wrong with its content, in words"),
    ),
)

CAPTURES = Table(
    "captures",
    "HTTP exchanges, imports and refused wishes, one row each; only ever added to",
    "run_day",
    ("source", "kind", "url", "captured_at"),
    (
        _RUN_DAY,
        _c(
            "capture_id",
            _text,
            "Hash of what was asked, which try it was, and what came",
            null=False,
        ),
        _SOURCE,
        _c("kind", _text, "page, feed, sitemap, section, index, robots or import", null=False),
        _c("url", _text, "What was asked in this exchange", null=False),
        _c("link_id", _text, "Link whose visit this is"),
        _c("listing", _text, "Declared address of the listing that this capture answers for"),
        _c("route", _text, "Kind of that listing"),
        _c("visit", _text, "first, or the revisit it belongs to", null=False),
        _c("attempt", _small, "Which try of this visit on this run day", null=False),
        _c("hop", _small, "0 for the address asked, then the redirects that followed", null=False),
        _c("outcome", _text, "ok, not_modified, redirect, or why there are no bytes", null=False),
        _c(
            "captured_at",
            _time,
            "When the exchange began; of an archive's bytes when the publisher served them, UTC",
            null=False,
            volatile=True,
        ),
        _c("elapsed_ms", _small, "Milliseconds from request to last byte", volatile=True),
        _c("status", _small, "HTTP status"),
        _c("redirect_to", _text, "Where a redirect pointed"),
        _c("content_type", _text, "Content-Type header"),
        _c("etag", _text, "ETag header"),
        _c("last_modified", _text, "Last-Modified header"),
        _c("payload_bytes", _count, "Length of the body, content coding undone"),
        _c("payload_sha256", _text, "SHA-256 of the body, content coding undone"),
        _c("retry_after_s", pa.float64(), "Seconds that Retry-After asked for"),
        _c("error", _text, "What went wrong, in words"),
        _c("warc_path", _text, "WARC file, below the archive", volatile=True),
        _c("warc_offset", _count, "Byte offset of the record", volatile=True),
        _c("warc_length", _count, "Length of the record in bytes, compressed", volatile=True),
        _c("warc_record_id", _text, "WARC-Record-ID", volatile=True),
        _c("record_sha256", _text, "SHA-256 of the record's compressed bytes", volatile=True),
        _c("provider", _text, "Who was asked for a page: live, wayback, ccnews or warc"),
        _c("asked_url", _text, "Address asked at an archive, or the WARC file of somebody's"),
    ),
)

VERSIONS = Table(
    "versions",
    "Parsed states of articles, one per capture that gave one",
    "run_day",
    ("source", "url", "part", "captured_at"),
    (
        _RUN_DAY,
        _c("version_id", _text, "Hash of article and bytes", null=False),
        _c(
            "article_id",
            _text,
            "Article: hash of source and the canonical URL that its link had first",
            null=False,
        ),
        _SOURCE,
        _c("url", _text, "Link that was fetched, or name of the imported file", null=False),
        _c("link_id", _text, "Hash of source and that link"),
        _c(
            "canonical_url",
            _text,
            "Canonical URL that the page states, else where its link was redirected",
        ),
        _c("visit", _text, "first, or the revisit that found it", null=False),
        _c("state", _text, "live, or gone: the page answered 404 or 410", null=False),
        _c("changes", _texts, "What differs from the version before: title, text, …", null=False),
        _c("part", _small, "0, or the number of an article embedded in the page", null=False),
        *_CONTENT,
        *_CONTENT_2,
        *_CONTENT_3,
        *_LINEAGE,
        _PAYLOAD,
        _c("captured_at", _time, "When the bytes were captured, UTC", null=False, volatile=True),
        _c(
            "seen_until",
            _time,
            "When the latest capture that found it so was made, UTC",
            null=False,
            volatile=True,
        ),
        *_WHERE,
    ),
)

REJECTS = Table(
    "rejects",
    "Links and documents that became no article, with the reason",
    "run_day",
    ("source", "url"),
    (
        _RUN_DAY,
        _SOURCE,
        _c("link_id", _text, "Link that was asked for"),
        _c("url", _text, "Its URL, or name of the imported file", null=False),
        _c("reason", _text, "Why there is no article", null=False),
        _c("detail", _text, "The same in words"),
        _c("status", _small, "HTTP status of the latest capture"),
        *_LINEAGE,
        _c("payload_sha256", _text, "SHA-256 of the bytes, content coding undone"),
        _c(
            "captured_at", _time, "When the latest capture was made, UTC", null=False, volatile=True
        ),
        _c("capture_id", _text, "Latest capture", null=False, volatile=True),
        _c("warc_path", _text, "WARC file, below the archive", volatile=True),
        _c("warc_offset", _count, "Byte offset of the record", volatile=True),
        _c("warc_length", _count, "Length of the record in bytes, compressed", volatile=True),
    ),
)

ARTICLES = Table(
    "articles",
    "The current state of each article",
    "article_day",
    ("source", "published_at", "article_id"),
    (
        _c(
            "article_day",
            _day,
            "Publication day as stated, else the run day that first saw it; partition",
            null=False,
        ),
        _c("article_id", _text, "Hash of source and canonical URL", null=False),
        _c("version_id", _text, "Version that is shown", null=False),
        _SOURCE,
        _c("url", _text, "Canonical URL, else the link", null=False),
        *_CONTENT,
        _c("published_local_date", _day, "Publication date in the source's time zone"),
        *_CONTENT_2,
        _c("country", _text, "Country of the source, ISO 3166-1"),
        *_CONTENT_3,
        _c("state", _text, "live, or gone: its page answers 404 or 410", null=False),
        _c("versions", _small, "Number of different versions", null=False),
        _c("first_run_day", _day, "First run day with a version", null=False),
        _c("last_run_day", _day, "Last run day with a version", null=False),
        *_LINEAGE,
        _PAYLOAD,
        _c(
            "first_seen",
            _time,
            "When its first version was captured, UTC",
            null=False,
            volatile=True,
        ),
        _c(
            "last_seen",
            _time,
            "When its latest version was captured, UTC",
            null=False,
            volatile=True,
        ),
        _c("gone_at", _time, "When it was found gone, if it still is, UTC", volatile=True),
        *_WHERE,
    ),
)

COVERAGE = Table(
    "coverage",
    "What is known of each source on each run day, in one status",
    "run_day",
    ("source",),
    (
        _RUN_DAY,
        _SOURCE,
        _c("status", _text, "complete, partial, empty, low, not_available or failed", null=False),
        _c("note", _text, "Why, in words"),
        _c("expected_min", _small, "Fewest articles expected a day"),
        _c("expected_max", _small, "Most articles expected a day"),
        _c("listings_asked", _small, "Listings that could answer for the day", null=False),
        _c("listings_answered", _small, "Listings that did", null=False),
        _c("routes", _texts, "Kinds of listing that answered", null=False),
        _c("listed", _count, "Links", null=False),
        _c("captured", _count, "Links whose bytes are in the archive", null=False),
        _c(
            "parsed",
            _count,
            "Links whose page became an article or was rejected by the parser",
            null=False,
        ),
        _c("kept", _count, "Links whose page became an article", null=False),
        _c("rejected", _count, "Links that became none, with a reason", null=False),
        _c("missing", _count, "Links not captured and not given up for good", null=False),
        _c(
            "duplicates", _count, "Links to an article that another link of the day had", null=False
        ),
        _c("providers", _texts, "Who gave the pages: live, wayback, ccnews, warc"),
        _c(
            "missed",
            _counts,
            "By kind of listing that answered: links that it alone would have missed",
        ),
        _c(
            "estimated",
            _count,
            "Articles of the day that there were, listed or not, by capture-recapture; NULL where "
            "no honest estimate can be made",
        ),
        _c("estimated_error", pa.float64(), "Standard error of that"),
    ),
)

ARTICLE_INDEX = Table(
    "article_index",
    "Where each article's versions are, and under which day it is filed",
    "run_month",
    ("article_id", "run_day"),
    (
        _c("run_month", _day, "First day of the month of the run day; partition", null=False),
        _c("run_day", _day, "Run day with a version or an alias of the article", null=False),
        _c("article_id", _text, "Article, by the id that its versions have", null=False),
        _c(
            "article_day",
            _day,
            "Day it was filed under when that run day was published",
            null=False,
        ),
        _c("shown_as", _text, "Article that it is shown as, where that has another id"),
    ),
)

ALIASES = Table(
    "aliases",
    "Other ids of articles: of the addresses that they moved to, or that an older parser gave",
    "run_day",
    ("alias_id", "article_id"),
    (
        _RUN_DAY,
        _c("alias_id", _text, "The other article_id", null=False),
        _c("article_id", _text, "Article that has it as well", null=False),
        _c(
            "reason",
            _text,
            "moved, retitled (moved with another headline), or parser (an older one gave that id)",
        ),
    ),
)

STORIES = Table(
    "stories",
    "Which articles are near-duplicates of each other, and what finds them",
    "article_day",
    ("article_id",),
    (
        _c("article_day", _day, "Day the article is filed under; partition", null=False),
        _c("article_id", _text, "Article", null=False),
        _c("story_id", _text, "First article of the story; its own id if it is alone", null=False),
        _c("text_sha256", _text, "SHA-256 of the folded title and text compared", null=False),
        _c("signature", pa.binary(), "MinHash of the text: 16 bands of 4 bytes", null=False),
    ),
)

REMOVALS = Table(
    "removals",
    "Articles that were removed on request: what recognises them, nothing of what they said",
    "removed_day",
    ("source", "article_id"),
    (
        _c("removed_day", _day, "UTC day of the removal; partition", null=False),
        _c("article_id", _text, "Article, by the id that it was shown as", null=False),
        _SOURCE,
        _c("removed_at", _time, "When it was removed, UTC", null=False),
        _c("reason", _text, "Why, in the words of who removed it", null=False),
        _c("asked_by", _text, "Who asked for it"),
        _c("article_ids", _texts, "All ids that it had, or would have", null=False),
        _c("link_ids", _texts, "Ids of the addresses that led to it", null=False),
        _c("payloads", _texts, "SHA-256 of documents that were imported as it", null=False),
    ),
)

TABLES = {
    t.name: t
    for t in (
        LINKS,
        LISTINGS,
        CAPTURES,
        VERSIONS,
        REJECTS,
        ARTICLES,
        COVERAGE,
        ARTICLE_INDEX,
        ALIASES,
        STORIES,
        REMOVALS,
    )
}
