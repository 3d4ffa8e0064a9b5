"""WARC files (ISO 28500): bytes as served, in and out, one gzip member a record.

A file that is being written ends in `.open`; rows name the final path, under which readers find it
either way. Its writer holds a kernel lock on it, which ends with the writer. Of an archive in an
object store it lies on this machine until it is whole, and then goes there.
"""

import fcntl
import hashlib
import os
import re
import secrets
import threading
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from newsarchive import __version__, sums
from newsarchive.errors import ArchiveError, Unavailable
from newsarchive.fetch.coding import decode
from newsarchive.objects import Folder, ObjectPath, StoreError, move, staging

OPEN = ".open"
MOST_FILE_BYTES = 1 << 30  # a file that is larger is closed and another begun
_LEVEL = 6  # of gzip; 9 takes twice as long and saves 1 % on pages
_READ_LIMIT = 256 << 20  # bytes of one body with its content coding undone
_RETRANSFERRED = re.compile(rb"^transfer-encoding(?=[ \t]*:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a record lies, as the columns of `captures` name it."""

    path: str
    """Below the archive."""
    offset: int
    length: int
    record_id: str
    sha256: str
    """Of the record's compressed bytes; hex."""

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of `captures` that say so, by name."""
        return {
            "warc_path": self.path,
            "warc_offset": self.offset,
            "warc_length": self.length,
            "warc_record_id": self.record_id,
            "record_sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A record read back."""

    url: str
    status: int | None
    """None for a resource: an imported file, or a reply that was not HTTP."""
    headers: list[tuple[str, str]]
    """In the order served, duplicates included."""
    content_type: str | None
    body: bytes
    """Content coding undone."""


class _Head(StatusAndHeaders):  # type: ignore[misc]
    """An HTTP head that is written as it came, not as warcio would spell it."""

    def __init__(self, raw: bytes) -> None:
        super().__init__("", [])
        self.raw = raw

    def __bool__(self) -> bool:
        return True  # or warcio looks for a head in the body

    def compute_headers_buffer(self, header_filter: Any = None) -> None:
        self.headers_buff = self.raw


class _Deflating:
    """A file to warcio, which makes one gzip member of what is written."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._parts.append(self._stream.compress(data))

    def flush(self) -> None:
        """Do nothing: the member ends when it is taken."""

    def member(self) -> bytes:
        return b"".join([*self._parts, self._stream.flush()])


class WarcFiles:
    """The WARC files of one writer, one a run day; safe to share between threads."""

    def __init__(self, archive: Folder, name: str, user_agent: str = "") -> None:
        """Write below `archive`/raw; `name` begins the files' names.

        Args:
            archive: folder of the archive.
            name: what the files hold, as `pages-0`; letters, digits and hyphens.
            user_agent: for the warcinfo record.
        """
        self._archive = archive
        self._name = name
        self._info = {
            "software": f"newsarchive/{__version__}",
            "format": "WARC File Format 1.1",
            "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "http-header-user-agent": user_agent,
            "robots": "obey",
        }
        self._files: dict[date, _File] = {}
        self._lock = threading.Lock()
        self._closed = False

    def write_exchange(
        self,
        run_day: date,
        url: str,
        at: datetime,
        *,
        ip: str | None,
        request: bytes,
        head: bytes,
        body: bytes,
        truncated: str | None = None,
    ) -> Stored:
        """Write one HTTP exchange: the response, then the request that belongs to it.

        Args:
            run_day: whose folder the file lies in.
            url: what was asked.
            at: when the exchange began, aware.
            ip: the address really connected to.
            request: head of the request as sent.
            head: of the response, from `stored_head`.
            body: as served, transfer coding undone.
            truncated: why the body is not whole: length, time, disconnect.

        Returns:
            Where the response lies.

        Raises:
            ArchiveError: the file cannot be written; what stood in it before is whole.
        """
        headers = {"WARC-Date": _warc_date(at)}
        if ip:
            headers["WARC-IP-Address"] = ip
        answer = _member(
            "response",
            url,
            _Head(head),
            body,
            headers | ({"WARC-Truncated": truncated} if truncated else {}),
        )
        asked = _member(
            "request", url, _Head(request), b"", headers | {"WARC-Concurrent-To": answer[0]}
        )
        return self._append(run_day, [answer, asked])

    def write_resource(
        self,
        run_day: date,
        url: str,
        body: bytes,
        content_type: str,
        at: datetime,
        *,
        ip: str | None = None,
        truncated: str | None = None,
    ) -> Stored:
        """Write bytes that came without HTTP: an imported file, or a reply that was not HTTP.

        Args:
            run_day: whose folder the file lies in.
            url: what the bytes are of; letters that a URI may not have are escaped.
            body: the bytes.
            content_type: their media type.
            at: when they were had, aware.
            ip: where they came from, if from the net.
            truncated: why they are not whole: length, time, disconnect.

        Raises:
            ArchiveError: the file cannot be written; what stood in it before is whole.
        """
        headers = {"WARC-Date": _warc_date(at), "Content-Type": content_type}
        if ip:
            headers["WARC-IP-Address"] = ip
        if truncated:
            headers["WARC-Truncated"] = truncated
        uri = quote(url, safe="%/:=&?~#+!$,;'@()*[]")
        return self._append(run_day, [_member("resource", uri, None, body, headers)])

    def copy(self, run_day: date, record_id: str, member: bytes) -> Stored:
        """Write a record of other software as it stands, a whole gzip member.

        Raises:
            ArchiveError: the file cannot be written; what stood in it before is whole.
        """
        return self._append(run_day, [(record_id, member)])

    def roll(self) -> None:
        """Finish the files: on the disk for good, under their final names; others follow.

        Raises:
            ArchiveError: a file cannot be finished.
        """
        with self._lock:
            while self._files:
                self._files.popitem()[1].finish()

    def discard(self) -> None:
        """Remove the files that are not finished, with all that is in them; others follow."""
        with self._lock:
            while self._files:
                self._files.popitem()[1].discard()

    def close(self) -> None:
        """Finish the files and take no more records."""
        with self._lock:
            self._closed = True
        self.roll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, run_day: date, members: Sequence[tuple[str, bytes]]) -> Stored:
        record_id, first = members[0]
        sha256 = hashlib.sha256(first).hexdigest()
        with self._lock:
            if self._closed:
                raise ArchiveError("the WARC files are closed")
            file = self._files.get(run_day)
            if file is None:
                file = self._files[run_day] = _File(self._archive, run_day, self._name, self._info)
            offset = file.append(b"".join(data for _, data in members))
            if file.size >= MOST_FILE_BYTES:
                self._files.pop(run_day).finish()
        return Stored(file.path, offset, len(first), record_id, sha256)


class WarcFile:
    """The WARC file of one run day, for bytes that came without HTTP; a context manager."""

    def __init__(self, archive: Folder, run_day: date, name: str) -> None:
        """Write below `archive`/raw/run_day=…; the file is begun at the first record.

        Args:
            archive: folder of the archive.
            run_day: whose folder the file lies in.
            name: what the file's name begins with, as `imports`.
        """
        self._files = WarcFiles(archive, name)
        self._run_day = run_day

    def write_resource(self, url: str, body: bytes, content_type: str) -> Stored:
        """Write one resource record, dated now.

        Args:
            url: what the bytes are of, as `urn:sha256:…`.
            body: the bytes.
            content_type: their media type.

        Raises:
            ArchiveError: the file cannot be written; what stood in it before is whole.
        """
        now = datetime.now(UTC)
        return self._files.write_resource(self._run_day, url, body, content_type, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()


class _File:
    """One WARC file that is being written."""

    def __init__(self, archive: Folder, run_day: date, name: str, info: dict[str, str]) -> None:
        folder = _folder(archive, run_day)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        final = folder / f"{name}-{stamp}-{secrets.token_hex(4)}.warc.gz"
        self.path = str(PurePosixPath(*final.relative_to(staging(archive)).parts))
        self._archive = archive
        self._final = final
        self._open = final.with_name(final.name + OPEN)
        self._sha256 = hashlib.sha256()
        self.size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._handle = _locked(self._open)
        except OSError as error:
            raise ArchiveError(f"{self._open}: {error.strerror}") from None
        deflating = _Deflating()
        writer = WARCWriter(deflating, gzip=False, warc_version="1.1")
        writer.write_record(writer.create_warcinfo_record(final.name, info))
        try:
            self.append(deflating.member())
        except ArchiveError:
            os.close(self._handle)
            self._open.unlink(missing_ok=True)
            raise

    def append(self, data: bytes) -> int:
        """Write whole members at the end and return where; on failure leave nothing of them."""
        at = self.size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            os.ftruncate(self._handle, at)
            os.lseek(self._handle, at, os.SEEK_SET)
            raise ArchiveError(
                f"{self._open}: {error.strerror}; the records before are whole"
            ) from None
        self._sha256.update(data)
        self.size = at + len(data)
        return at

    def discard(self) -> None:
        os.close(self._handle)
        self._open.unlink(missing_ok=True)

    def finish(self) -> None:
        try:
            try:
                os.fsync(self._handle)
                # While it is locked: else it looks left behind.
                _finish(self._archive, self._open, self._final, self._sha256.hexdigest())
            finally:
                os.close(self._handle)
            folder = os.open(self._final.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise ArchiveError(f"{error.filename or self._open}: {error.strerror}") from None


def _finish(archive: Folder, written: Path, final: Path, sha256: str) -> None:
    """Give a file that is whole its place and its sum."""
    below = str(PurePosixPath(*final.relative_to(staging(archive)).parts))
    sums.record(archive, {below: sha256})
    move(written, archive / below)


def settle(archive: Folder, run_day: date, named: Callable[[], Collection[str]]) -> list[str]:
    """Clear away the files of a run day that killed writers left open; return their paths.

    They are removed, with what no row tells of; one that a row names is finished instead. A file
    whose writer may be alive is left alone.

    Args:
        archive: folder of the archive.
        run_day: whose folder is looked at.
        named: returns the paths, below the archive, that rows of the run day name.
    """
    settled = []
    for path in sorted(_folder(archive, run_day).glob(f"*{OPEN}")):
        with suppress(OSError), path.open("rb") as file:
            # Fails while the writer lives, or where there are no locks by which to know.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_nlink == 0 or not path.exists():
                continue
            final = path.with_name(path.name.removesuffix(OPEN))
            below = str(PurePosixPath(*final.relative_to(staging(archive)).parts))
            if below in named():
                _finish(archive, path, final, sums.digest(path))
            else:
                path.unlink()
            settled.append(below)
    return settled


def _folder(archive: Folder, run_day: date) -> Path:
    """Return where the files of a run day are written."""
    return staging(archive) / "raw" / f"run_day={run_day}"


def _locked(path: Path) -> int:
    """Create a file and lock it until it is closed; return its handle."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with suppress(OSError):  # where there are no locks, `settle` leaves it alone as well
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # `settle` took it before it was locked


def stored_head(lines: Iterable[bytes]) -> bytes:
    """Return the head of a response as it is stored: as served, but fit for the stored body.

    The transfer coding is undone in the body, so its header is kept under another name
    (`X-Archive-Orig-Transfer-Encoding`); a version of HTTP that readers do not know becomes 1.1;
    lines of white space, where some readers see the head's end, go; interim responses (100) go.

    Args:
        lines: as received, from the status line to the empty line or the end of the connection.
    """
    kept: list[bytes] = []
    for line in lines:
        if line in (b"\r\n", b"\n", b""):
            last, kept = kept, []  # the head of an interim response, unless nothing follows
            continue
        if line.isspace() or not line.decode("utf-8", "replace").strip():
            continue
        if not kept:
            line = re.sub(rb"^HTTP/(?!1\.[01]\b)[\d.]*", b"HTTP/1.1", line.lstrip())
        line = _RETRANSFERRED.sub(b"X-Archive-Orig-Transfer-Encoding", line)
        kept.append(line if line.endswith(b"\n") else line + b"\r\n")
    return b"".join(kept or last) + b"\r\n"


def parse_head(lines: Iterable[bytes]) -> list[tuple[str, str]]:
    """Return the headers in the order served, duplicates included, folded lines joined.

    Args:
        lines: as received; of several heads (interim responses) the last counts.
    """
    headers: list[tuple[str, str]] = []
    first = True
    for line in lines:
        if line in (b"\r\n", b"\n", b""):
            first = True
            continue
        if first:
            headers, first = [], False
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        if text[0] in " \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if colon:
            headers.append((name.strip(), value.strip()))
    return headers


def header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the first value of a header, whatever the case of its name."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def read_record(archive: Folder, warc_path: str, offset: int, length: int) -> Record:
    """Read one record back, by the path, offset and length that its row names.

    Also of a file that is still being written, and of records that other software wrote.

    Raises:
        Unavailable: the object store does not answer.
        ArchiveError: the file is missing, or there is no whole record there.
    """
    where = f"{warc_path} at {offset}"
    try:
        data = read_member(archive, warc_path, offset, length)
    except StoreError as error:
        raise Unavailable(f"{archive / warc_path}: {error.strerror}") from None
    except OSError as error:
        raise ArchiveError(f"{where}: {error.strerror}") from None
    if len(data) < length:
        raise ArchiveError(f"{where}: the file ends before the record does")
    return record_of(data, where)


def record_of(member: bytes, where: str) -> Record:
    """Read a record from its gzip member; `where` it lies begins the message of an error.

    Raises:
        ArchiveError: it is no whole record.
    """
    try:
        record = ArcWarcRecordLoader().parse_record_stream(
            BytesIO(zlib.decompress(member, 31)), known_format="warc"
        )
        stream = record.raw_stream
        http = record.http_headers
        headers: list[tuple[str, str]] = list(http.headers) if http else []
        if (header(headers, "transfer-encoding") or "").lower() == "chunked":
            stream = ChunkedDataReader(stream)
        body = stream.read()
        status = int(http.get_statuscode()) if http else None
        url = str(record.rec_headers.get_header("WARC-Target-URI") or "")
        own_type = record.rec_headers.get_header("Content-Type")
    except (
        zlib.error,
        EOFError,
        ValueError,
        ArchiveLoadFailed,
        StatusAndHeadersParserException,
    ) as error:
        raise ArchiveError(f"{where}: no whole record there ({error})") from None
    if stream is record.raw_stream and stream.limit > 0:
        raise ArchiveError(f"{where}: no whole record there ({stream.limit} bytes are missing)")
    decoded = decode(body, header(headers, "content-encoding"), _READ_LIMIT)
    if decoded.problem:
        raise ArchiveError(f"{where}: {decoded.error}")
    content_type = header(headers, "content-type") if http else own_type
    return Record(url, status, headers, content_type, decoded.data)


def read_member(archive: Folder, warc_path: str, offset: int, length: int) -> bytes:
    """Return the compressed bytes of a record as they lie; fewer where the file ends before.

    Also of a file that is still being written.

    Raises:
        ArchiveError: there can be no such record.
        OSError: the file cannot be read.
    """
    parts = PurePosixPath(warc_path).parts
    if not parts or PurePosixPath(warc_path).is_absolute() or ".." in parts:
        raise ArchiveError(f"{warc_path} at {offset}: not a path below the archive")
    if offset < 0 or length <= 0:
        raise ArchiveError(f"{warc_path} at {offset}: no record of {length} bytes")
    path = archive / "/".join(parts)
    written = staging(archive) / f"{'/'.join(parts)}{OPEN}"
    # Final name, open name, and the final one again: it may be finished between the two looks. In
    # an object store the second look comes first, for it costs nothing.
    order = (written, path) if isinstance(path, ObjectPath) else (path, written, path)
    error: OSError | None = None
    for candidate in order:
        try:
            if isinstance(candidate, ObjectPath):
                return candidate.read_range(offset, length)
            with candidate.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as failed:
            error = failed
    raise error or FileNotFoundError(warc_path)


def _member(
    kind: str, uri: str, head: _Head | None, body: bytes, headers: dict[str, str]
) -> tuple[str, bytes]:
    """Return the id of a new record and its gzip member."""
    deflating = _Deflating()
    writer = WARCWriter(deflating, gzip=False, warc_version="1.1")
    record = writer.create_warc_record(
        uri,
        kind,
        payload=BytesIO(body),
        length=len(body),
        http_headers=head,
        warc_headers_dict=headers,
    )
    writer.write_record(record)
    return str(record.rec_headers.get_header("WARC-Record-ID")), deflating.member()


def _warc_date(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
