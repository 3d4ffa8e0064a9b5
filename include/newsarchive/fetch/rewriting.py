"""Taking records out of WARC files that are written already: bytes in, bytes out.

A record that goes leaves one of the same length in its place, so that all others stay where rows
say that they are. A record of which a part is blanked is written anew, elsewhere.
"""

import hashlib
import uuid
import zlib
from base64 import b32encode
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from warcio.bufferedreaders import ChunkedDataReader

from newsarchive.errors import ArchiveError
from newsarchive.fetch.coding import decode

_READ_LIMIT = 256 << 20  # bytes of one body with its content coding undone
_ORIGINAL = b"X-Archive-Orig-"
_UNDONE = (b"content-encoding", b"transfer-encoding", b"content-length")
_KEPT = ("WARC-Type", "WARC-Target-URI", "WARC-Date", "WARC-IP-Address", "Content-Type")


@dataclass(frozen=True, slots=True)
class Part:
    """One gzip member of a WARC file, which holds one record."""

    offset: int
    data: bytes
    """Compressed."""
    text: bytes
    """The record: its head, its block."""

    def field(self, name: str) -> str:
        """Return a field of the record's head; empty where it has none."""
        return _field(self.text.partition(b"\r\n\r\n")[0], name.lower().encode())


@dataclass(frozen=True, slots=True)
class Content:
    """What a record holds, codings undone."""

    head: bytes
    """Of HTTP, as it stands; empty for other records."""
    body: bytes
    plain: bool
    """Whether the body stands so in the record."""


def parts(pieces: Iterable[bytes], where: str) -> Iterator[Part]:
    """Yield the gzip members of a WARC file, in order.

    Args:
        pieces: the file.
        where: it lies; begins the message of an error.

    Raises:
        ArchiveError: it is not a gzip member a record, or it ends within one.
    """
    offset, stream = 0, zlib.decompressobj(31)
    data, text = bytearray(), bytearray()
    for piece in pieces:
        left = piece
        while left:
            try:
                text += stream.decompress(left)
            except zlib.error as error:
                raise ArchiveError(
                    f"{where} at {offset}: no whole record there ({error})"
                ) from None
            if not stream.eof:
                data += left
                break
            data += left[: len(left) - len(stream.unused_data)]
            left = stream.unused_data
            yield Part(offset, bytes(data), bytes(text))
            offset += len(data)
            data.clear()
            text.clear()
            stream = zlib.decompressobj(31)
    if data:
        raise ArchiveError(f"{where} at {offset}: the file ends before the record does")


def content_of(part: Part) -> Content:
    """Return what a record holds; a coding that cannot be undone stays."""
    head, _, rest = part.text.partition(b"\r\n\r\n")
    length = _field(head, b"content-length")
    block = rest[: int(length)] if length.isdigit() else rest
    if not _field(head, b"content-type").replace(" ", "").startswith("application/http"):
        return Content(b"", block, plain=True)
    end = block.find(b"\r\n\r\n")
    if end < 0:
        return Content(block, b"", plain=True)
    http, body = block[: end + 4], block[end + 4 :]
    plain = True
    if _field(http, b"transfer-encoding").lower() == "chunked":
        body, plain = ChunkedDataReader(BytesIO(body)).read(), False
    coding = _field(http, b"content-encoding")
    decoded = decode(body, coding, _READ_LIMIT)
    if decoded.problem is None and decoded.data != body:
        body, plain = decoded.data, False
    return Content(http, body, plain)


def without(
    part: Part, blanked: Callable[[bytes], bytes], at: datetime
) -> tuple[str, bytes] | None:
    """Return a record anew, with its id, as blanking leaves what it holds; None if it leaves all.

    Its head says so: `WARC-Truncated`, `WARC-Refers-To` (the record before) and
    `X-Archive-Redacted`, the time; its digests are those of what is left.

    Args:
        part: the record.
        blanked: returns bytes of the same length.
        at: now, aware.
    """
    content = content_of(part)
    head, body = blanked(content.head), blanked(content.body)
    if (head, body) == (content.head, content.body):
        return None
    if not content.plain:
        head = _with_plain_body(head)
    record_id = f"<urn:uuid:{uuid.uuid4()}>"
    block = head + body
    fields = [(name, value) for name in _KEPT if (value := part.field(name))]
    fields += [
        ("WARC-Record-ID", record_id),
        ("WARC-Refers-To", part.field("WARC-Record-ID")),
        ("WARC-Truncated", "unspecified"),
        ("X-Archive-Redacted", _stamp(at)),
        ("WARC-Payload-Digest", _digest(body)),
        ("WARC-Block-Digest", _digest(block)),
        ("Content-Length", str(len(block))),
    ]
    return record_id, _member(_record(fields, block))


def filler(length: int, at: datetime) -> bytes:
    """Return a gzip member of a length, with a record that says that one was removed.

    Args:
        length: in bytes.
        at: now, aware.

    Raises:
        ValueError: no member can be so short.
    """
    block = b"reason: removed on request\r\n"
    fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid.uuid4()}>"),
        ("WARC-Date", _stamp(at)),
        ("Content-Type", "application/warc-fields"),
        ("Content-Length", str(len(block))),
    ]
    full = _member(_record(fields, block))
    # Of a record that is too short for that nothing is left but an empty member.
    for member in (full, _member(b"")):
        if len(member) == length:
            return member
        if len(member) < length:
            # A comment in the member's head, which readers pass over, makes up the length.
            comment = b" " * (length - len(member) - 1) + b"\0"
            return member[:3] + bytes([member[3] | 16]) + member[4:10] + comment + member[10:]
    raise ValueError(f"no gzip member has {length} bytes")


def rewritten(
    pieces: Iterable[bytes], gone: Collection[int], at: datetime, where: str
) -> Iterator[bytes]:
    """Yield a WARC file anew, in pieces, without the records at some offsets.

    Raises:
        ArchiveError: it is not a gzip member a record.
    """
    for part in parts(pieces, where):
        yield filler(len(part.data), at) if part.offset in gone else part.data


def _with_plain_body(head: bytes) -> bytes:
    """Return a head of HTTP that fits a body whose codings are undone."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(
        _ORIGINAL + line if line.partition(b":")[0].strip().lower() in _UNDONE else line
        for line in lines
    )


def _field(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode("utf-8", "replace")
    return ""


def _record(fields: Iterable[tuple[str, str]], block: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"WARC/1.1\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def _member(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _digest(data: bytes) -> str:
    # What WARC files give by custom; nobody's safety hangs on it.
    return f"sha1:{b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
