"""A small web site on loopback whose pages a test writes as functions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from newsarchive import settings
from newsarchive.settings import Settings

Answer = tuple[int, dict[str, str], str]
"""Status, headers, text."""
Pages = Callable[[str], Answer | None]
"""From a path with its query to the answer; None for 404."""


def html(text: str) -> Answer:
    return 200, {"Content-Type": "text/html; charset=utf-8"}, text


def moved(to: str, status: int = 302) -> Answer:
    return status, {"Location": to}, ""


def article(title: str, head: str = "") -> Answer:
    """Return a page with an article of some hundred words, and no date."""
    paragraphs = "".join(
        f"<p>{title}: paragraph {n} tells of the matter in words enough to make a text of it, "
        "as every newspaper would, and goes on to say what others said of it.</p>"
        for n in range(6)
    )
    return html(
        f"<!DOCTYPE html><html lang=en><head><title>{title}</title>{head}</head>"
        f"<body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
    )


class Site:
    """A running server; `asked` has every path that was asked, robots.txt left out."""

    def __init__(self, pages: Pages, host: str = "127.0.0.1") -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.robots: str | None = None
        """Its robots.txt; None: 404."""
        self.unchanged_since: str | None = None
        """A Last-Modified to which, asked by it, the server answers 304 whatever the page."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer = None
                if self.path != "/robots.txt":
                    site.asked.append(self.path)
                    answer = site.pages(self.path)
                elif site.robots is not None:
                    answer = 200, {"Content-Type": "text/plain"}, site.robots
                status, headers, text = answer or (404, {}, "not here")
                since = self.headers.get("If-Modified-Since")
                if status == 200 and since and since == site.unchanged_since:
                    status, text = 304, ""
                body = text.encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(pages: Pages, host: str = "127.0.0.1") -> Iterator[Site]:
    site = Site(pages, host)
    try:
        yield site
    finally:
        site.close()


def archiving(folder: Path, site: str, listings: str, more: str = "") -> Settings:
    """Return the settings of an archive below `folder` of one source, `paper`.

    Args:
        folder: of the test.
        site: the source's address.
        listings: its `[[listing]]` tables.
        more: other keys of the source.
    """
    sources = folder / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "paper.toml").write_text(
        f'name = "paper"\ntitle = "A paper"\nurl = "{site}/"\nlanguage = "en"\n'
        f'timezone = "UTC"\nallow_private = true\n{more}\n{listings}\n[politeness]\ndelay = 0.0\n',
        "utf-8",
    )
    return settings.load(
        archive=str(folder / "archive"),
        state_dir=folder / "state",
        sources_dir=sources,
        sources="paper",
        backoff=0.02,
        delay=0.0,
    )
