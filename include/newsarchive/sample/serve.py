"""Serve the two sample newspapers on loopback, with a clock that tests can set.

    /ar/ /en/                       front pages; articles at the addresses that listings give
    /ar/feed.xml /en/feed.xml       RSS 2.0: the newest 20, links with utm_ parameters
    /ar/brief.xml /en/brief.xml     the same, only the newest 3
    /en/atom.xml /ar/atom.xml       Atom: the same, relative links
    /ar/news-sitemap.xml            news sitemap: the last 48 hours
    /en/news-index.xml              the same in two: /en/news-1.xml and /en/news-2.xml
    /ar/sitemap-YYYY-MM-DD.xml      one date of the newspaper's own calendar
    /ar/sitemap-index.xml           all of those
    /robots.txt                     disallows /ar/private/ and /en/private/
For tests:
    /clock                          GET: the time; POST: an ISO time to show, empty for the real
    /requests, /requests/reset      how many requests, of what, answered how; most at once

Shown are the 60 days up to the clock: what is still to come or older is 404. Of a few pages each
kind of later change happens: corrected, deleted (404 or 410, no longer listed), moved (its old
address answers 301, listings give the new one). A page that is *flaky*
answers 503 at every other request, so that each visit meets it once.
"""

import gzip
import hashlib
import json
import re
import signal
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from newsarchive.errors import SettingsError
from newsarchive.sample import listings, pages
from newsarchive.sample.clock import FIRST_YEAR, LAST_YEAR, moment_shown
from newsarchive.sample.generate import PAPERS, SEED, Kind, Paper, Story, find

HOST = "127.0.0.1"

