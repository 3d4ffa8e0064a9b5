"""Common Crawl's CC-NEWS: WARC files of news pages, listed by month, each named by its time.

https://data.commoncrawl.org/crawl-data/CC-NEWS/: `warc.paths.gz` of a month names its files,
`CC-NEWS-YYYYMMDDHHMMSS-NNNNN.warc.gz`, of about 1 GB. The stamp is the time of the crawl, so pages
of a day are looked for in the files of that day and of some days after it. The list of a page is
the page itself: what is found is kept at once, and nobody else need be asked for it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from newsarchive.days import days_between
from newsarchive.discover.gdelt import unpacked
from newsarchive.discover.index import Cost
from newsarchive.discover.page import Child, Page
from newsarchive.sources.load import Source

_FILE = re.compile(r"CC-NEWS-(\d{4})(\d\d)(\d\d)\d{6}-\d+\.warc\.gz$")
_A_FILE = 1_070_000_000  # bytes
_FILES_A_DAY = 18


@dataclass(frozen=True, slots=True)
class CcNews:
    """CC-NEWS at one place."""

    base: str
    days_after: int
    """Days after a day whose files are searched for it too."""
    name: ClassVar[str] = "ccnews"
    first_day: ClassVar[date] = date(2016, 8, 26)
    shared: ClassVar[bool] = True

    def reads(self, day: date) -> list[date]:
        """Return the days whose files are searched for a day."""
        return days_between(day, day + timedelta(days=self.days_after))

    def addresses(self, day: date, source: Source | None = None) -> list[str]:
        """Return the list of files of each month that a day's files are in."""
        months = dict.fromkeys((d.year, d.month) for d in self.reads(day))
        return [f"{self.base}/crawl-data/CC-NEWS/{y}/{m:02}/warc.paths.gz" for y, m in months]

    def read(self, body: bytes, day: date, source: Source | None = None, url: str = "") -> Page:
        """Return the files that a month's list names and that are searched for a day."""
        text, problem = unpacked(body)
        lines = text.decode("utf-8", "replace").split()
        if problem and lines:
            del lines[-1:]  # cut off: so may be the last name
        wanted = set(self.reads(day))
        children = [
            Child(f"{self.base}/{line.lstrip('/')}", None, found)
            for line in lines
            if (found := day_of_file(line)) in wanted
        ]
        if not problem and not any(day_of_file(line) for line in lines):
            problem = "not a list of CC-NEWS files"
        return Page([], children, problem)

    def newest(self, today: date, after: int) -> date:
        """Return the latest day that it can be asked for."""
        return today - timedelta(days=1 + max(after, self.days_after))

    def cost(self, day: date) -> Cost:
        """Return about what the files of a day take, for all sources together."""
        return Cost(_FILES_A_DAY, _FILES_A_DAY * _A_FILE)


def day_of_file(name: str) -> date | None:
    """Return the UTC day of the crawl that a file's name states; None for another name."""
    found = _FILE.search(name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def runs_on(published: date | None, crawled: date, days_after: int) -> date | None:
    """Return the run day of a page found in a crawl; None for one too old to be looked for.

    Args:
        published: the UTC day that the page states; None where it states none.
        crawled: the UTC day on which it was crawled.
        days_after: days after its own on which a page is looked for.
    """
    if published is None or published > crawled:
        return crawled
    return published if (crawled - published).days <= days_after else None


def in_order(files: Iterable[str]) -> list[str]:
    """Return files in the order of their time."""
    return sorted(set(files), key=lambda url: url.rpartition("/")[2])
