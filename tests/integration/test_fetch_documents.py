"""No document makes its reader open a file, ask a server, or grow: XML without entities."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsarchive.discover import read
from newsarchive.discover.section import Layout
from newsarchive.parse.page import parse_page

URL = "https://paper.example/a.xml"
SECRET = "the words of a file that nobody is to read"

RSS = """<rss version="2.0" xmlns:xi="http://www.w3.org/2001/XInclude"><channel>TOP
<item><title>TITLE ENTRY</title><link>https://paper.example/1</link></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:xi="http://www.w3.org/2001/XInclude">TOP
<entry><title>TITLE ENTRY</title><link href="https://paper.example/1"/></entry></feed>"""
NEWS = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">TOP<url>
<loc>https://paper.example/1</loc><news:news><news:title>TITLE ENTRY</news:title></news:news></url>
</urlset>"""
PAGE = """<html xmlns="http://www.w3.org/1999/xhtml" xmlns:xi="http://www.w3.org/2001/XInclude">TOP
<head><title>TITLE ENTRY</title></head><body><article><h1>TITLE ENTRY</h1>
<p>Words of the page. &x; Words of the page. Words of the page, and more of them.</p>
<a href="https://paper.example/1">TITLE ENTRY</a></article></body></html>"""


def _laughs() -> str:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE r [<!ENTITY l0 "ha">{levels}<!ENTITY x "&l9;">]>'


# What a document may declare; SERVER and FILE are put in.
DOCTYPES: dict[str, str] = {
    "billion laughs": _laughs(),
    "quadratic blowup": f'<!DOCTYPE r [<!ENTITY x "{"ha" * 50_000}">]>',
    "file": '<!DOCTYPE r [<!ENTITY x SYSTEM "file://FILE">]>',
    "path": '<!DOCTYPE r [<!ENTITY x SYSTEM "FILE">]>',
    "server": '<!DOCTYPE r [<!ENTITY x SYSTEM "http://SERVER/x">]>',
    "its own DTD": '<!DOCTYPE r SYSTEM "http://SERVER/r.dtd">',
    "public DTD": '<!DOCTYPE r PUBLIC "-//X//Y" "http://SERVER/r.dtd">',
    "parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://SERVER/p.dtd">%p;]>',
    "parameter file": '<!DOCTYPE r [<!ENTITY % p SYSTEM "file://FILE">%p;]>',
    "default attribute": '<!DOCTYPE r [<!ATTLIST item link CDATA "file://FILE">]>',
    "style sheet": '<?xml-stylesheet type="text/xsl" href="http://SERVER/x.xsl"?>',
}
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
INCLUDE = '<xi:include href="file://FILE" parse="text"/><xi:include href="http://SERVER/i"/>'


def _page(body: bytes) -> object:
    return parse_page(
        body, url=URL, content_type="text/html", source=None, link=None, captured_at=NOW
    )


READERS: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "rss": (RSS, lambda body: read(body, URL, None)),
    "atom": (ATOM, lambda body: read(body, URL, None)),
    "sitemap": (NEWS, lambda body: read(body, URL, None)),
    "section": (PAGE, lambda body: read(body, URL, None, Layout(None, NOW, "UTC"))),
    "page": (PAGE, lambda body: _page(body)),
}


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Address of a server, and who came to it."""
    came: list[str] = []

    def listen() -> None:
        while True:
            try:
                sock, where = listening.accept()
            except OSError:
                return
            came.append(str(where))
            sock.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", came
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _forms(doctype: str, document: str, entry: str) -> Iterator[bytes]:
    """Yield a document with a declaration wherever one could stand, whole and broken."""
    whole = document.replace("ENTRY", entry)
    plain = whole.replace("TOP", "")
    yield f'<?xml version="1.0"?>{doctype}{plain}'.encode()
    yield f'<?xml version="1.0" encoding="utf-16"?>{doctype}{plain}'.encode("utf-16")
    yield f"<!-- <rss> -->{doctype}{plain}".encode()
    yield whole.replace("TOP", doctype).encode()  # inside the root
    yield whole.replace("TOP", doctype).replace("TITLE", "A & B <br>", 1).encode()  # and broken
    yield f"{doctype}{plain}"[: -len("</rss>")].encode()  # cut off
    yield plain.replace("TITLE", doctype).encode()  # inside an entry


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", DOCTYPES)
def test_nothing_is_opened_asked_or_grown(
    kind: str, reader: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, came = server
    file = tmp_path / "secret"
    file.write_text(SECRET)
    document, run = READERS[reader]
    for n, body in enumerate(_forms(DOCTYPES[kind], document, "&x;" * 20 + INCLUDE)):
        text = body.replace(b"SERVER", address.encode()).replace(b"FILE", str(file).encode())
        found = str(run(text))
        assert SECRET not in found, n
        assert len(found) < 4 * len(text) + 5_000, n  # said several times, but never expanded
    assert came == []
