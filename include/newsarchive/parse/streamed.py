"""Pages that a server streams, as React does: what came late is put where browsers show it."""

import re
from collections.abc import Iterable

from lxml.html import HtmlElement

_PART = re.compile(r"S:([0-9a-f]{1,8})$")


def place_parts(tree: HtmlElement, places: Iterable[HtmlElement]) -> bool:
    """Move the hidden parts of a streamed page to the places that are kept for them.

    A part is `<div hidden id="S:1">`; its place is the `template` with the id `B:1` or `P:1`, which
    a script of the page exchanges for it. (What is shown there in the meantime stays: it says
    little more than "Loading".) A part whose place is not found is shown where it lies.
    Source: `completeBoundary` and `completeSegment` of React's Fizz server.

    Args:
        tree: the page; it is changed.
        places: its `template` elements that have an id.

    Returns:
        Whether anything was changed.
    """
    known = {p.get("id"): p for p in places if (p.get("id") or "").startswith(("B:", "P:"))}
    if not known:
        return False  # nearly all pages
    changed = False
    for part in [d for d in tree.iter("div") if d.get("hidden") is not None]:
        number = _PART.match(part.get("id") or "")
        if number is None:
            continue
        changed = True
        del part.attrib["hidden"]
        for kind in "BP":
            place = known.pop(f"{kind}:{number[1]}", None)
            if place is not None and part not in place.iterancestors():
                _exchange(place, part)
                break
    return changed


def _exchange(place: HtmlElement, part: HtmlElement) -> None:
    part.drop_tree()  # which leaves what follows it
    part.tail = place.tail
    above = place.getparent()
    if above is not None:
        above.replace(place, part)
