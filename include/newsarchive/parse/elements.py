"""The elements of a page that several of its readers look for, found in one walk."""

from dataclasses import dataclass, field

from lxml.html import HtmlElement

from newsarchive.parse.labels import is_related_header

_STATES, _HEADING, _OPENS, _TIME, _PLACE = 1, 2, 4, 8, 16
_OPENING_WORDS = """
    p div span strong b header legend summary a em label dt section aside li h5 h6
"""
_KINDS = (
    dict.fromkeys(("meta", "link", "title", "script", "base"), _STATES)
    | dict.fromkeys(("h1", "h2", "h3", "h4"), _HEADING | _OPENS)
    | dict.fromkeys(_OPENING_WORDS.split(), _OPENS)
    | {"time": _TIME, "template": _PLACE}
)
_LONGEST_OPENING = 60


@dataclass(slots=True)
class Elements:
    """Elements of a page by what they are looked for, each list in page order."""

    stating: list[HtmlElement] = field(default_factory=list)
    """`meta`, `link`, `title`, `script` and `base`."""
    marked: list[HtmlElement] = field(default_factory=list)
    """Those with a property of microdata or RDFa."""
    headings: list[HtmlElement] = field(default_factory=list)
    """`h1` to `h4`."""
    openings: list[HtmlElement] = field(default_factory=list)
    """Those that begin with "read also" or the like."""
    times: list[HtmlElement] = field(default_factory=list)
    """`time`."""
    places: list[HtmlElement] = field(default_factory=list)
    """`template` with an id: the places of what a server streams."""


def read_elements(tree: HtmlElement) -> Elements:
    """Return the elements of a page, found in one walk, which costs more than what is looked at.

    Args:
        tree: the page.
    """
    found = Elements()
    kinds = _KINDS.get
    for element in tree.iter():
        kind = kinds(element.tag)
        if kind is not None:
            if kind & _OPENS:
                text = element.text
                if (
                    text
                    and len(text) < _LONGEST_OPENING
                    and not text.isspace()  # as most are
                    and is_related_header(text.lstrip())
                ):
                    found.openings.append(element)
                if kind & _HEADING:
                    found.headings.append(element)
            elif kind & _TIME:
                found.times.append(element)
            elif kind & _PLACE:
                if element.get("id"):
                    found.places.append(element)
            else:
                found.stating.append(element)
        if element.get("itemprop") or element.get("property"):
            found.marked.append(element)
    return found
