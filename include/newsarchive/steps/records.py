"""Records of other people's WARC files that become captures: pages as a source served them then."""

import hashlib
import logging
from collections.abc import Callable, Collection
from datetime import date

from newsarchive.errors import ArchiveError
from newsarchive.fetch.scan import Member
from newsarchive.fetch.warc import Record, Stored, WarcFiles, header, record_of
from newsarchive.model import Capture, Refused
from newsarchive.parse.page import parse_page
from newsarchive.sources import Source
from newsarchive.text.address_dates import day_in_path
from newsarchive.text.identity import capture_id, clean_url, link_id

log = logging.getLogger(__name__)

Filing = Callable[[date | None, date], date | None]
"""From the day that a page states (None: it states none) and that of its capture to its run day;
None for a page that is not wanted."""


class Records:
    """The pages found in one WARC file."""

    def __init__(
        self,
        provider: str,
        file: str,
        warc: WarcFiles | None,
        lies_at: str | None = None,
        there: Collection[str] = (),
        removed: Collection[str] = (),
    ) -> None:
        """Begin with none.

        Args:
            provider: who gives the file: ccnews or warc.
            file: its address or name.
            warc: where its records are copied to; None: they are read where they lie.
            lies_at: then the file's path below the archive.
            there: ids of captures that are in the archive already.
            removed: ids of links to articles that were removed on request.
        """
        self._provider, self._file, self._warc, self._lies_at = provider, file, warc, lies_at
        self._there, self._removed = set(there), removed
        self.captures: list[Capture] = []
        self.touched: set[tuple[date, str]] = set()
        """Run days and sources of what was found, here already or not."""
        self.known = 0
        """Wanted records that are in the archive already."""
        self.unreadable = 0
        """Wanted records that could not be read."""
        self.others = 0
        """Wanted records that are no page, or not of the days wanted."""
        self.removed = 0
        """Wanted records of articles that were removed on request."""

    def forget(self) -> None:
        """Take back all that was found."""
        self._there -= {c.capture_id for c in self.captures}
        self.touched.clear()
        self.captures.clear()
        self.unreadable = self.others = self.known = self.removed = 0
        if self._warc is not None:
            self._warc.discard()

    def keep(self, member: Member, source: Source, filing: Filing) -> None:
        """Make a capture of a record, if it is a page of one of the days wanted.

        Args:
            member: the record.
            source: whose page it is.
            filing: says under which day.
        """
        where = f"{self._file} at {member.offset}"
        try:
            record = record_of(member.data, where)
        except ArchiveError as error:
            log.info("%s", error)
            self.unreadable += 1
            return
        url = clean_url(member.url)
        day = None
        if url is not None and link_id(source.name, url) in self._removed:
            self.removed += 1
            return
        if url is not None and _is_page(record):
            day = filing(_published(record, member, url, source), member.at.date())
        if url is None or day is None:
            self.others += 1
            return
        digest = hashlib.sha256(record.body).hexdigest()
        # Of the page, whatever file holds it: a copy of the file brings nothing new.
        identity = capture_id(day, source.name, url, self._provider, member.at, digest)
        self.touched.add((day, source.name))
        if identity in self._there:
            self.known += 1
            return
        self._there.add(identity)
        stored = self._stored(day, member)
        self.captures.append(
            Capture(
                run_day=day,
                capture_id=identity,
                source=source.name,
                kind="page",
                url=member.url,
                link_id=link_id(source.name, url),
                listing=self._provider,
                route=self._provider,
                visit="first",
                attempt=1,
                hop=0,
                outcome="ok",
                captured_at=member.at,
                status=record.status,
                content_type=record.content_type,
                etag=header(record.headers, "etag"),
                last_modified=header(record.headers, "last-modified"),
                payload_bytes=len(record.body),
                payload_sha256=digest,
                **stored.columns,
                provider=self._provider,
                asked_url=self._file,
            )
        )

    def _stored(self, day: date, member: Member) -> Stored:
        if self._warc is not None:
            return self._warc.copy(day, member.record_id, member.data)
        sha256 = hashlib.sha256(member.data).hexdigest()
        return Stored(
            self._lies_at or "", member.offset, len(member.data), member.record_id, sha256
        )


def _is_page(record: Record) -> bool:
    kind = (record.content_type or "").lower()
    return record.status == 200 and (not kind or "html" in kind)


def _published(record: Record, member: Member, url: str, source: Source) -> date | None:
    """Return the UTC day on which a page was published: as its address says, else as it states."""
    day = day_in_path(url)
    if day is not None:
        return day
    found = parse_page(
        record.body,
        url=url,
        content_type=record.content_type,
        source=source,
        link=None,
        captured_at=member.at,
    )
    if isinstance(found, Refused) or not found:
        return None
    article = found[0]
    return article.published_at.date() if article.published_at else article.published_day