_DATED = re.compile(r"sitemap-(\d{4}-\d{2}-\d{2})\.xml")
_NUMBERS = re.compile(r"\d{3,}")
_XML = "application/xml; charset=utf-8"
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, before conditions and codings are looked at."""

    what: str
    """page, feed, sitemap, robots or other."""
    body: bytes
    content_type: str
    status: int = 200
    changed_at: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()


class SampleServer(ThreadingHTTPServer):
    """The server: its clock, its counters, and what it answers."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, now: datetime | None, seed: int = SEED, host: str = HOST) -> None:
        self.set_clock(now)
        self.seed = seed
        self.lock = threading.Lock()
        self.tries: Counter[str] = Counter()
        self.reset()
        self.server_name = host
        super().__init__((host, port), _Handler)
        self.base_url = f"http://{host}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_port = int(self.server_address[1])

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Answer only this machine, unless served for others."""
        return self.server_name != HOST or str(client_address[0]).startswith("127.")

    def now(self) -> datetime:
        """Return the time shown, UTC."""
        return self.fixed or moment_shown(None)

    def set_clock(self, now: datetime | None) -> None:
        """Show a time from now on; None for the real one.

        Raises:
            SettingsError: the newspapers have no such year.
        """
        self.fixed = None if now is None else moment_shown(now)

    def reset(self) -> None:
        """Start counting anew."""
        with self.lock:
            self.asked: Counter[str] = Counter()
            self.answered: Counter[str] = Counter()
            self.forbidden = self.at_once = self.most_at_once = 0

    def counts(self) -> dict[str, Any]:
        """Return what was counted since the last reset; /clock and /requests do not count."""
        with self.lock:
            return {
                "requests": dict(sorted(self.asked.items())),
                "statuses": dict(sorted(self.answered.items())),
                "forbidden": self.forbidden,
                "most_at_once": self.most_at_once,
            }

    def answer(self, path: str) -> Answer:
        """Return what a path answers at the clock's time."""
        if path == "/robots.txt":
            return Answer("robots", _robots(self.base_url).encode(), "text/plain; charset=utf-8")
        now = self.now()
        for paper in PAPERS:
            root = f"/{paper.path}/"
            if path.startswith(root):
                return self._of_paper(paper, path, path.removeprefix(root), now)
        if path == "/":
            links = "".join(f'<li><a href="/{p.path}/">{p.title}</a></li>' for p in PAPERS)
            return Answer(
                "other", f"<!DOCTYPE html><meta charset=utf-8><ul>{links}</ul>".encode(), _HTML
            )
        return Answer("other", pages.not_found(None), _HTML, 404)

    def _of_paper(self, paper: Paper, path: str, name: str, now: datetime) -> Answer:
        if name == "":
            newest = listings.newest(paper, now, self.seed)
            return Answer("other", pages.front_page(paper, newest, now), _HTML)
        if name in ("feed.xml", "brief.xml", "atom.xml"):
            length = listings.BRIEF_LENGTH if name == "brief.xml" else listings.FEED_LENGTH
            newest = listings.newest(paper, now, self.seed, length)
            if name == "atom.xml":
                text = listings.atom(paper, now, self.base_url, self.seed)
            else:
                text = listings.rss(paper, now, self.base_url, self.seed, length)
            kind = f"application/{'atom' if name == 'atom.xml' else 'rss'}+xml; charset=utf-8"
            return Answer("feed", text.encode(), kind, 200, listings.changed_at(newest, now))
        found = self._sitemap(paper, name, now)
        if found is not None:
            return found
        if name.startswith("images/"):
            return Answer("other", pages.PIXEL, "image/png")
        story = self._story(paper, path, now)
        if story is None:
            return Answer("page", pages.not_found(paper), _HTML, 404)
        return self._page(story, path, now)

    def _sitemap(self, paper: Paper, name: str, now: datetime) -> Answer | None:
        dated = _DATED.fullmatch(name)
        stories: list[Story] | None
        if dated:
            stories = (
                listings.of_local_date(paper, on, now, self.seed)
                if (on := _date(dated[1]))
                else None
            )
            if stories is None:
                return Answer("sitemap", pages.not_found(paper), _HTML, 404)
        elif name == "news-sitemap.xml":
            stories = listings.recent(paper, now, self.seed)
        elif name in ("news-1.xml", "news-2.xml"):
            stories = listings.halves(paper, now, self.seed)[int(name[5]) - 1]
        elif name == "news-index.xml":
            index = listings.news_index(paper, now, self.base_url, self.seed)
            return Answer("sitemap", index.encode(), _XML)
        elif name == "sitemap-index.xml":
            index = listings.every_sitemap(paper, now, self.base_url, self.seed)
            return Answer("sitemap", index.encode(), _XML)
        else:
            return None
        text = listings.sitemap(stories, now, self.base_url)
        return Answer("sitemap", text.encode(), _XML, 200, listings.changed_at(stories, now))

    def _story(self, paper: Paper, path: str, now: datetime) -> Story | None:
        wanted = quote(unquote(path, errors="replace"))
        first, last = listings.first_day(now).toordinal() - 1, now.toordinal()
        for digits in _NUMBERS.findall(path):
            # Only days that are shown are made, so that no list of guesses costs more than that.
            if len(digits) <= 9 and first <= int(digits) // 100 <= last:
                story = find(paper, int(digits), self.seed)
                if story and wanted in _addresses(story, now) and listings.is_out(story, now):
                    return story
        return None

    def _page(self, story: Story, path: str, now: datetime) -> Answer:
        if story.kind is Kind.GONE:
            return Answer("page", pages.not_found(story.paper), _HTML, story.status)
        state = story.state(now)
        if state.deleted:
            return Answer("page", pages.not_found(story.paper), _HTML, state.status)
        if quote(unquote(path, errors="replace")) != (own := story.path_at(now)):
            return Answer("page", b"", _HTML, 301, None, (("Location", own),))
        if story.kind is Kind.FLAKY:
            with self.lock:
                self.tries[path] += 1
                odd = self.tries[path] % 2
            if odd:
                body = b"<!DOCTYPE html><title>503</title><h1>Service Unavailable</h1>"
                return Answer("page", body, _HTML, 503, None, (("Retry-After", "0"),))
        body = _payload(story, state.since, self.base_url)
        return Answer("page", body, pages.content_type(story), 200, state.since)


@contextmanager
def start(
    port: int = 0, now: datetime | None = None, seed: int = SEED, host: str = HOST
) -> Iterator[SampleServer]:
    """Run the server in a thread, for tests.

    Yields the server: `base_url` says where it is, `set_clock()` moves its clock, `counts()` tells
    what it was asked, `reset()` starts counting anew.

    Args:
        port: where; 0 for any that is free.
        now: what its clock shows; None for the real time.
        seed: of everything that is published.
        host: name or address that it listens on, and that its pages name.
    """
    with SampleServer(port, now, seed, host) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def serve(port: int, now: datetime | None = None, host: str = HOST) -> None:
    """Serve until SIGINT or SIGTERM; prints one line with the addresses.

    Args:
        port: where; 0 for any that is free.
        now: what the clock shows; None for the real time.
        host: name or address that it listens on.

    Raises:
        SettingsError: the port is in use, or the clock is set where no newspaper is.
    """
    ended = threading.Event()
    with ExitStack() as stack:
        try:
            server = stack.enter_context(start(port, now, host=host))
        except OSError as error:
            raise SettingsError(
                f"port {port} on {host}: {error.strerror or error}; "
                "choose another with --port or the setting sample_port"
            ) from None
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.signal(number, lambda *_: ended.set())
            stack.callback(signal.signal, number, before)
        addresses = " and ".join(f"{server.base_url}/{p.path}/" for p in PAPERS)
        print(f"Sample newspapers: {addresses} (Ctrl-C ends)", flush=True)
        ended.wait()


