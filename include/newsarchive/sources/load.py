"""Read and check source files; what is wrong with one is a line with file and key."""

import datetime
import fnmatch
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import cssselect
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from newsarchive.errors import SourceError
from newsarchive.text.identity import clean_url, host_of

BUNDLED = Path(__file__).parent
POLLED = frozenset({"feed", "section"})
"""Kinds of listing that know only the present: polls ask them, no run of a past day does."""
INDEXES = ("gdelt", "wayback", "ccnews")
"""Public indexes that list pages of any site by day; discover has a module for each."""
WARC = "warc"
"""The route of pages that came in somebody's WARC files."""
NEVER_POLLED = frozenset({"dated", WARC, *INDEXES})
"""Routes of what answers for one day only; the others show the present to a poll."""
Index = Literal["gdelt", "wayback", "ccnews"]
Body = Literal["live", "wayback", "ccnews"]
SAMPLE_HOST = "127.0.0.1:8090"  # as the bundled samples write it; settings move it


def _web_address(value: str) -> str:
    if clean_url(re.sub(r"\{[^}]*\}", "0", value)) is None or not value.isprintable():
        raise ValueError(f"not a web address (http:// or https://): {value!r}")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no such time zone: {value!r}; one like Africa/Cairo is wanted") from None
    return value


