"""What one fetched listing file says."""

from dataclasses import dataclass
from datetime import date, datetime

from newsarchive.model import Entry


@dataclass(frozen=True, slots=True)
class Child:
    """One file that a sitemap index names."""

    url: str
    """Absolute."""
    lastmod: datetime | None
    """UTC where the index writes a zone, else without zone; None where it gives no time."""
    lastmod_day: date | None
    """The day as the index writes it."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one listing file says, and what was wrong with it."""

    entries: list[Entry]
    """In the order of the file. URLs may be relative to the file's own."""
    children: list[Child]
    """Of a sitemap index, in the order of the file."""
    problem: str | None
    """As `not a listing (HTML)` or `XML broken (…); read entry by entry`; None when clean."""
    next: str | None = None
    """The address of the page after it: as a section page itself names it; of an index, by its
    resume key."""
