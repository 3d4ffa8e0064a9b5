"""Records are taken out of WARC files, and all others stay where they are."""

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from newsarchive.errors import ArchiveError
from newsarchive.fetch.rewriting import content_of, filler, parts, rewritten, without
from newsarchive.fetch.warc import Stored, WarcFiles, read_record, record_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 11, 22)
REQUEST = b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n"


def write(root: Path, bodies: Iterable[tuple[bytes, bytes]]) -> list[Stored]:
    with WarcFiles(root, "pages") as files:
        return [
            files.write_exchange(
                DAY,
                f"https://a.example/{n}",
                NOW,
                ip="192.0.2.1",
                request=REQUEST % n,
                head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n",
                body=body,
            )
            for n, (head, body) in enumerate(bodies)
        ]


def file_of(root: Path, stored: Stored) -> bytes:
    return (root / stored.path).read_bytes()


def test_parts_are_the_records_however_the_bytes_come(tmp_path: Path) -> None:
    stored = write(tmp_path, [(b"", b"one" * n) for n in range(1, 4)])
    data = file_of(tmp_path, stored[0])
    whole = list(parts([data], "a file"))
    assert whole == list(parts([data[n : n + 7] for n in range(0, len(data), 7)], "a file"))
    assert b"".join(p.data for p in whole) == data
    assert [p.field("WARC-Type") for p in whole] == ["warcinfo", *["response", "request"] * 3]
    assert [p.offset for p in whole if p.field("WARC-Type") == "response"] == [
        s.offset for s in stored
    ]
    with pytest.raises(ArchiveError, match="ends before the record does"):
        list(parts([data[:-1]], "a file"))
    with pytest.raises(ArchiveError, match="no whole record"):
        list(parts([b"not packed" + data], "a file"))


def test_all_others_stay_where_they_are(tmp_path: Path) -> None:
    stored = write(tmp_path, [(b"", f"page {n} ".encode() * 50) for n in range(5)])
    data = file_of(tmp_path, stored[0])
    gone = {p.offset for p in parts([data], "a file") if b"a.example/2" in p.text}
    assert len(gone) == 2
    anew = b"".join(rewritten([data], gone, NOW, "a file"))
    assert len(anew) == len(data)
    assert b"page 2" not in gzip.decompress(anew)
    (tmp_path / stored[0].path).write_bytes(anew)
    for n, one in enumerate(stored):
        if n != 2:
            record = read_record(tmp_path, one.path, one.offset, one.length)
            assert record.body == f"page {n} ".encode() * 50
            raw = anew[one.offset : one.offset + one.length]
            assert hashlib.sha256(raw).hexdigest() == one.sha256
    kinds = [r.rec_type for r in ArchiveIterator(BytesIO(anew), check_digests="raise")]
    assert kinds.count("metadata") == 2 and len(kinds) == 11
    assert list(rewritten([anew], gone, NOW, "a file")) != []


@pytest.mark.parametrize("length", [21, 22, 60, 200, 260, 300, 70_000, 3_000_000])
def test_what_is_left_in_its_place_has_its_length(length: int) -> None:
    member = filler(length, NOW)
    assert len(member) == length
    text = zlib.decompress(member, 31)
    assert text == b"" or b"reason: removed on request" in text
    if length > 260:
        (record,) = ArchiveIterator(BytesIO(member))
        assert record.rec_type == "metadata"


def test_nothing_can_be_too_short() -> None:
    with pytest.raises(ValueError, match="no gzip member has 10 bytes"):
        filler(10, NOW)


KEPT, SECRET = b"<p>keep</p>        <p>this</p>", b"<p>keep</p> secret <p>this</p>"
ANSWERS = {
    "plain": (b"", SECRET),
    "gzip": (b"Content-Encoding: gzip\r\n", gzip.compress(SECRET)),
    "deflate": (b"Content-Encoding: deflate\r\n", zlib.compress(SECRET)),
    "head": (b"Link: </secret>\r\n", KEPT),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_record_is_written_anew_without_a_part(tmp_path: Path, answer: str) -> None:
    head, body = ANSWERS[answer]
    (stored,) = write(tmp_path, [(head, body)])
    _, part, _ = parts([file_of(tmp_path, stored)], "a file")
    record_id, member = without(part, lambda b: b.replace(b"secret", b"      "), NOW) or ("", b"")
    record = record_of(member, "a record")
    assert record.body == KEPT
    assert record.status == 200 and record.content_type == "text/html"
    assert (record.url, record_id) == ("https://a.example/0", record_id)
    (anew,) = parts([member], "a record")
    assert b"secret" not in anew.text
    assert anew.field("WARC-Record-ID") == record_id
    assert anew.field("WARC-Refers-To") == stored.record_id
    assert anew.field("WARC-Truncated") == "unspecified"
    assert anew.field("X-Archive-Redacted") == "2026-11-22T12:00:00Z"
    assert content_of(anew).body == record.body
    checked = ArchiveIterator(BytesIO(member), check_digests="raise")
    assert [r.content_stream().read() for r in checked] == [record.body]


def test_one_that_says_nothing_of_it_is_left_alone(tmp_path: Path) -> None:
    (stored,) = write(tmp_path, [(b"", b"page")])
    _, part, _ = parts([file_of(tmp_path, stored)], "a file")
    assert without(part, bytes, NOW) is None
