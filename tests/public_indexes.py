"""GDELT, the Wayback Machine and Common Crawl on loopback, each in the format that it speaks.

A test puts into an `Indexes` what they hold: lines of GDELT by minute, captures of the Wayback
Machine, WARC files of CC-NEWS. `ailments` say by path what goes wrong, and how often.
"""

import gzip
import io
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

OLD = "https://somewhere.example/"


@dataclass
class Ailment:
    """What is wrong with a path, and how many more times."""

    times: int
    status: int | None = None
    """Answered with this instead."""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Only so many bytes of the body come, then the connection ends."""


@dataclass(frozen=True)
class Snap:
    """One capture of the Wayback Machine."""

    at: datetime
    url: str
    body: bytes
    status: int = 200

    @property
    def stamp(self) -> str:
        return f"{self.at:%Y%m%d%H%M%S}"


def warc_record(
    url: str, body: str | bytes, at: datetime, *, status: str = "200 OK", kind: str = "response"
) -> bytes:
    """Return one record as a gzip member, made by warcio."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    payload = body.encode() if isinstance(body, str) else body
    head = StatusAndHeaders(
        status, [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
    )
    writer.write_record(
        writer.create_warc_record(
            url,
            kind,
            payload=io.BytesIO(payload),
            length=len(payload),
            http_headers=head if kind == "response" else None,
            warc_headers_dict={"WARC-Date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        )
    )
    return out.getvalue()


def warc_file(records: Iterable[tuple[str, str | bytes, datetime]]) -> bytes:
    """Return a WARC file of responses, a request before each and a warcinfo before them all."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    writer.write_record(writer.create_warcinfo_record("x.warc.gz", {"software": "a test"}))
    parts = [out.getvalue()]
    for url, body, at in records:
        parts += [warc_record(url, b"", at, kind="request"), warc_record(url, body, at)]
    return b"".join(parts)


class Indexes:
    """The three of them as one running server."""

    def __init__(self, absent: int = 403) -> None:
        self.gdelt: dict[str, bytes] = {}
        """By minute (YYYYMMDDHHMM): the file, as served."""
        self.snaps: list[Snap] = []
        self.files: dict[str, bytes] = {}
        """CC-NEWS files by name; their stamp says in which month's list they are."""
        self.lists: dict[str, bytes] = {}
        """CC-NEWS lists by `YYYY/MM`, where they are not what the files make them."""
        self.ailments: dict[str, Ailment] = {}
        """By path (without query)."""
        self.absent = absent
        self.asked: list[tuple[str, float]] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        indexes = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def do_GET(self) -> None:
                with indexes._lock:
                    indexes._now += 1
                    indexes.most_at_once = max(indexes.most_at_once, indexes._now)
                    indexes.asked.append((self.path, time.monotonic()))
                try:
                    self._answer()
                finally:
                    with indexes._lock:
                        indexes._now -= 1

            def _answer(self) -> None:
                path = urlsplit(self.path).path
                ailment = indexes.ailments.get(path)
                if ailment and ailment.times > 0:
                    ailment.times -= 1
                else:
                    ailment = None
                if ailment and ailment.status:
                    return self._send(ailment.status, b"", ailment.headers)
                status, body, headers = indexes.answer(self.path)
                begin = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
                if status == 200 and begin:
                    status, body = 206, body[int(begin) :]
                self._send(status, body, headers, cut=ailment.cut if ailment else None)

            def _send(
                self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None
            ) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:cut])
                if cut is not None:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def settings(self) -> dict[str, Any]:
        """Return the settings that lead here."""
        return {
            "gdelt_url": self.url,
            "wayback_url": self.url,
            "commoncrawl_url": self.url,
            "gdelt_per_minute": 1e6,
            "wayback_per_minute": 1e6,
        }

    def paths(self, beginning: str = "/") -> list[str]:
        """Return what was asked, robots.txt left out."""
        with self._lock:
            asked = [path for path, _ in self.asked]
        return [p for p in asked if p != "/robots.txt" and p.startswith(beginning)]

    def add_gdelt(self, at: datetime, *rows: dict[str, Any], packed: bool = True) -> None:
        """Add a minute's file, with articles of the rest of the world around the rows."""
        others = [{"date": f"{at:%Y-%m-%dT%H:%M:%SZ}", "url": f"{OLD}{n}"} for n in range(3)]
        lines = [json.dumps(r, ensure_ascii=False).encode() for r in [others[0], *rows, *others]]
        body = b"\n".join(lines) + b"\n"
        self.gdelt[f"{at:%Y%m%d%H%M}"] = gzip.compress(body) if packed else body

    def every_hour(self, day: datetime) -> None:
        """Give each hour of a day a file that names nobody of ours."""
        for hour in range(24):
            self.add_gdelt(day.replace(hour=hour, minute=1, second=0))

    def answer(self, target: str) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(target)
        if parts.path.startswith("/gdeltv3/gal/"):
            minute = parts.path.rpartition("/")[2].removesuffix("00.gal.json.gz")
            if minute in self.gdelt:
                return 200, self.gdelt[minute], {"Content-Type": "application/json"}
            return self.absent, b"<Error><Code>AccessDenied</Code></Error>", {}
        if parts.path == "/cdx/search/cdx":
            return 200, self._cdx(parse_qs(parts.query)), {"Content-Type": "application/json"}
        if parts.path.startswith("/web/"):
            return self._replay(target.removeprefix("/web/"))
        if parts.path.startswith("/crawl-data/CC-NEWS/"):
            return self._ccnews(parts.path)
        return 404, b"", {}

    def _cdx(self, query: dict[str, list[str]]) -> bytes:
        given = {k: v[0] for k, v in query.items()}
        last = given["to"].ljust(14, "9")
        first_of: dict[str, Snap] = {}
        for snap in sorted(self.snaps, key=lambda s: (_key(s.url), s.at)):
            if (
                _matches(snap.url, given["url"], given["matchType"])
                and given["from"] <= snap.stamp <= last
                and (given.get("filter") != "statuscode:200" or snap.status == 200)
            ):
                first_of.setdefault(_key(snap.url), snap)
        keys = sorted(first_of)
        start = given.get("resumeKey", "")
        keys = [k for k in keys if k > start]
        limit = int(given.get("limit", "100000"))
        page, rest = keys[:limit], keys[limit:]
        rows: list[list[str]] = [given["fl"].split(",")] if page else []
        rows += [[first_of[k].stamp, first_of[k].url] for k in page]
        if rest and given.get("showResumeKey") == "true":
            rows += [[], [page[-1]]]
        return json.dumps(rows).encode()

    def _replay(self, target: str) -> tuple[int, bytes, dict[str, str]]:
        stamp, _, url = target.partition("id_/")
        there = [s for s in self.snaps if _key(s.url) == _key(url)]
        if not there:
            return 404, b"<h1>The Wayback Machine has not archived that URL.</h1>", {}
        wanted = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        snap = min(there, key=lambda s: abs(s.at - wanted))
        if snap.stamp != stamp:
            return 302, b"", {"Location": f"/web/{snap.stamp}id_/{snap.url}"}
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Memento-Datetime": format_datetime(snap.at, usegmt=True),
        }
        return snap.status, snap.body, headers

    def _ccnews(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        name = path.rpartition("/")[2]
        month = "/".join(path.split("/")[3:5])
        if name == "warc.paths.gz":
            names = sorted(f for f in self.files if f[8:14] == month.replace("/", ""))
            lines = "".join(f"crawl-data/CC-NEWS/{month}/{n}\n" for n in names)
            body = self.lists.get(month, gzip.compress(lines.encode()) if names else None)
            return (404, b"", {}) if body is None else (200, body, {})
        return (200, self.files[name], {}) if name in self.files else (404, b"", {})


def _key(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.lower().removeprefix("www.").removesuffix(":80")
    return f"{','.join(reversed(host.split('.')))}){parts.path.lower().rstrip('/')}?{parts.query}"


def _matches(url: str, wanted: str, how: str) -> bool:
    parts = urlsplit(url)
    host = parts.netloc.lower().removeprefix("www.")
    if how == "domain":
        return host == wanted or host.endswith(f".{wanted}")
    return f"{host}{parts.path}".startswith(wanted)


@contextmanager
def running(absent: int = 403) -> Iterator[Indexes]:
    indexes = Indexes(absent)
    try:
        yield indexes
    finally:
        indexes.close()


def replay_path(url: str, at: datetime) -> str:
    return f"/web/{at:%Y%m%d%H%M%S}id_/{quote(url, safe='/:?=&')}"


def minutes(day: datetime, *offsets: int) -> list[datetime]:
    return [day + timedelta(minutes=n) for n in offsets]
