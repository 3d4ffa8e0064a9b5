"""The shape that all public indexes have in common; `gdelt`, `wayback` and `ccnews` are of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Protocol

from newsarchive.discover.page import Page
from newsarchive.model import Link, ListingState
from newsarchive.sources.load import Source


@dataclass(frozen=True, slots=True)
class Cost:
    """About what an index takes to answer for one day."""

    requests: int
    bytes: int
    """As served."""


def state_of(
    name: str,
    run_day: date,
    source: Source,
    links: Iterable[Link],
    *,
    status: str,
    gap: str | None,
    problem: str | None,
) -> ListingState:
    """Return what an index that is read once for all sources answered of one of them.

    Args:
        name: of the index.
        run_day: the day it was asked for.
        source: whose pages.
        links: the day's links of that source.
        status: answered, not_found or failed.
        gap: what is missing of an answer; of no other status is it worth a word.
        problem: why it failed.
    """
    return ListingState(
        run_day=run_day,
        source=source.name,
        listing=name,
        route=name,
        status=status,
        links=sum(name in link.listings for link in links),
        gap=gap if status == "answered" else None,
        problem=problem,
    )


class Index(Protocol):
    """A public index that lists pages of any site by day. Pure: it opens no socket."""

    name: ClassVar[str]
    """As sources and settings name it; also the route and the listing of what it finds."""
    first_day: ClassVar[date]
    """The first day that it knows anything of."""
    shared: ClassVar[bool]
    """Whether one answer is about all sources, so that it is asked for once for all of them."""

    @property
    def base(self) -> str:
        """Where it is asked: scheme, host and port."""

    def addresses(self, day: date, source: Source) -> list[str]:
        """Return what is asked first for a day."""

    def read(self, body: bytes, day: date, source: Source, url: str = "") -> Page:
        """Return what an answer says of a source's pages of a day, and what to ask next.

        Args:
            body: as served.
            day: the run day.
            source: whose pages.
            url: what was asked.
        """

    def newest(self, today: date, after: int) -> date:
        """Return the latest day that it can be asked for: its lists grow for some days.

        Args:
            today: the running UTC day.
            after: days that a day must be over, as the archive is set.
        """

    def reads(self, day: date) -> list[date]:
        """Return the days whose files are read to answer for a day."""

    def cost(self, day: date) -> Cost:
        """Return about what a day's files take: for all sources, or of one that is not shared."""
