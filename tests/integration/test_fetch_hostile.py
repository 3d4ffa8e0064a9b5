"""Whatever a server does ends in a recorded outcome, in time, and harms no other host."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fetching import DAY, check_warcs, fetch_all, pages, source, warc_files
from hostile import BEHAVIOURS, PAGE, Hostile
from warcio.archiveiterator import ArchiveIterator

from newsarchive.fetch.session import Fetched, Request
from newsarchive.fetch.warc import read_record

# Path: outcomes of its exchanges, all attempts in order, and whether it gives the page at last.
EXPECTED: dict[str, tuple[list[str], bool]] = {
    "/ok": (["ok"], True),
    "/drip": (["timeout"] * 2, False),
    "/drip_head": (["timeout"] * 2, False),
    "/drip_headers": (["timeout"] * 2, False),
    "/drip_status": (["timeout"] * 2, False),
    "/silent": (["timeout"] * 2, False),
    "/stops_amid": (["timeout"] * 2, False),
    "/endless": (["too_large"], False),
    "/too_long": (["too_large"], False),
    "/loop": (["redirect", "redirect", "too_many_redirects"], False),
    "/further": (["redirect"] * 4 + ["too_many_redirects"], False),
    "/cookie_wall": (["redirect", "ok"], True),
    "/moved": (["redirect", "ok"], True),
    "/moved_elsewhere": (["redirect", "ok"], True),
    "/moved_to_forbidden": (["redirect", "robots"], False),
    "/moved_with_endless_body": (["redirect", "ok"], True),
    "/moved_to_file": (["redirect", "bad_url"], False),
    "/moved_to_metadata": (["redirect", "blocked_address"], False),
    "/moved_to_metadata_v6": (["redirect", "blocked_address"], False),
    "/moved_nowhere": (["http_error"], False),
    "/moved_arabic": (["redirect", "ok"], True),
    "/gzipped": (["ok"], True),
    "/gzipped_twice": (["ok"], True),
    "/deflated": (["ok"], True),
    "/deflated_raw": (["ok"], True),
    "/bomb": (["too_large"], False),
    "/bomb_twice": (["too_large"], False),
    "/wrong_gzip": (["broken"], False),
    "/cut_gzip": (["broken"], False),
    "/plain_as_gzip": (["ok"], True),
    "/brotli": (["broken"], False),
    "/short": (["broken"] * 2, False),
    "/long": (["ok"], True),
    "/two_lengths": (["broken"] * 2, False),
    "/half_close": (["broken"] * 2, False),
    "/reset": (["connection"] * 2, False),
    "/reset_amid": (["broken"] * 2, False),
    "/empty": (["connection"] * 2, False),
    "/junk": (["broken"], False),
    "/binary_junk": (["broken"], False),
    "/huge_headers": (["broken"], False),
    "/huge_header": (["broken"], False),
    "/endless_continue": (["broken"], False),
    "/continue_first": (["ok"], True),
    "/odd_headers": (["ok"], False),
    "/odd_version": (["ok"], False),
    "/old_version": (["ok"], True),
    "/chunked": (["ok"], True),
    "/chunked_gzip": (["ok"], True),
    "/broken_chunk": (["broken"] * 2, False),
    "/cut_chunk": (["broken"] * 2, False),
    "/odd_transfer": (["broken"] * 2, False),
    "/unavailable_once": (["http_error", "ok"], True),
    "/too_many_requests": (["http_error", "ok"], True),
    "/closed_for_today": (["http_error"], False),
    "/error": (["http_error"] * 2, False),
    "/missing": (["http_error"], False),
    "/no_content": (["http_error"], False),
    "/conditional": (["ok"], True),
    "/unasked_304": (["http_error"], False),
}
# Each on a host of its own; the others follow each other on the first host.
ELSEWHERE = {
    "/drip": 4,
    "/drip_head": 5,
    "/drip_headers": 6,
    "/drip_status": 7,
    "/silent": 8,
    "/stops_amid": 8,
    "/closed_for_today": 9,
}


class Run:
    """One fetch of every behaviour, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        robots = {"127.0.0.3": lambda t: t.answer(b"User-agent: *\nDisallow: /forbidden\n")}
        with Hostile(robots) as self.server:
            paper = source(self.server.url("/"))
            requests = [
                Request(paper, "page", self.server.url(path, ELSEWHERE.get(path, 1)), link_id=path)
                for path in EXPECTED
            ]
            requests += [
                Request(paper, "page", self.server.url(f"/ok?{n}", 2), link_id=f"/ok?{n}")
                for n in range(50)
            ]
            self.all = fetch_all(folder, requests)
        self.pages: dict[str, Fetched] = {str(f.request.link_id): f for f in pages(self.all)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield Run(tmp_path_factory.mktemp("hostile"))


def test_every_behaviour_is_expected() -> None:
    assert set(BEHAVIOURS) - {"/slow_ok", "/loop2"} == set(EXPECTED)


@pytest.mark.parametrize("path", EXPECTED)
def test_outcome(run: Run, path: str) -> None:
    outcomes, is_page = EXPECTED[path]
    fetched = run.pages[path]
    assert [c.outcome for c in fetched.captures] == outcomes, fetched.captures
    if is_page:
        assert fetched.body == PAGE
    else:
        assert (fetched.body is not None) == (outcomes[-1] == "ok")
    last = fetched.last
    assert last.outcome in ("ok", "http_error") or last.error


def test_another_host_finishes_and_what_hangs_does_so_at_once(run: Run) -> None:
    assert all(run.pages[f"/ok?{n}"].body == PAGE for n in range(50))
    # One after the other, the last of them would be asked 12 s after the first.
    begun: dict[str, float] = {}
    for asked in run.server.asked:
        if asked.path in ELSEWHERE:
            begun.setdefault(asked.path, asked.began)
    assert max(begun.values()) - min(begun.values()) < 8


def test_one_request_at_a_time(run: Run) -> None:
    # A host that hangs is left by us while it still answers.
    assert run.server.most_at_once["127.0.0.2"] == 1


def test_forbidden_targets_are_not_asked(run: Run) -> None:
    assert not any(p.startswith("/forbidden") for p in run.server.paths(3))


def test_warcio_check(run: Run) -> None:
    check_warcs(run.folder)
    assert not [f for f in warc_files(run.folder) if f.name.endswith(".open")]


def test_every_record_is_named_by_a_capture_and_reads_back(run: Run) -> None:
    archive = run.folder / "archive"
    named = set()
    for fetched in run.all:
        for capture in fetched.captures:
            if capture.warc_path is None:
                continue
            assert capture.warc_offset is not None and capture.warc_length is not None
            with (archive / capture.warc_path).open("rb") as file:
                file.seek(capture.warc_offset)
                member = file.read(capture.warc_length)
            assert hashlib.sha256(member).hexdigest() == capture.record_sha256
            assert capture.warc_record_id and capture.warc_record_id.encode() in gzip.decompress(
                member
            )
            named.add(capture.warc_record_id)
            if capture.payload_sha256 is None and capture.status is not None:
                continue  # not whole, or not to be decoded
            record = read_record(
                archive, capture.warc_path, capture.warc_offset, capture.warc_length
            )
            assert record.url == capture.url
            assert record.status == capture.status
            if capture.payload_sha256 is not None:
                assert hashlib.sha256(record.body).hexdigest() == capture.payload_sha256
                assert len(record.body) == capture.payload_bytes
                assert record.content_type == capture.content_type
            if capture is fetched.last and fetched.body is not None:
                assert record.body == fetched.body
    assert named == {
        r["WARC-Record-ID"] for r in records(run) if r["WARC-Type"] in ("response", "resource")
    }


def records(run: Run) -> list[dict[str, str]]:
    found = []
    for file in warc_files(run.folder):
        with file.open("rb") as stream:
            found += [dict(r.rec_headers.headers) for r in ArchiveIterator(stream)]
    return found


def test_every_response_has_its_request(run: Run) -> None:
    all_records = records(run)
    assert all_records[0]["WARC-Type"] == "warcinfo"
    responses = {r["WARC-Record-ID"]: r for r in all_records if r["WARC-Type"] == "response"}
    requests = {r["WARC-Concurrent-To"]: r for r in all_records if r["WARC-Type"] == "request"}
    assert responses.keys() == requests.keys()
    for key, response in responses.items():
        assert response["WARC-IP-Address"].startswith("127.0.0.")
        assert response["WARC-Date"] == requests[key]["WARC-Date"]
        assert response["WARC-Target-URI"] == requests[key]["WARC-Target-URI"]
    truncated = {r.get("WARC-Truncated") for r in responses.values()}
    assert truncated == {None, "time", "length", "disconnect"}


def test_what_is_no_http_is_kept_too(run: Run) -> None:
    last = run.pages["/junk"].last
    record = read_record(
        run.folder / "archive", last.warc_path or "", last.warc_offset or 0, last.warc_length or 0
    )
    assert record.body == b"<html>a page without any head</html>\r\n"
    assert record.status is None


def test_headers_are_stored_as_served(run: Run) -> None:
    last = run.pages["/odd_headers"].last
    archive = run.folder / "archive"
    with (archive / (last.warc_path or "")).open("rb") as file:
        file.seek(last.warc_offset or 0)
        member = gzip.decompress(file.read(last.warc_length or 0))
    block = member.partition(b"\r\n\r\n")[2]
    assert block.startswith(
        b"HTTP/1.1 200\r\nserver:  x \r\nX-Twice: one\r\nx-twice: two\r\nno colon here\r\n"
        b"X-Latin: caf\xe9\r\nX-Arabic: " + "خبر".encode() + b"\r\nX-Folded: a\r\n  b\r\n"
        b'ETag: "abc"\nContent-Length: 5\r\n\r\nhello'
    )
    record = read_record(
        archive, last.warc_path or "", last.warc_offset or 0, last.warc_length or 0
    )
    assert [v for k, v in record.headers if k.lower() == "x-twice"] == ["one", "two"]
    assert last.etag == '"abc"'


def test_a_chunked_body_is_stored_without_its_chunks(run: Run) -> None:
    last = run.pages["/chunked"].last
    record = read_record(
        run.folder / "archive", last.warc_path or "", last.warc_offset or 0, last.warc_length or 0
    )
    assert record.body == PAGE
    assert ("X-Archive-Orig-Transfer-Encoding", "chunked") in record.headers


def test_rows_tell_attempts_hops_and_what_came(run: Run) -> None:
    def steps(path: str) -> list[tuple[int, int]]:
        return [(c.attempt, c.hop) for c in run.pages[path].captures]

    assert steps("/silent") == [(1, 0), (2, 0)]
    assert steps("/moved") == [(1, 0), (1, 1)]
    moved = run.pages["/moved"]
    assert moved.captures[0].redirect_to == moved.last.url == run.server.url("/ok")
    assert moved.last.link_id == "/moved"
    assert run.pages["/moved_to_file"].last.url == "file:///etc/passwd"
    assert run.pages["/too_many_requests"].captures[0].retry_after_s == 1.0
    assert run.pages["/closed_for_today"].last.retry_after_s == 86400.0
    found = run.pages["/conditional"].last
    assert found.etag == '"v1"'
    assert found.last_modified == "Sun, 22 Nov 2026 10:00:00 GMT"
    assert found.content_type == "text/html; charset=utf-8"
    assert found.payload_sha256 == hashlib.sha256(PAGE).hexdigest()
    assert found.elapsed_ms is not None and 0 <= found.elapsed_ms < 1500
    assert all(c.run_day == DAY for f in run.all for c in f.captures)
    ids = [c.capture_id for f in run.all for c in f.captures]
    assert len(set(ids)) == len(ids)


def test_equal_pages_have_equal_sums_whatever_their_coding(run: Run) -> None:
    paths = ("/ok", "/gzipped", "/deflated", "/chunked_gzip", "/old_version")
    assert len({run.pages[p].last.payload_sha256 for p in paths}) == 1


def test_what_was_cut_off_is_kept(run: Run) -> None:
    last = run.pages["/short"].last
    record = read_record(
        run.folder / "archive", last.warc_path or "", last.warc_offset or 0, last.warc_length or 0
    )
    assert record.body == PAGE
    assert last.payload_sha256 is None
