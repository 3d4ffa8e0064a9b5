"""Scanning WARC files: which records come out, and what is no WARC file."""

import gzip
import hashlib
from datetime import UTC, datetime

import pytest
from public_indexes import warc_file, warc_record

from newsarchive.fetch.scan import Member, Scanner
from newsarchive.fetch.transport import Ended
from newsarchive.fetch.warc import record_of

AT = datetime(2024, 3, 5, 12, tzinfo=UTC)
FILE = warc_file(
    [
        (f"https://{'mine' if n % 3 else 'other'}.example/{n}", f"page {n}" * 500, AT)
        for n in range(9)
    ]
)


def mine(url: str) -> bool:
    return url.startswith("https://mine.example/")


def scanned(data: bytes, piece: int = 65536) -> tuple[Scanner, list[Member]]:
    found: list[Member] = []
    scanner = Scanner(mine, found.append, found.clear)
    for n in range(0, len(data), piece):
        scanner.write(data[n : n + piece])
    scanner.end()
    return scanner, found


@pytest.mark.parametrize("piece", [1, 7, 1000, 65536, 1 << 20])
def test_wanted_responses_come_out_byte_for_byte(piece: int) -> None:
    scanner, found = scanned(FILE, piece)
    assert [m.url for m in found] == [f"https://mine.example/{n}" for n in (1, 2, 4, 5, 7, 8)]
    assert scanner.records == 1 + 2 * 9
    assert scanner.position == len(FILE)
    for member in found:
        assert FILE[member.offset : member.offset + len(member.data)] == member.data
        assert member.at == AT
        number = member.url.rpartition("/")[2]
        assert record_of(member.data, "here").body == f"page {number}".encode() * 500


def test_it_goes_on_from_the_record_at_hand() -> None:
    found: list[Member] = []
    scanner = Scanner(mine, found.append, found.clear)
    cut = len(FILE) * 2 // 3
    scanner.write(FILE[:cut])
    assert 0 < scanner.position <= cut
    scanner.begin(scanner.position)
    scanner.write(FILE[scanner.position :])
    scanner.end()
    assert [m.data for m in found] == [m.data for m in scanned(FILE)[1]]


def test_a_file_that_begins_anew_counts_once() -> None:
    found: list[Member] = []
    scanner = Scanner(mine, found.append, found.clear)
    scanner.write(FILE[: len(FILE) * 2 // 3])
    scanner.begin(0)
    scanner.write(FILE)
    scanner.end()
    assert len(found) == 6


def test_zeros_at_the_end_and_old_spellings() -> None:
    record = warc_record("https://mine.example/1", "x", AT)
    text = gzip.decompress(record).replace(
        b"WARC-Target-URI: https://mine.example/1", b"warc-target-uri:<https://mine.example/1>"
    )
    _, found = scanned(gzip.compress(text, mtime=0) + b"\0" * 100)
    assert [m.url for m in found] == ["https://mine.example/1"]


WHOLE = warc_record("https://other.example/1", "x" * 100, AT)
TEXT = gzip.decompress(WHOLE)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no records"),
        (b"GET / HTTP/1.1", "gzip"),
        (WHOLE[:-9], "ends amid"),
        (WHOLE + b"more", "gzip"),
        (gzip.compress(TEXT + TEXT, mtime=0), "not one record to each"),
        (gzip.compress(TEXT[:-50], mtime=0), "not as long as it says"),
        (gzip.compress(b"HTTP/1.1 200 OK\r\n\r\n", mtime=0), "no WARC record"),
        (gzip.compress(b"WARC/1.0\r\n" + b"A: b\r\n" * 20_000, mtime=0), "no end of its head"),
        (
            gzip.compress(TEXT.replace(b"Content-Length: ", b"Content-Length: a", 1), mtime=0),
            "as long",
        ),
    ],
)
def test_what_is_no_warc_file(data: bytes, words: str) -> None:
    with pytest.raises(Ended, match=words) as ended:
        scanned(data)
    assert ended.value.outcome == "invalid"


def test_memory_holds_the_record_at_hand_only() -> None:
    digest = hashlib.sha256()
    largest = 0

    def take(member: Member) -> None:
        nonlocal largest
        largest = max(largest, len(member.data))
        digest.update(member.data)

    scanner = Scanner(mine, take)
    for _ in range(3):
        scanner.write(FILE)
    scanner.end()
    assert scanner.records == 3 * 19
    assert largest < len(FILE)
