import gzip
import zlib

import pytest

from newsarchive.fetch.coding import decode
from newsarchive.fetch.robots import judge
from newsarchive.fetch.session import _seconds
from newsarchive.fetch.warc import parse_head, stored_head

TEXT = "نص ".encode() * 500


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (TEXT, None),
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT, mtime=0), "gzip"),
        (gzip.compress(TEXT, mtime=0), " X-GZip "),
        (gzip.compress(TEXT[:700], mtime=0) + gzip.compress(TEXT[700:], mtime=0), "gzip"),
        (gzip.compress(TEXT, mtime=0) + b"\0\0surplus", "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (gzip.compress(zlib.compress(TEXT), mtime=0), "deflate, gzip"),
        (TEXT, "gzip"),
    ],
)
def test_decode(body: bytes, coding: str | None) -> None:
    decoded = decode(body, coding, 10_000)
    assert (decoded.data, decoded.problem) == (TEXT, None)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_empty_body_has_no_coding(coding: str) -> None:
    assert decode(b"", coding, 100).problem is None


@pytest.mark.parametrize(
    ("body", "coding", "problem"),
    [
        (TEXT, None, "too_large"),
        (gzip.compress(TEXT, mtime=0), "gzip", "too_large"),
        (zlib.compress(TEXT), "deflate", "too_large"),
        (gzip.compress(TEXT, mtime=0)[:-10], "gzip", "broken"),
        (zlib.compress(b"abc")[:-5], "deflate", "broken"),
        (b"\xff\xff\xff", "deflate", "broken"),
        (TEXT, "br", "broken"),
        (TEXT, "gzip," * 9, "broken"),
    ],
)
def test_what_cannot_be_decoded_says_why(body: bytes, coding: str | None, problem: str) -> None:
    limit = 100 if problem == "too_large" else 10_000
    decoded = decode(body, coding, limit)
    assert decoded.problem == problem
    assert decoded.error
    assert len(decoded.data) <= limit


@pytest.mark.parametrize(
    ("lines", "stored"),
    [
        ([b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", b"\r\n"], b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
        ([b"HTTP/1.1 200 OK\r\n", b"A: b"], b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
        ([b"HTTP/1.1 200 OK\n", b"\n"], b"HTTP/1.1 200 OK\n\r\n"),
        (
            [b"HTTP/1.1 100 Continue\r\n", b"\r\n", b"HTTP/1.0 404 No\r\n", b"\r\n"],
            b"HTTP/1.0 404 No\r\n\r\n",
        ),
        ([b"HTTP/2 200\r\n", b"\r\n"], b"HTTP/1.1 200\r\n\r\n"),
        (
            [b"HTTP/1.1 200 OK\r\n", b" \t\r\n", b"\xc2\xa0\r\n", b"A: b\r\n", b"\r\n"],
            b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
        ),
        (
            [b"HTTP/1.1 200 OK\r\n", b"transfer-ENCODING : chunked\r\n", b"\r\n"],
            b"HTTP/1.1 200 OK\r\nX-Archive-Orig-Transfer-Encoding : chunked\r\n\r\n",
        ),
    ],
)
def test_stored_head(lines: list[bytes], stored: bytes) -> None:
    assert stored_head(lines) == stored


def test_parse_head() -> None:
    lines = [b"HTTP/1.1 100 Continue\r\n", b"X: old\r\n", b"\r\n", b"HTTP/1.1 200 OK\r\n"]
    lines += [b"A: 1\r\n", b"nothing\r\n", b"a:2\r\n", b" more\r\n", "خ: ب\r\n".encode(), b"\r\n"]
    assert parse_head(lines) == [("A", "1"), ("a", "2 more"), ("خ", "ب")]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 10:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    from datetime import UTC, datetime

    assert _seconds(value, datetime(2026, 11, 22, 10, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("outcome", "status", "allowed"),
    [
        ("http_error", 404, True),
        ("http_error", 403, True),
        ("http_error", 429, False),
        ("http_error", 503, False),
        ("timeout", None, False),
        ("connection", None, False),
        ("tls", None, False),
        ("broken", 200, False),
        ("too_many_redirects", None, True),
        ("bad_url", None, True),
        ("ok", 200, True),
    ],
)
def test_what_no_robots_txt_means(outcome: str, status: int | None, allowed: bool) -> None:
    rules = judge(outcome, status, b"", None)
    assert (rules.refusal("http://example.com/page") is None) == allowed


def test_only_the_first_500_kib_of_robots_txt_count() -> None:
    text = b"User-agent: *\nDisallow: /a\n" + b"# \n" * 200_000 + b"Disallow: /b\n"
    rules = judge("too_large", 200, text, None)
    assert rules.refusal("http://example.com/a")
    assert rules.refusal("http://example.com/b") is None


def test_our_own_group_of_robots_txt_counts() -> None:
    text = b"\xef\xbb\xbfUser-agent: newsarchive\nCrawl-delay: 3\nAllow: /\n\n"
    text += b"User-agent: *\nDisallow: /\n"
    rules = judge("ok", 200, text, None)
    assert rules.refusal("http://example.com/a") is None
    assert rules.delay == 3.0


def test_crawl_delay_has_a_cap() -> None:
    assert judge("ok", 200, b"User-agent: *\nCrawl-delay: 86400\n", None).delay == 60.0
