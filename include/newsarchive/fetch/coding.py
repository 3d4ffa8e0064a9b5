"""Content codings: undoing gzip and deflate, within a limit."""

import zlib
from dataclasses import dataclass

ACCEPT = "gzip, deflate"  # never ask for what not every reader of the archive can undo
_MOST_CODINGS = 5


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body with its content coding undone, as far as that went."""

    data: bytes
    problem: str | None = None
    """None, too_large or broken."""
    error: str | None = None


def decode(body: bytes, coding: str | None, limit: int) -> Decoded:
    """Undo the content coding of a whole body.

    A body that is plain though its header says gzip is taken as it is, as browsers' users expect;
    what stands after the end of a gzip stream is ignored.

    Args:
        body: as served, transfer coding undone.
        coding: the Content-Encoding header; None or empty for none.
        limit: most bytes to give; a coding of a few bytes can hold gigabytes.
    """
    codings = [c for c in (c.strip().lower() for c in (coding or "").split(",")) if c]
    codings = [c for c in codings if c != "identity"]
    if len(codings) > _MOST_CODINGS:
        return Decoded(b"", "broken", f"{len(codings)} content codings on top of each other")
    for name in reversed(codings):
        if name in ("gzip", "x-gzip"):
            decoded = _gunzip(body, limit)
        elif name == "deflate":
            decoded = _inflate(body, limit)
        else:
            return Decoded(b"", "broken", f"content coding {name[:40]!r} is not understood")
        if decoded.problem:
            return decoded
        body = decoded.data
    if len(body) > limit:
        return Decoded(body[:limit], "too_large", f"more than {limit} bytes")
    return Decoded(body)


def _gunzip(body: bytes, limit: int) -> Decoded:
    if not body.startswith(b"\x1f\x8b"):
        return Decoded(body)
    out = bytearray()
    rest = body
    while rest.startswith(b"\x1f\x8b"):  # a stream may have several members
        stream = zlib.decompressobj(31)
        try:
            out += stream.decompress(rest, limit + 1 - len(out))
        except zlib.error as error:
            return Decoded(bytes(out[:limit]), "broken", f"gzip: {error}")
        if len(out) > limit:
            return Decoded(bytes(out[:limit]), "too_large", f"more than {limit} bytes")
        if not stream.eof:
            return Decoded(bytes(out), "broken", "gzip: the stream ends early")
        rest = stream.unused_data
    return Decoded(bytes(out))


def _inflate(body: bytes, limit: int) -> Decoded:
    if not body:
        return Decoded(body)
    error: zlib.error | None = None
    for bits in (15, -15):  # zlib's wrapper is the standard; many servers leave it away
        stream = zlib.decompressobj(bits)
        try:
            out = stream.decompress(body, limit + 1)
        except zlib.error as failed:
            error = error or failed
            continue
        if len(out) > limit:
            return Decoded(out[:limit], "too_large", f"more than {limit} bytes")
        if not stream.eof:
            return Decoded(out, "broken", "deflate: the stream ends early")
        return Decoded(out)
    return Decoded(b"", "broken", f"deflate: {error}")
