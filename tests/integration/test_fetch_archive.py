"""What a fetch leaves behind: after bad addresses, full disks, and callers that go away."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fetching import DAY, check_warcs, fetch_all, pages, settings, source, warc_files
from hostile import PAGE, Hostile

from newsarchive.errors import ArchiveError
from newsarchive.fetch import transport, warc
from newsarchive.fetch.session import Fetcher, Request
from newsarchive.fetch.warc import WarcFile, WarcFiles, read_record


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as hostile:
        yield hostile


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.com/", "http://", "file:///etc/passwd", "http://a b/"],
)
def test_a_bad_address_is_recorded(tmp_path: Path, url: str) -> None:
    paper = source("http://127.0.0.1/")
    (found,) = fetch_all(tmp_path, [Request(paper, "page", url)])
    assert found.last.outcome == "bad_url"
    assert found.last.warc_path is None


def test_an_address_is_spelled_as_browsers_spell_it(server: Hostile, tmp_path: Path) -> None:
    """What the row says is what the caller asked; what goes out is a valid URI."""
    paper = source(server.url("/"))
    url = f"HTTP://127.1:{server.port}/missing/../ok?q=خبر&a=[b|c]#part"
    (found,) = pages(fetch_all(tmp_path, [Request(paper, "feed", url)]))
    assert found.last.url == url
    assert server.paths() == ["/ok?q=%D8%AE%D8%A8%D8%B1&a=%5Bb%7Cc%5D"]
    last = found.last
    where = (last.warc_path or "", last.warc_offset or 0, last.warc_length or 0)
    record = read_record(tmp_path / "archive", *where)
    assert record.url == server.url("/ok?q=%D8%AE%D8%A8%D8%B1&a=[b|c]")
    check_warcs(tmp_path)


def test_a_private_address_is_asked_only_for_sources_that_allow_it(
    server: Hostile, tmp_path: Path
) -> None:
    shut = source(server.url("/"), private=False)
    names = [server.url("/ok"), f"http://localhost:{server.port}/ok", "http://0x7f000001/"]
    found = pages(fetch_all(tmp_path, [Request(shut, "page", u) for u in names]))
    assert [f.last.outcome for f in found] == ["blocked_address"] * 3
    assert server.asked == []
    # Nothing was learned of its robots.txt that would hold for others.
    server.robots["127.0.0.1"] = lambda t: t.answer(b"User-agent: *\nDisallow: /\n")
    paper = source(server.url("/"))
    found = pages(fetch_all(tmp_path, [Request(paper, "page", server.url("/ok"))]))
    assert [f.last.outcome for f in found] == ["robots"]


def test_a_contact_in_any_letters_is_sent(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    request = Request(paper, "page", server.url("/ok"))
    (found,) = pages(fetch_all(tmp_path, [request], contact="أرشيف\r\nX: y desk@example.com"))
    assert found.body == PAGE
    assert server.asked[0].headers["user-agent"].endswith("? X: y desk@example.com)")


def test_a_kept_connection_is_judged_again(server: Hostile, tmp_path: Path) -> None:
    """A source that allows private addresses opens no door for one that does not."""
    paper = source(server.url("/"))
    shut = source(server.url("/"), private=False, name="shut")
    requests = [
        Request(paper, "page", server.url("/ok?1")),
        Request(shut, "page", server.url("/ok?2")),
    ]
    found = pages(fetch_all(tmp_path, requests))
    assert [f.last.outcome for f in found] == ["ok", "blocked_address"]
    assert server.paths() == ["/ok?1"]


def test_nobody_there(tmp_path: Path) -> None:
    with Hostile() as gone:
        url = gone.url("/ok")
    found = fetch_all(tmp_path, [Request(source(url), "page", url)])
    assert [c.outcome for c in found[0].captures] == ["connection", "connection"]
    assert found[1].last.outcome == "robots_unavailable"


def test_no_tls_where_it_is_expected(server: Hostile, tmp_path: Path) -> None:
    url = f"https://127.0.0.1:{server.port}/ok"
    found = fetch_all(tmp_path, [Request(source(url), "page", url)])
    assert found[0].last.outcome == "tls"


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page over TLS arrives when the certificate is trusted and valid for the name; else not."""
    import http.server
    import ssl

    import requests.adapters

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}/page"
        untrusted = fetch_all(tmp_path / "a", [Request(source(url), "page", url)])
        assert untrusted[0].last.outcome == "tls"
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(cert))
        trusted = pages(fetch_all(tmp_path / "b", [Request(source(url), "page", url)]))
        assert trusted[0].body == PAGE
        server.shutdown()