def _selector(value: str) -> str:
    try:
        cssselect.HTMLTranslator().css_to_xpath(value)  # parsing alone takes more than XPath can
    except cssselect.SelectorError as error:
        raise ValueError(f"not a CSS selector: {value!r} ({error})") from None
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
Selector = Annotated[str, AfterValidator(_selector)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(_Strict):
    """Articles a day; fewer than `min` is `low` in coverage."""

    min: int = Field(0, ge=0)
    max: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> "Expected":
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max ({self.max}) is below min ({self.min})")
        return self


_OF_PAGES = ("links", "item", "date", "next", "pages", "most_pages")


class Listing(_Strict):
    """One place where the source lists its articles."""

    kind: Literal["feed", "sitemap", "dated", "section"]
    """feed: RSS, Atom or JSON Feed, knows only the present; sitemap: one file or an index, entries
    with dates; section: a page of the site that lists its newest articles, knows only the present;
    dated: a sitemap, a feed, or (with `links`) a page, whose address holds a date, as
    `{date:%Y-%m-%d}`."""
    url: WebAddress
    links: Selector | None = None
    """Of a page: the links to articles. A section without it: links in headlines."""
    item: Selector | None = None
    """Of a page: what holds one link and its date."""
    date: Selector | None = None
    """Of a page: the date beside a link."""
    next: Selector | None = None
    """Of a page: the link to the page after it."""
    pages: str | None = None
    """Of a page: the address of those after it, as `?page={page}`; may be relative to `url`."""
    most_pages: int | None = Field(None, ge=1, le=200)
    """Pages at most, the first included; unset: 1 for a section, 20 for a day's archive."""

    @model_validator(mode="after")
    def _template(self) -> "Listing":
        if (self.kind == "dated") != ("{date" in self.url):
            raise ValueError(
                "a dated listing, and no other, has {date:%Y-%m-%d} or the like in its url"
            )
        if self.kind == "dated":
            try:
                some, other = (
                    _web_address(self.at(day))
                    for day in (datetime.date(2025, 1, 3), datetime.date(2026, 11, 22))
                )
            except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
                raise ValueError(f"the template of url cannot be filled: {error}") from None
            if some == other:
                raise ValueError(f"the template of url is {some} on every day")
        return self

    @model_validator(mode="after")
    def _of_pages(self) -> "Listing":
        keys = [k for k in _OF_PAGES if getattr(self, k) is not None]
        if keys and self.kind in ("feed", "sitemap"):
            raise ValueError(f"{keys[0]} is for kind section, or dated with links, not {self.kind}")
        if keys and self.kind == "dated" and self.links is None:
            raise ValueError(f"{keys[0]} in a dated listing is for pages: it needs links")
        if self.next is not None and self.pages is not None:
            raise ValueError("next and pages exclude each other")
        if self.pages is not None:
            if "{page}" not in self.pages:
                raise ValueError("pages needs {page} in it, as ?page={page}")
            first = self.at(datetime.date(2026, 11, 22))
            if clean_url(self.pages.replace("{page}", "2"), first) in (None, clean_url(first)):
                raise ValueError(f"pages makes no other address of {first}")
        return self

    @property
    def is_page(self) -> bool:
        """Whether what it names is a page for readers, not a file for programs."""
        return self.kind == "section" or self.links is not None

    @property
    def pages_at_most(self) -> int:
        """How many pages are asked for at most, the first included."""
        return self.most_pages or (1 if self.kind == "section" else 20)

    def at(self, day: datetime.date) -> str:
        """Return the address for one local date."""
        return self.url.format(date=day) if self.kind == "dated" else self.url

    def page_after(self, first: str, number: int) -> str | None:
        """Return the address of page `number` by the template `pages`; None without one.

        Args:
            first: the address of page 1.
            number: 2 or more.
        """
        return self.pages and clean_url(self.pages.replace("{page}", str(number)), first)


class Politeness(_Strict):
    """How the source wants to be asked."""

    delay: float | None = Field(None, ge=0, le=3600)
    """Seconds between requests to a host; unset: the archive's setting."""
    revisits: list[Annotated[str, Field(pattern=r"^\d+[hd]$")]] = []
    lookback: int = Field(2, ge=0, le=30)
    """Days before its own that each daily run asks again."""
    max_requests: int | None = Field(None, ge=1)
    """Requests that all runs of a run day may make; unset: the archive's setting."""
    max_megabytes: float | None = Field(None, gt=0)
    """MB (a million bytes) that they may bring; unset: the archive's setting."""
    patience: float = Field(0, ge=0, le=86_400)
    """Seconds to wait after a 429 that names no time; doubles with each in a row."""


class Rule(_Strict):
    """How pages are laid out, from a day on until the next rule's; CSS selectors."""

    since: datetime.date = datetime.date.min
    title: Selector | None = None
    body: Selector | None = None
    """The element or elements that hold the text."""
    date: Selector | None = None
    authors: Selector | None = None
    section: Selector | None = None
    keywords: Selector | None = None
    origin: Selector | None = None
    remove: list[Selector] = []
    """Elements cut before anything is read."""


def domain_of(url: str) -> str:
    """Return host (without `www.`) and path of a home page: `bbc.com/arabic`, `example.com`."""
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www.") + parts.path.rstrip("/")


class Source(_Strict):
    """A publication: where it lists its articles, how polite to be, how many to expect."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,62}$")
    title: str = Field(min_length=1)
    url: WebAddress
    language: str = Field(pattern=r"^[a-z]{2,3}$")
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]] = []
    """Languages of the articles that are wanted; empty: any."""
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    timezone: Annotated[str, AfterValidator(_zone)]
    expected: Expected = Expected()
    found_in: str | None = None
    """Where the addresses below were found."""
    tags: list[str] = []
    allow_private: bool = False
    """Whether its addresses may be private or loopback: samples and tests only."""
    capture: Literal["hourly", "daily"] = "hourly"
    """Whether what a poll shows for the first time is fetched at once, or by the day's run."""
    listing: list[Listing] = Field(min_length=1)
    indexes: list[Index] = []
    """Public indexes that are asked for its past days; unset: the archive's setting."""
    bodies: list[Body] = Field(["live"], min_length=1)
    """Who is asked for a page's bytes, in this order, until one has them; unset: the archive's
    setting."""
    domains: list[str] = []
    """How indexes know it: `example.com`, with its subdomains, or `example.com/arabic`, with what
    lies below; empty: the host and path of `url`."""
    required: bool = False
    """Whether a run fails when this source has failed."""
    politeness: Politeness = Politeness()
    rules: list[Rule] = []
    version: str = ""
    """Hash of the file's bytes; set on loading."""
    file: Path | None = None

    @field_validator("indexes", "bodies")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        if len(set(names)) < len(names):
            raise ValueError("one is named twice")
        return names

    @field_validator("domains")
    @classmethod
    def _bare(cls, domains: list[str]) -> list[str]:
        for domain in domains:
            if "://" in domain or not re.fullmatch(r"[\w.-]+(:\d+)?(/\S*)?", domain):
                raise ValueError(f"not a domain as example.com or example.com/news: {domain!r}")
        return domains

    @field_validator("rules")
    @classmethod
    def _one_a_day(cls, rules: list[Rule]) -> list[Rule]:
        days = [r.since for r in rules]
        twice = sorted({d for d in days if days.count(d) > 1})
        if twice:
            raise ValueError(f"two begin on {twice[0]}")
        return rules

    @cached_property
    def hosts(self) -> list[str]:
        """The hosts that its addresses name, sorted."""
        return sorted(
            {
                host_of(re.sub(r"\{[^}]*\}", "0", u))
                for u in [self.url, *(li.url for li in self.listing)]
            }
        )

    @cached_property
    def known_as(self) -> list[str]:
        """The domains, each with a path below it if need be, by which indexes know its pages."""
        return self.domains or [domain_of(self.url)]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, which tells its own `hosts` and `known_as`, not those told already."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("hosts", "known_as"):
            vars(copied).pop(name, None)
        return copied

    def listing_of(self, url: str, kind: str) -> Listing | None:
        """Return the listing that is declared with this address and kind, if one still is."""
        return next((li for li in self.listing if (li.url, li.kind) == (url, kind)), None)

    def rule_on(self, day: datetime.date) -> Rule | None:
        """Return the rule whose validity holds `day`: the latest that began by then."""
        begun = [r for r in self.rules if r.since <= day]
        return max(begun, key=lambda r: r.since, default=None)

    def matches(self, patterns: Iterable[str]) -> bool:
        """Say whether patterns name it: by name (`sample_*`), language (`ar/*`) or tag.

        A pattern with `!` before it takes out what it names; of several that name it, the last
        decides.
        """
        names = [self.name, f"{self.language}/{self.name}", *self.tags]
        named = False
        for pattern in patterns:
            if any(fnmatch.fnmatchcase(n, pattern.removeprefix("!")) for n in names):
                named = not pattern.startswith("!")
        return named


def load_file(path: Path, samples_at: str | None = None) -> Source:
    """Read one source file; `samples_at` is host and port of the samples, if not the usual ones.

    Raises:
        SourceError: one line that names the file, the key and what is wrong with it.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error}") from None
    return _read(path, raw, samples_at)


@lru_cache(maxsize=4096)  # every step reads all files; few of them ever change
def _read(path: Path, raw: bytes, samples_at: str | None) -> Source:
    try:
        text = raw.decode("utf-8-sig")  # some editors begin a file with a mark
        if samples_at is not None:
            text = text.replace(SAMPLE_HOST, samples_at)
        values = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"{path}: {error}") from None
    taken = {"version", "file"} & values.keys()
    if taken:
        raise SourceError(f"{path}: {min(taken)}: unknown key")
    try:
        return Source(**values, version=hashlib.sha256(raw).hexdigest()[:12], file=path)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(p) for p in first["loc"]) or "file"
        what = (
            "unknown key"
            if first["type"] == "extra_forbidden"
            else first["msg"].removeprefix("Value error, ")
        )
        raise SourceError(f"{path}: {key}: {what}") from None


def bundled_files() -> list[Path]:
    """Return the source files that come with the package: samples first, then by language."""
    return _files_in(BUNDLED)


def own_files(folder: Path | None) -> list[Path]:
    """Return the source files of the user's folder and of the folders in it; none for None.

    Raises:
        SourceError: the folder does not exist.
    """
    if folder is None:
        return []
    if not folder.is_dir():
        raise SourceError(
            f"{folder}: no such folder of sources; make it, or change the setting sources_dir"
        )
    return _files_in(folder)


def load_sources(folder: Path | None = None, samples_at: str | None = None) -> dict[str, Source]:
    """Read the bundled source files and those of the user's folder, by name.

    A file of the user's takes the place of a bundled one of the same name.

    Args:
        folder: the user's own source files; folders in it are read too.
        samples_at: host and port of the sample newspapers, if they are not the usual ones.

    Raises:
        SourceError: a file is wrong, two of a folder have the same name, or it does not exist.
    """
    sources: dict[str, Source] = {}
    for files, at in ((bundled_files(), samples_at), (own_files(folder), None)):
        read: dict[str, Source] = {}
        for file in files:
            source = load_file(file, at)
            if source.name in read:
                raise taken(source, read[source.name])
            read[source.name] = source
        sources |= read
    return sources


def taken(source: Source, other: Source) -> SourceError:
    """Return the error that says that two files have the same name."""
    return SourceError(f"{source.file}: name: {source.name!r} is taken by {other.file}")


def _files_in(folder: Path) -> list[Path]:
    below = (f.relative_to(folder) for f in folder.rglob("*.toml"))
    # Hidden folders belong to other programs (.git, .venv).
    files = [f for f in below if not any(p.startswith(".") for p in f.parts)]
    return [folder / f for f in sorted(files, key=lambda f: (len(f.parts), f))]
