"""What is known of a page while it is read, and how its elements are picked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from newsarchive.model import Link
from newsarchive.parse.body import is_aside
from newsarchive.parse.borders import Line
from newsarchive.parse.elements import Elements
from newsarchive.parse.labels import is_box_header
from newsarchive.parse.marks import Marks
from newsarchive.parse.structured import Structured
from newsarchive.sources.load import Rule, Source
from newsarchive.text.dates import Moment
from newsarchive.text.folding import is_same
from newsarchive.text.repair import repair, tidy_line


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page."""

    text: str
    level: int
    """1 to 6."""
    element: HtmlElement


@dataclass(slots=True)
class Page:
    """One page on its way to an article: what is known of it so far."""

    tree: HtmlElement
    elements: Elements
    """Those that were looked for before anything was cut out."""
    url: str
    base: str
    """What its relative addresses are read against: its own address, or what it says instead."""
    source: Source | None
    link: Link | None
    captured_at: datetime
    said: Structured
    sites: list[str]
    """What the site calls itself."""
    zone: str
    """Where its times without offset are meant."""
    month_first: bool
    evidence: dict[str, str] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    """Of the fields that are guesses, by name."""
    title: str = ""
    title_element: HtmlElement | None = None
    blocks: list[Line] = field(default_factory=list)
    """Lines around the headline and the body, without what stands beside an article."""
    labels: dict[str, str] = field(default_factory=dict)
    """Values of visible labels, by kind."""
    rule: Rule | None = None
    """How the source says its pages of that day are laid out."""
    stated: list[tuple[str, Moment]] = field(default_factory=list)
    """Publication dates that structured data gives, with their evidence, best first."""
    is_aged: bool = True
    """Whether it is known when the page was captured."""
    _marks: Marks | None = None
    _title_place: int = -1

    @property
    def title_place(self) -> int:
        """Which of its blocks is its headline; 0 where none is. Once its title and blocks are."""
        if self._title_place < 0:
            places = [n for n, line in enumerate(self.blocks) if is_same(line.text, self.title)]
            headed = [n for n in places if self.blocks[n].heading]
            self._title_place = (headed or places or [0])[0]
        return self._title_place

    @property
    def marks(self) -> Marks:
        """What is marked as bylines and dates; read on first need, as many pages need none."""
        if self._marks is None:
            self._marks = Marks(self.tree, self.title_element)
        return self._marks


def select(tree: HtmlElement, selector: str) -> list[HtmlElement]:
    """Return the elements that a CSS selector picks, in page order."""
    found = CSSSelector(selector, translator="html")(tree)
    return [e for e in found if isinstance(e, HtmlElement)] if isinstance(found, list) else []


def rule_texts(page: Page, field: str) -> list[str]:
    """Return the texts of the elements that the page's rule names for a field; none without one.

    Args:
        page: with its rule settled.
        field: authors, section, keywords or origin.
    """
    selector: str | None = getattr(page.rule, field, None)
    if not selector:
        return []
    found = select(page.tree, selector)
    texts = (tidy_line(repair(e.get("content") or e.text_content()[:2000])) for e in found)
    return [t for t in texts if t]


def is_outside(element: HtmlElement, within: HtmlElement) -> bool:
    """Say whether an element is in a related box, comments or the like below `within`."""
    for ancestor in element.iterancestors():
        if ancestor is within:
            return False
        if is_aside(ancestor):
            return True
    return False


def is_beside(element: HtmlElement) -> bool:
    """Say whether an element is in navigation, footer or an aside."""
    return any(a.tag in ("nav", "footer", "aside") for a in element.iterancestors())


def near_headline(page: Page) -> Iterator[str]:
    """Yield the lines around the headline in which dates and bylines stand, nearest first.

    What stands above it counts as three times as far away as what stands below it, and what stands
    below running text or the header of a box of other articles comes last. First those of the
    page's blocks; then what is marked off from them as standing beside, though the headline stands
    there too.
    """
    start = page.title_place
    blocks = page.blocks
    beyond: list[str] = []
    running = 0
    for away in _AROUND:
        if 0 <= start + away < len(blocks):
            text = blocks[start + away].text
            if away > 0 and (running > _RUNNING or is_box_header(text)):
                running = _RUNNING + 1
                beyond.append(text)
                continue
            running += len(text) if away > 0 and len(text) > _LINE else 0
            yield text
    yield from beyond
    if page.marks.headline >= 0:
        yield from page.marks.lines()


_BELOW, _ABOVE = 16, 7
_LINE, _RUNNING = 140, 400  # characters of a line; of paragraphs, which are longer
_AROUND = sorted(
    (*range(1, _BELOW), *range(-1, -_ABOVE, -1)), key=lambda away: away if away > 0 else -3 * away
)