class _Handler(BaseHTTPRequestHandler):
    server: SampleServer
    protocol_version = "HTTP/1.1"
    server_version = "sample"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet: two would wait for each other's acknowledgement

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/clock":
            return self._json(
                {"now": self.server.now().isoformat(), "fixed": self.server.fixed is not None}
            )
        if path in ("/requests", "/requests/reset"):
            if path.endswith("reset"):
                self.server.reset()
            return self._json(self.server.counts())
        with self.server.lock:
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
            self.server.forbidden += path.startswith(tuple(f"/{p.path}/private/" for p in PAPERS))
        try:
            answer = self.server.answer(path)
            status, headers, body = self._response(answer)
        finally:
            # Before the answer goes out: who has it may ask the next on another connection.
            with self.server.lock:
                self.server.at_once -= 1
        with self.server.lock:
            self.server.asked[answer.what] += 1
            self.server.answered[str(status)] += 1
        self._send(status, headers, body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if urlsplit(self.path).path != "/clock" or not length.isdigit() or int(length) > 100:
            self.close_connection = True
            return self._json({"error": "POST an ISO time to /clock"}, 400)
        text = self.rfile.read(int(length)).decode("ascii", "replace").strip()
        try:
            self.server.set_clock(datetime.fromisoformat(text) if text else None)
        except (ValueError, SettingsError) as error:
            return self._json({"error": str(error)}, 400)
        return self._json(
            {"now": self.server.now().isoformat(), "fixed": self.server.fixed is not None}
        )

    def _response(self, answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and body, as the request's conditions and codings want them."""
        body, status = answer.body, answer.status
        headers = [("Content-Type", answer.content_type), *answer.headers]
        if status == 200:
            headers.append(("ETag", etag := f'"{hashlib.sha256(body).hexdigest()[:20]}"'))
            if answer.changed_at:
                headers.append(("Last-Modified", format_datetime(answer.changed_at, usegmt=True)))
            if self._has(etag, answer.changed_at):
                body, status = b"", 304
            elif body and "gzip" in self.headers.get("Accept-Encoding", "") and _compresses(answer):
                body = _gzipped(body)
                headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        return status, headers, body

    def _has(self, etag: str, changed_at: datetime | None) -> bool:
        """Say whether the client has this body; an ETag, where it sent one, decides alone."""
        known = self.headers.get("If-None-Match")
        if known is not None:
            return etag in (k.strip().removeprefix("W/") for k in known.split(","))
        since = self.headers.get("If-Modified-Since")
        if since is None or changed_at is None:
            return False
        try:
            return changed_at <= parsedate_to_datetime(since)
        except (ValueError, TypeError):  # not a date, or one without zone
            return False

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, [("Content-Type", "application/json")], json.dumps(value).encode())

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: /requests counts."""


def _robots(base_url: str) -> str:
    disallowed = "".join(f"Disallow: /{p.path}/private/\n" for p in PAPERS)
    sitemaps = "".join(f"Sitemap: {base_url}/{p.path}/sitemap-index.xml\n" for p in PAPERS)
    return f"User-agent: *\n{disallowed}\n{sitemaps}"


def _addresses(story: Story, now: datetime) -> set[str]:
    """Return the paths that lead to a page at a time: its own, the listed one, its first."""
    return {story.path_at(now), story.listed_path(now), story.path}


def _compresses(answer: Answer) -> bool:
    return not answer.content_type.startswith(("image/", "application/pdf"))


@lru_cache(maxsize=2048)
def _payload(story: Story, changed: datetime, base_url: str) -> bytes:
    return pages.payload(story, changed, base_url)


@lru_cache(maxsize=512)
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 5, mtime=0)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
