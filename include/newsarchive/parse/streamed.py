"""Pages that a server streams, as React does: what came late is put where browsers show it."""

import re

from lxml.html import HtmlElement

_PART = re.compile(r"S:([0-9a-f]{1,8})$")


def may_be_streamed(text: str) -> bool:
    """Say whether a page may hold parts that came late: nearly all others are told so at once."""
    return ' id="S:' in text or " id='S:" in text


def place_parts(tree: HtmlElement) -> None:
    """Move the hidden parts of a streamed page to the places that are kept for them.

    A part is `<div hidden id="S:1">`; its place is the `template` with the id `B:1` or `P:1`, which
    a script of the page exchanges for it. (What is shown there in the meantime stays: it says
    little more than "Loading".) A part whose place is not found is shown where it lies.
    Source: `completeBoundary` and `completeSegment` of React's Fizz server.

    Args:
        tree: the page; it is changed.
    """
    places = {t.get("id"): t for t in tree.iter("template") if t.get("id")}
    for part in [d for d in tree.iter("div") if d.get("hidden") is not None]:
        number = _PART.match(part.get("id") or "")
        if number is None:
            continue
        del part.attrib["hidden"]
        for kind in "BP":
            place = places.pop(f"{kind}:{number[1]}", None)
            if place is not None and part not in place.iterancestors():
                _exchange(place, part)
                break


def _exchange(place: HtmlElement, part: HtmlElement) -> None:
    part.drop_tree()  # which leaves what follows it
    part.tail = place.tail
    above = place.getparent()
    if above is not None:
        above.replace(place, part)
