"""JSON Feed, versions 1 and 1.1 (jsonfeed.org), item by item where the whole is broken."""

import json
import re
from collections.abc import Iterator
from typing import Any

from newsarchive.discover.feed import entry
from newsarchive.discover.markup import NOT_XML, Document, joined
from newsarchive.discover.page import Page
from newsarchive.model import Entry
from newsarchive.text.dates import parse_listed

_MOST_ENTRIES = 20_000
_VERSION = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org', re.IGNORECASE)
_ITEMS = re.compile(r'"items"\s*:\s*\[')
# A string ends with its line too, so that one quote too many spoils a line and not the rest.
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_BAD_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\"\\/bfnrt])|\\(.?)", re.DOTALL)
_NESTED = re.compile(r'"(?:authors?|attachments)"\s*:\s*[\[{][^\]}]*[\]}]*')
_FIELD = re.compile(
    r'"(url|external_url|id|title|date_published|date_modified)"\s*:\s*"((?:[^"\\\n]|\\.)*)"'
)
_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)
_decoder = json.JSONDecoder(strict=False)


def read_json_feed(document: Document) -> Page:
    """Return the entries of a JSON Feed, in its order.

    Args:
        document: one whose root is json.
    """
    problem = document.problem
    try:
        whole = _decoder.decode(document.text)
    except (ValueError, RecursionError) as error:
        if not (_VERSION.search(document.text) or _ITEMS.search(document.text)):
            return Page([], [], joined(problem, "not a listing (JSON)"))
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        problem = joined(problem, f"JSON broken ({reason}); read item by item")
        items = list(_items_apart(document.text))
    else:
        found = whole.get("items")
        told = "jsonfeed.org" in str(whole.get("version"))
        if not isinstance(found, list) or not (told or any(_is_item(i) for i in found)):
            return Page([], [], joined(problem, "not a listing (JSON)"))
        items = found
    if len(items) > _MOST_ENTRIES:
        del items[_MOST_ENTRIES:]
        problem = joined(problem, f"more than {_MOST_ENTRIES} entries; the rest is left out")
    entries = [e for item in items if (e := _entry(item)) is not None]
    if len(entries) < len(items):
        problem = joined(problem, f"{len(items) - len(entries)} items have no address")
    return Page(entries, [], problem)


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and bool({"url", "external_url", "id"} & item.keys())


def _entry(item: Any) -> Entry | None:
    if not isinstance(item, dict):
        return None

    def of(key: str) -> str:
        value = item.get(key)
        # An escape can write what no text may hold: a NUL, half a letter.
        return NOT_XML.sub("", value).strip() if isinstance(value, str) else ""

    # The publication's own page of it, else the page that it is about.
    link = of("url") or of("external_url")
    if not link and _ADDRESS.match(of("id")):
        link = of("id")
    if not link:
        return None
    published, modified = parse_listed(of("date_published")), parse_listed(of("date_modified"))
    return entry(link, of("title"), published, modified)


def _items_apart(text: str) -> Iterator[Any]:
    """Yield the items of a broken feed; one that the end cuts off is left out.

    One scan finds where items begin and end, by their braces; each is then read alone.
    """
    begin = _ITEMS.search(text)
    if begin is None:
        return
    depth, start, count = 0, 0, 0
    for token in _TOKEN.finditer(text, begin.end()):
        mark = token.group()
        if mark in "{[":
            if depth == 0:
                start = token.start()
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth < 0 or count > _MOST_ENTRIES:
                return
            if depth == 0:
                count += 1
                yield _mended(text[start : token.end()])


def _mended(piece: str) -> Any:
    """Return an item as well as it can be read: mended, or of its fields those that stand alone."""
    for text in (piece, _TRAILING_COMMA.sub(r"\1", _BAD_ESCAPE.sub(_mended_escape, piece))):
        try:
            return _decoder.decode(text)
        except (ValueError, RecursionError):
            continue
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(_NESTED.sub("", piece)):
        fields.setdefault(name, _mended_text(value))
    return fields


def _mended_text(value: str) -> str:
    try:
        return str(_decoder.decode(f'"{_BAD_ESCAPE.sub(_mended_escape, value)}"'))
    except ValueError:
        return value


def _mended_escape(found: re.Match[str]) -> str:
    return found.group() if found.group(1) else found.group(2)
