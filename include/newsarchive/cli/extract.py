"""Command `extract`: the fields of pages that are piped in, without an archive."""

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
from pydantic_core import from_json  # in half of json's time

if TYPE_CHECKING:
    from newsarchive.model import Found

_BUFFER = 1 << 20
"""Bytes that are read at once: a page's line is hundreds of thousands long."""


@click.command(short_help="Fields of pages from standard input.")
def extract() -> None:
    """Print the title, text, day, authors and language of pages, without an archive.

    Reads JSON lines from standard input, {"url": …, "html": …} each, and prints one JSON line a
    page, in the same order, as soon as it is known:

    \b
      title      the headline, without the site's name
      text       paragraphs, a blank line between them
      published  the day as the page writes it, 2026-11-22
      authors    a list of names
      language   ISO 639-1, told from the text
    A field that the page does not tell is "" (authors: []). Pages that the archive would refuse, as
    lists and error pages, are answered with what can be told of them; a line that is no JSON or
    holds no page is answered with empty fields. Dates as "two hours ago" are not read, for nobody
    says when a page was captured. Nothing is fetched, and no source's rules are used.

    \b
    Examples:
      newsarchive extract < pages.jsonl > fields.jsonl
      jq -Rsc '{url: "https://example.com/story", html: .}' page.html | newsarchive extract
    """  # noqa: D301 - click reads it
    from newsarchive.parse import garbage, learned
    from newsarchive.text import language

    # Both are needed for nearly every page: read now, they delay none.
    learned.load_model()
    language.load_model()
    garbage.look_rarely()
    giving_back = garbage.GivingBack()
    pages, out = sys.stdin.buffer, sys.stdout.buffer
    with suppress(OSError):  # what is piped in by other means than a file is read as it comes
        pages = open(sys.stdin.fileno(), "rb", _BUFFER, closefd=False)  # noqa: SIM115
    for line in pages:
        if line.strip():
            answer = json.dumps(fields_of(*_page(line)), ensure_ascii=False)
            # What JSON can write and UTF-8 cannot, half a surrogate pair, becomes a question mark.
            out.write(answer.encode("utf-8", "replace") + b"\n")
            out.flush()
            giving_back.count()


def fields_of(url: str, html: str) -> dict[str, Any]:
    """Return the fields of a page as `extract` prints them; empty ones where it cannot be read.

    Args:
        url: its address.
        html: its markup.
    """
    try:
        found = _found(url, html)
    except Exception as error:  # one page of a hundred thousand does not end the rest
        click.echo(f"newsarchive: {url[:200]}: {type(error).__name__}: {error}", err=True)
        found = None
    day = found.published_day if found else None
    return {
        "title": found.title if found else "",
        "text": found.text if found else "",
        "published": day.isoformat() if day else "",
        "authors": found.authors if found else [],
        "language": (found.language if found else None) or "",
    }


def _found(url: str, html: str) -> "Found | None":
    from newsarchive.parse.page import read_text

    reading = read_text(html, url)
    return reading.founds[0] if reading.founds else None


def _page(line: bytes) -> tuple[str, str]:
    """Return the address and the markup in a line; empty where there is none."""
    try:
        item = from_json(line)
    except ValueError:
        try:  # which reads half a surrogate pair too
            item = json.loads(line)
        except (ValueError, RecursionError):
            return "", ""
    if not isinstance(item, dict):
        return "", ""
    url, html = item.get("url"), item.get("html")
    return url if isinstance(url, str) else "", html if isinstance(html, str) else ""
