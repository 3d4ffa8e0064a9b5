"""Scanning WARC files of any size for some records: a stream in, the wanted records out.

Nothing is held but the record at hand. A record that is not wanted is passed over after a look at
its head: it is inflated, as only that finds where it ends, and not read. Records that are wanted
come out as the gzip members that they are, so that they can be kept byte for byte.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from newsarchive.errors import ArchiveError
from newsarchive.fetch.transport import Ended
from newsarchive.objects import Folder, StoreError

_PIECE = 1 << 20
_NOT_WARC = (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, zlib.error, ValueError)
_URI = "WARC-Target-URI"
_MOST_HEAD = 64 << 10  # bytes of a record's own head
_MOST_MEMBER = 64 << 20  # bytes of a wanted record, compressed; a page of news is not that large
_HEADERS = {
    b"warc-type": "type",
    b"warc-target-uri": "url",
    b"warc-date": "date",
    b"warc-record-id": "record_id",
    b"content-length": "length",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A wanted record, as the gzip member that it is in its file."""

    url: str
    at: datetime
    """WARC-Date, UTC."""
    record_id: str
    offset: int
    data: bytes


@dataclass(slots=True)
class _Head:
    """What the head of the record at hand says."""

    type: str = ""
    url: str = ""
    date: str = ""
    record_id: str = ""
    length: str = ""
    size: int = 0
    """Bytes of the head itself, the empty line included."""


def scan_file(path: Folder, scanner: "Scanner", *, anywhere: bool = False) -> None:
    """Scan a file on this machine, or an object of the archive.

    Args:
        path: the file.
        scanner: what its bytes are given to, or, where it is not a gzip member a record, its
            records one by one, each packed as such a member.
        anywhere: whether such a file will do: the offsets of its records mean nothing.

    Raises:
        Ended: it is no WARC file that will do.
        ArchiveError: it cannot be read.
    """
    try:
        for data in _pieces(path):
            scanner.write(data)
        scanner.end()
    except Ended:
        if not anywhere or scanner.position:
            raise
    else:
        return
    scanner.begin(0)
    try:
        # Packed as one piece, it is unpacked here: warcio wants a member a record too.
        with path.open("rb") as raw, gzip.open(raw) if _is_packed(path) else raw as file:
            for record in ArchiveIterator(file, no_record_parse=True, arc2warc=True):
                head = record.rec_headers
                if not scanner.wants(record.rec_type, str(record.rec_headers.get_header(_URI))):
                    continue
                body = record.content_stream().read()
                packer = zlib.compressobj(6, zlib.DEFLATED, 31)
                text = head.to_bytes() + body + b"\r\n\r\n"
                scanner.write(packer.compress(text) + packer.flush())
    except (*_NOT_WARC, OSError) as error:
        raise Ended("invalid", str(error)) from None


def _is_packed(path: Folder) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _pieces(path: Folder) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while data := file.read(_PIECE):
                yield data
    except StoreError:
        raise
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {error.strerror or error}") from None


class Scanner:
    """Takes a WARC file piece by piece, and hands over the responses that are wanted; a `Sink`."""

    def __init__(
        self,
        wanted: Callable[[str], bool],
        found: Callable[[Member], None],
        anew: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin a file.

        Args:
            wanted: says by its address whether a response is.
            found: takes each, in the order of the file.
            anew: is told when a file begins again, so that what was found of it does not count.
        """
        self._wanted, self._found, self._anew = wanted, found, anew
        self.position = 0
        """Where the record at hand begins: what is before it need not be read again."""
        self.records = 0
        """Records of any type that were seen whole."""
        self._start()

    def wants(self, kind: str, url: str) -> bool:
        """Say whether a record of a type and address is wanted."""
        return kind == "response" and self._wanted(url)

    def begin(self, at: int) -> None:
        """Go on from a byte, where a record begins; from 0: the whole file anew."""
        if at == 0 and self.position:
            self._anew()
            self.records = 0
        self.position = at
        self._start()

    def write(self, data: bytes) -> None:
        """Take the next bytes of the file.

        Raises:
            Ended: they are no WARC file with a gzip member a record.
        """
        while data:
            if not self._taken and not data.lstrip(b"\0"):
                return  # zeros behind the last record
            data = self._inflate(data)

    def end(self) -> None:
        """Be told that the file is over.

        Raises:
            Ended: it ends amid a record, or holds none.
        """
        if self._taken:
            raise Ended("invalid", f"the file ends amid the record at {self.position}")
        if not self.records:
            raise Ended("invalid", "no records")

    def _start(self) -> None:
        self._stream = zlib.decompressobj(31)
        self._taken = 0  # bytes of the member so far
        self._inflated = 0
        self._text = b""  # of the record, until its head is whole
        self._head: _Head | None = None
        self._kept: list[bytes] | None = []  # None: not wanted

    def _inflate(self, data: bytes) -> bytes:
        """Take what belongs to the member at hand; return what is behind it."""
        try:
            text = self._stream.decompress(data)
        except zlib.error as error:
            raise Ended("invalid", f"gzip: {error}, in the record at {self.position}") from None
        rest = self._stream.unused_data
        used = data[: len(data) - len(rest)]
        self._taken += len(used)
        self._inflated += len(text)
        if self._kept is not None:
            self._kept.append(used)
            if self._taken > _MOST_MEMBER:
                self._kept = None
        if self._head is None:
            self._text += text
            self._look()
        if self._stream.eof:
            self._finish()
        return rest

    def _look(self) -> None:
        """Read the head as soon as it is whole, and say whether the record is wanted."""
        end = self._text.find(b"\r\n\r\n")
        if not self._text[:5].startswith(b"WARC/"[: len(self._text)]):
            raise Ended("invalid", f"no WARC record at {self.position}")
        if end < 0:
            if len(self._text) > _MOST_HEAD:
                raise Ended("invalid", f"the record at {self.position} has no end of its head")
            return
        head = _Head(size=end + 4)
        for line in self._text[:end].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            field = _HEADERS.get(name.strip().lower())
            if field:
                setattr(head, field, value.strip().decode("utf-8", "replace"))
        head.url = head.url.removeprefix("<").removesuffix(">")
        self._head, self._text = head, b""
        if not self.wants(head.type, head.url):
            self._kept = None

    def _finish(self) -> None:
        head = self._head
        if head is None:
            raise Ended("invalid", f"the record at {self.position} has no end of its head")
        length = int(head.length) if head.length.isascii() and head.length.isdigit() else -1
        left = self._inflated - head.size - length
        if length >= 0 and left > 4:
            raise Ended("invalid", f"at {self.position}: not one record to each gzip member")
        if length < 0 or left < 0:
            raise Ended("invalid", f"the record at {self.position} is not as long as it says")
        if self._kept is not None:
            member = Member(
                head.url, _time(head.date), head.record_id, self.position, b"".join(self._kept)
            )
            self._found(member)
        self.records += 1
        self.position += self._taken
        self._start()


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Ended("invalid", f"WARC-Date {text[:40]!r} is no time") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