def test_an_unexpected_error_is_recorded_and_others_go_on(
    server: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = transport.run

    def fails(session: object, exchange: transport.Exchange, *args: object) -> None:
        if exchange.url.endswith("?bad"):
            raise ZeroDivisionError("a fault of ours")
        run(session, exchange, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(transport, "run", fails)
    paper = source(server.url("/"))
    found = pages(
        fetch_all(tmp_path, [Request(paper, "page", server.url(p)) for p in ("/ok?bad", "/ok")])
    )
    assert [f.last.outcome for f in found] == ["broken", "ok"]
    assert found[0].last.error == "ZeroDivisionError: a fault of ours"


def test_few_bodies_wait_for_a_slow_caller(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    requests = [Request(paper, "page", server.url(f"/ok?{n}", 1 + n % 4)) for n in range(100)]
    with Fetcher(settings(tmp_path, hosts_at_once=4), DAY, tmp_path / "archive", "x") as fetcher:
        coming = fetcher.fetch(requests)
        next(coming)
        time.sleep(0.5)
        assert len(server.paths()) < 15
        assert len(list(coming)) == 103


def test_a_caller_that_goes_away_ends_the_fetch_at_once(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    requests = [Request(paper, "page", server.url("/silent", n)) for n in range(2, 6)]
    requests.append(Request(paper, "page", server.url("/ok")))
    slow = settings(tmp_path, read_timeout=30, request_timeout=30)
    before = threading.active_count()
    started = time.monotonic()
    with Fetcher(slow, DAY, tmp_path / "archive", "x") as fetcher:
        for fetched in fetcher.fetch(requests):
            if fetched.request.url.endswith("/ok"):
                break
        fetcher.roll()
    assert time.monotonic() - started < 5
    assert len([t for t in threading.enumerate() if t.name == "fetch"]) == 0
    assert threading.active_count() <= before + 12  # the server's own
    check_warcs(tmp_path)


def test_rows_name_the_final_path_from_the_start(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    archive = tmp_path / "archive"
    with Fetcher(settings(tmp_path), DAY, archive, "pages-0") as fetcher:
        first = pages(fetcher.fetch([Request(paper, "page", server.url("/ok?1"))]))[0].last
        where = (first.warc_path or "", first.warc_offset or 0, first.warc_length or 0)
        assert not (archive / where[0]).exists()
        assert read_record(archive, *where).body == PAGE  # while it is being written
        fetcher.roll()
        assert read_record(archive, *where).body == PAGE
        fetcher.roll()
        second = pages(fetcher.fetch([Request(paper, "page", server.url("/ok?2"))]))[0].last
        assert second.warc_path != first.warc_path
    assert where[0].startswith(f"raw/run_day={DAY}/pages-0-")
    assert len(warc_files(tmp_path)) == 2
    check_warcs(tmp_path)


def test_polls_are_filed_under_the_day_of_their_exchange(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    found = fetch_all(tmp_path, [Request(paper, "feed", server.url("/ok"))], run_day=None)
    for capture in (c for f in found for c in f.captures):
        day = capture.captured_at.date()
        assert capture.run_day == day
        assert (capture.warc_path or "").startswith(f"raw/run_day={day}/")
        assert abs((capture.captured_at - datetime.now(UTC)).total_seconds()) < 60


def test_ids_are_functions_of_content(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    paths = ("/ok", "/missing", "/loop", "/junk")
    requests = [Request(paper, "page", server.url(p)) for p in paths]
    one = {c.capture_id for f in fetch_all(tmp_path / "a", requests) for c in f.captures}
    two = {c.capture_id for f in fetch_all(tmp_path / "b", requests) for c in f.captures}
    assert one == two


# WARC files by themselves


def test_an_import_reads_back(tmp_path: Path) -> None:
    body = "تاريخ النشر: 27th, December 2023 GMT\n".encode()
    with WarcFile(tmp_path, DAY, "imports") as file:
        stored = file.write_resource("urn:sha256:abc", body, "text/plain")
        named = file.write_resource("خبر اليوم.txt", body, "text/plain")
    record = read_record(tmp_path, stored.path, stored.offset, stored.length)
    assert (record.body, record.status, record.content_type) == (body, None, "text/plain")
    assert read_record(tmp_path, named.path, named.offset, named.length).url.isascii()
    (tmp_path / "archive").mkdir()
    (tmp_path / "raw").rename(tmp_path / "archive" / "raw")
    check_warcs(tmp_path)


def test_no_record_no_file(tmp_path: Path) -> None:
    with WarcFile(tmp_path, DAY, "imports"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc, "MOST_FILE_BYTES", 1)
    with WarcFile(tmp_path, DAY, "imports") as file:
        paths = {file.write_resource(f"urn:x:{n}", b"x", "text/plain").path for n in range(3)}
    assert len(paths) == 3


@pytest.mark.parametrize("harm", ["missing", "cut", "overwritten", "offset", "length", "outside"])
def test_bytes_that_are_lost_are_one_clear_error(tmp_path: Path, harm: str) -> None:
    with WarcFile(tmp_path, DAY, "imports") as file:
        file.write_resource("urn:x:0", os.urandom(500), "text/plain")
        stored = file.write_resource("urn:x:1", os.urandom(500), "text/plain")
    path, offset, length = stored.path, stored.offset, stored.length
    whole = (tmp_path / path).read_bytes()
    if harm == "missing":
        (tmp_path / path).unlink()
    elif harm == "cut":
        (tmp_path / path).write_bytes(whole[:-50])
    elif harm == "overwritten":
        (tmp_path / path).write_bytes(whole[: offset + 200] + b"\0" * (length - 200))
    elif harm == "offset":
        offset += 7
    elif harm == "length":
        length -= 7
    else:
        path = "../" + path
    with pytest.raises(ArchiveError) as raised:
        read_record(tmp_path, path, offset, length)
    assert path in str(raised.value)


def test_records_of_other_software_are_read(tmp_path: Path) -> None:
    http = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(gzip.compress(PAGE)), gzip.compress(PAGE))
    )
    record = gzip.compress(
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        b"WARC-Date: 2020-01-01T00:00:00Z\r\nWARC-Target-URI: http://example.com/\r\n"
        b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%b\r\n\r\n"
        % (len(http), http)
    )
    (tmp_path / "x.warc.gz").write_bytes(record)
    assert read_record(tmp_path, "x.warc.gz", 0, len(record)).body == PAGE


FILLS_THE_DISK = """
import os, resource, signal, sys
from datetime import date
from pathlib import Path
from newsarchive.errors import ArchiveError
from newsarchive.fetch.warc import WarcFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
file = WarcFile(Path(sys.argv[1]), date(2026, 11, 22), "imports")
written = 0
try:
    with file:
        for n in range(100):
            file.write_resource(f"urn:x:{n}", os.urandom(9_000), "text/plain")
            written += 1
except ArchiveError as error:
    print(written, error)
"""


def test_a_full_disk_ends_in_one_clear_error_and_whole_records(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, str(tmp_path / "archive")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("5 "), done
    assert "the records before are whole" in done.stdout
    (file,) = warc_files(tmp_path)
    assert file.stat().st_size < 50_000
    assert gzip.decompress(file.read_bytes()).count(b"WARC-Type: resource") == 5
    check_warcs(tmp_path)


def test_a_full_disk_ends_the_fetch(
    server: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ArchiveError("no space left")

    monkeypatch.setattr(WarcFiles, "write_exchange", full)
    paper = source(server.url("/"))
    with pytest.raises(ArchiveError, match="no space left"):
        fetch_all(tmp_path, [Request(paper, "page", server.url(f"/ok?{n}")) for n in range(50)])
    assert len(server.asked) < 5


def test_a_killed_writer_leaves_whole_records(server: Hostile, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[3])\n"
        "from fetching import DAY, settings, source\n"
        "from newsarchive.fetch.session import Fetcher, Request\n"
        "folder, url = Path(sys.argv[1]), sys.argv[2]\n"
        "asked = [Request(source(url), 'page', f'{url}?{n}') for n in range(10_000)]\n"
        "with Fetcher(settings(folder), DAY, folder / 'archive', 'x') as fetcher:\n"
        "    for n, fetched in enumerate(fetcher.fetch(asked)):\n"
        "        if n == 20: print('running', flush=True)\n"
    )
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            str(tmp_path),
            server.url("/ok"),
            str(Path(__file__).parents[1]),
        ],
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"running\n"
        child.send_signal(signal.SIGKILL)
    (file,) = warc_files(tmp_path)
    assert file.name.endswith(".open")
    assert len(gzip.decompress(file.read_bytes())) > 20 * len(PAGE)


def test_a_state_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ArchiveError, match="state_dir"):
        Fetcher(settings(tmp_path), date(2026, 11, 22), tmp_path / "archive", "x")
