"""HTML pages: every field from the best evidence that the page gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from urllib.parse import urlsplit

import lxml.etree
import lxml.html
from lxml.html import HtmlElement

from newsarchive.model import Found, Link, Refused
from newsarchive.parse import body as bodies
from newsarchive.parse import fields
from newsarchive.parse.authors import authors_of
from newsarchive.parse.borders import Line, Piece, separate
from newsarchive.parse.elements import read_elements
from newsarchive.parse.evidence import Heading, Page, is_beside, select
from newsarchive.parse.labels import match_labels
from newsarchive.parse.pieces import found_of
from newsarchive.parse.published import CLOCK_SLACK, listed_in, modified, published, settle_rule
from newsarchive.parse.refusals import (
    FEW_OF_PAID,
    LEAST_WORDS,
    refuse_article,
    refuse_bytes,
    refuse_language,
    refuse_message,
    refuse_text,
)
from newsarchive.parse.related import Related, take_related
from newsarchive.parse.shown import Shown, lines_around, shown_of, text_of
from newsarchive.parse.streamed import place_parts
from newsarchive.parse.structured import as_texts, read_structured
from newsarchive.parse.title import CONFIDENCE, best_title, without_site_name
from newsarchive.sources.load import Rule, Source
from newsarchive.text.dates import find_moments, is_date_line, parse_moment
from newsarchive.text.decode import decode, utf8_of
from newsarchive.text.folding import bare, is_same, may_begin
from newsarchive.text.identity import clean_url, is_home
from newsarchive.text.language import code_of
from newsarchive.text.repair import repair, tidy_line
from newsarchive.text.words import has_words

_FEW_WORDS = 25
"""Below this the other ways to a body are tried too."""
_SHORT_WORDS = 80
"""Below this a body may be a teaser list that the extractor took for want of anything better."""
_SHORT_LINE = 200
"""Characters of a line that may be a label's value."""
_CLAIMS = (
    "og:title",
    "twitter:title",
    "dc.title",
    "dcterms.title",
    "parsely-title",
    "sailthru.title",
    "cxenseparse:title",
    "headline",
    "title",
)
_HOME = re.compile(r"\s*(?:(?:https?:)?//[^/?#]+/?|/)(?:#.*)?\s*", re.I)
"""A link that leads to a home page, of whatever site."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page holds, and why that is no article, if it is none."""

    founds: list[Found]
    """The article and whole others embedded in it; of a page that is refused what can be told all
    the same, none where it cannot be read."""
    refused: Refused | None = None
    rule: Rule | None = None
    """The source's rules that were used, those of the page's day."""


def parse_page(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    source: Source | None,
    link: Link | None,
    captured_at: datetime,
) -> list[Found] | Refused:
    """Return the article of a page, and whole other articles embedded in it; or why there is none.

    The arguments are those of `read_page`.
    """
    reading = read_page(
        body,
        url=url,
        content_type=content_type,
        source=source,
        link=link,
        captured_at=captured_at,
    )
    return reading.refused or reading.founds


def read_page(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    source: Source | None,
    link: Link | None,
    captured_at: datetime | None,
) -> Reading:
    """Return what a page holds, also where that is no article.

    Args:
        body: the page, content coding undone.
        url: where it was found; relative addresses in it are read against this.
        content_type: the Content-Type header, if there was one.
        source: whose page it is: time zone, language, dated rules.
        link: what listings said of it: the last resort for title and date.
        captured_at: when the bytes came, aware; later dates are not believed, and relative ones are
            counted from it. None where nobody knows: no date is counted, none after now believed.
    """
    refused = refuse_bytes(body, content_type)
    if refused:
        return Reading([], refused)
    text = utf8_of(body)
    raw = body
    if text is None:
        text = decode(body, content_type)
        raw = text.encode("utf-8", "replace")
    return _read(text, raw, url, content_type, source, link, captured_at)


def read_text(text: str, url: str) -> Reading:
    """Return what a page holds of which the text is known, not its bytes, and nothing else.

    Args:
        text: the page, decoded.
        url: where it was found.
    """
    text = text.removeprefix("\ufeff")
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        raw = text.encode("utf-8", "replace")
        text = raw.decode()
    refused = refuse_bytes(raw, None)
    return Reading([], refused) if refused else _read(text, raw, url, None, None, None, None)


def _read(
    text: str,
    raw: bytes,
    url: str,
    content_type: str | None,
    source: Source | None,
    link: Link | None,
    captured_at: datetime | None,
) -> Reading:
    """Read a page by its text, which `raw` is in UTF-8."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.strip():
        return Reading([], Refused("empty", "no text in the page"))
    refused = refuse_text(text, content_type)
    if refused:
        return Reading([], refused)
    tree = _tree_of(text, raw)
    if tree is None:
        return Reading([], Refused("unparseable", "no markup in the page"))
    page = _page_of(tree, url, source, link, captured_at or datetime.now(UTC))
    page.is_aged = captured_at is not None
    return _article(page)


# Characters that XML does not have, written as themselves or by number: libxml2 reads them, and
# what it has read cannot be put into a tree again.
_NOT_XML = bytes([*range(9), 11, 12, *range(14, 32)])
_NOT_XML_WIDE = dict.fromkeys((0xFFFE, 0xFFFF))
_NOT_XML_BY_NUMBER = re.compile(
    b"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]))(?![0-9a-fA-F]);?"
)
# Every element is a plain HtmlElement: asking lxml's own table for the class of each element is a
# call of Python for each, a tenth of all time.
_PLAIN = lxml.etree.ElementDefaultClassLookup(element=HtmlElement)


def _tree_of(text: str, raw: bytes) -> HtmlElement | None:
    """The root of a page's tree; `raw` is its text in UTF-8."""
    if "\ufffe" in text or "\uffff" in text:
        raw = text.translate(_NOT_XML_WIDE).encode("utf-8", "replace")
    raw = raw.translate(None, _NOT_XML)
    raw = _NOT_XML_BY_NUMBER.sub(b"", raw)
    parser = lxml.etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False
    )
    parser.set_element_class_lookup(_PLAIN)
    try:
        tree = lxml.html.document_fromstring(raw, parser=parser, ensure_head_body=True)
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return None  # nothing that a parser could hold on to
    return tree if isinstance(tree, HtmlElement) else None


def _page_of(
    tree: HtmlElement, url: str, source: Source | None, link: Link | None, captured_at: datetime
) -> Page:
    elements = read_elements(tree)
    if elements.places and place_parts(tree, elements.places):
        elements = read_elements(tree)  # in their new order
    stated = next((e for e in elements.stating if e.tag == "base" and "href" in e.attrib), None)
    base = (clean_url(stated.get("href") or "", url) if stated is not None else None) or url
    said = read_structured(tree, elements, url)
    sites = [*said.site_names, *([source.title, source.name.replace("_", " ")] if source else [])]
    american = (source is not None and source.country in ("US", "PH")) or (
        source is None and (said.language or "").lower().replace("_", "-") == "en-us"
    )
    return Page(
        tree,
        elements,
        url,
        base,
        source,
        link,
        captured_at,
        said,
        sites,
        source.timezone if source else "UTC",
        american,
    )


def read_shown(text: str, url: str) -> Shown | None:
    """Return what a page shows, just as its body is chosen from; None where nothing is shown.

    For the training of that choice.

    Args:
        text: the page's markup.
        url: its address.
    """
    tree = _tree_of(text, text.encode("utf-8", "replace"))
    if tree is None:
        return None
    page = _page_of(tree, url, None, None, datetime.now(UTC))
    _open(page)
    shown = shown_of(page)
    return shown if shown.blocks.blocks else None


def _article(page: Page) -> Reading:
    headings, related = _open(page)
    refused = refuse_message(page, headings)
    shown = shown_of(page)
    page.blocks = lines_around(shown, page.title_element)
    lines = _body_lines(page, shown)
    pieces = separate(lines, title=page.title or "\x00", cautious=True)
    main = pieces[0]
    main.paragraphs = _without_edges(main.paragraphs, page)
    if page.evidence["text"] == "heuristic" and not main.has_words(_SHORT_WORDS):
        main.paragraphs = _not_beside(main.paragraphs, page)
    refused = refused or refuse_article(page, main, headings)
    page.labels = _labels_of(page, main)
    founds = [_found(page, main, related.pointers)]
    refused = refused or refuse_language(page, main, founds[0].language)
    hint = code_of(page.said.language) or (page.source.language if page.source else None)
    embedded = [*pieces[1:], *(p for box in related.embedded for p in _embedded(box))]
    for part, piece in enumerate(embedded, 1):
        found = found_of(
            piece,
            part,
            language_hint=hint,
            zone=page.zone,
            month_first=page.month_first,
            latest=page.captured_at + CLOCK_SLACK,
            sites=page.sites,
        )
        founds.append(found)
    titles = [f.title for f in founds[1:]]
    if titles:
        first = founds[0]
        first.related[:] = list(dict.fromkeys([*titles, *first.related]))
        first.evidence.setdefault("related", "label")
    return Reading(founds, refused, page.rule)


def _open(page: Page) -> tuple[list[Heading], Related]:
    """Settle a page's rule and title, and cut out what its rule and related boxes name."""
    settle_rule(page)
    rule = page.rule
    removed = [e for selector in (rule.remove if rule else ()) for e in select(page.tree, selector)]
    inside = {d for e in removed for d in e.iter()}
    headings = [
        Heading(repair(bodies.heading_of(e)[:1000]), int(e.tag[1]), e)
        for e in page.elements.headings
        if e not in inside
    ]
    _take_title(page, headings)
    # Where the page points to is read first: rules remove the boxes that say it.
    related = take_related(page.tree, page.elements.openings, page.base, page.title)
    bodies.cut_all(removed)
    return headings, related


def _take_title(page: Page, headings: list[Heading]) -> None:
    said = page.said
    if page.rule and page.rule.title:
        for element in select(page.tree, page.rule.title):
            text = tidy_line(repair(element.get("content") or element.text_content()))
            if bare(text):
                page.title, page.title_element = without_site_name(text, page.sites), element
                page.evidence["title"] = "rule"
                return
    headline = as_texts(said.article.get("headline"))[:1] or as_texts(said.article.get("name"))[:1]
    metas = [c for name in _CLAIMS for c in said.meta.get(name, ())[:1]]
    claims = [*headline, *metas, *said.micro.get("headline", ())[:1]]
    kept = [h for h in headings if not is_beside(h.element)]
    if logos := [h for h in kept if _leads_home(h, page.base)]:
        kept = [h for h in kept if h not in logos]
        page.sites += [h.text for h in logos]
    best = best_title(
        [(h.text, h.level) for h in kept],
        claims,
        said.page_title,
        page.sites,
        without_site_name(headline[0], page.sites) if headline else None,
    )
    if best is None and page.link and page.link.listed_title:
        best = (
            without_site_name(repair(page.link.listed_title), page.sites),
            listed_in(page.link),
        )
    if best is None:
        return
    page.title, kind = best
    same = bare(page.title)
    if headline and bare(headline[0]) == same:
        kind = "jsonld"
    elif kind == "heuristic" and any(bare(without_site_name(m, page.sites)) == same for m in metas):
        kind = "meta"
    page.evidence["title"] = kind
    if kind == "heuristic":
        page.confidence["title"] = CONFIDENCE
    page.title_element = next(
        (h.element for h in kept if bare(without_site_name(h.text, page.sites)) == same), None
    )


def _leads_home(heading: Heading, base: str) -> bool:
    """Say whether all of a heading is a link to the home page: so sites show their own name."""
    links = (*heading.element.iter("a"), *islice(heading.element.iterancestors("a"), 1))
    homes = [a for a in links if _HOME.fullmatch(a.get("href") or "-")]
    return any(
        (there := clean_url(a.get("href"), base))
        and urlsplit(there).hostname == urlsplit(base).hostname
        and bare(a.text_content()) == bare(heading.text)
        for a in homes
    ) and not is_home(base)


def _body_lines(page: Page, shown: Shown) -> list[Line]:
    if page.rule and page.rule.body:
        lines = bodies.rule_lines(select(page.tree, page.rule.body))
        if has_words((line.text for line in lines), LEAST_WORDS):
            page.evidence["text"] = "rule"
            return lines
    page.evidence["text"] = "heuristic"
    text = text_of(shown)
    stated = page.said.article.get("articleBody")
    if isinstance(stated, str) and not has_words((x.text for x in text.lines), FEW_OF_PAID):
        words = bodies.words_in(text.lines)
        own = bodies.markup_lines(stated)
        # The beginning that is shown of what is paid for may be all there in the data.
        if bodies.words_in(own) > (words if words < _FEW_WORDS else 2 * words):
            page.evidence["text"] = "jsonld"
            return own
    page.confidence["text"] = text.confidence
    return text.lines


def _without_edges(paragraphs: list[str], page: Page) -> list[str]:
    """Cut what is not text at its edges: headline, dates, names of the author or the site."""
    edge = {
        bare(page.title),
        *(bare(s) for s in page.sites),
        *(bare(n) for n in as_texts(page.said.article.get("author"))),
        *(bare(n) for n in as_texts(page.said.article.get("articleSection"))),
        bare(page.said.first("article:section") or ""),
    }

    def is_edge(text: str) -> bool:
        if bare(text) in edge or is_date_line(text):
            return True
        # A section and a date, "World 3 May 2024": no sentence is that short.
        return (
            len(text) <= 60
            and len(text.split()) <= 7
            and bool(find_moments(text))
            and not text.endswith((".", "؟", "?"))
        )

    first, last = 0, len(paragraphs)
    while first < min(last, 4) and is_edge(paragraphs[first]):
        first += 1
    while last > first and is_edge(paragraphs[last - 1]):
        last -= 1
    return [p for p in paragraphs[first:last] if not is_same(p, page.title)]


def _not_beside(paragraphs: list[str], page: Page) -> list[str]:
    """Return the paragraphs, or none where every one stands in a box beside the article."""
    shown = [bare(line.text) for line in page.blocks]
    whole, found = " ".join(shown), " ".join(map(bare, paragraphs))
    if any(bare(p)[:80] in whole for p in paragraphs):
        return paragraphs
    # The extractor may have run headline, date and text together.
    own = bare(page.title)
    seen = any(len(b.split()) > 6 and b not in own and b in found for b in shown)
    return paragraphs if seen else []


def _labels_of(page: Page, main: Piece) -> dict[str, str]:
    """Values of visible labels: inside the body, then around it from the headline on."""
    labels = dict(main.labels)
    start = page.title_place
    first = bare(main.paragraphs[0])[:60] if main.paragraphs else ""
    last = bare(main.paragraphs[-1])[:60] if main.paragraphs else ""
    end = next(
        (
            n
            for n in range(len(page.blocks) - 1, start, -1)
            if last and _begins(page.blocks[n].text, last)
        ),
        start,
    )
    begin = next(
        (
            n
            for n in range(start, min(end + 1, len(page.blocks)))
            if first and _begins(page.blocks[n].text, first)
        ),
        start,
    )
    text = page.blocks[begin : end + 2]
    if "published" in labels and _are_several(text):
        del labels["published"]
    around = chain(
        range(max(0, start - 5), min(begin, start + 15, len(page.blocks))),
        range(end + 1, min(end + 13, len(page.blocks))),
    )
    for n in around:
        if len(page.blocks[n].text) > 600 or is_same(page.blocks[n].text, page.title):
            continue
        for label in match_labels(page.blocks[n].text):
            value = label.value
            if (
                not value
                and n + 1 < len(page.blocks)
                and len(page.blocks[n + 1].text) < _SHORT_LINE
                and label.kind != "related"
            ):
                value = page.blocks[n + 1].text
                if match_labels(value) or (
                    label.kind in ("published", "modified") and parse_moment(value) is None
                ):
                    continue
                if label.kind in ("origin", "author", "section") and len(value.split()) > 6:
                    continue
                if label.kind == "keywords":
                    value = _listed_below(page.blocks, n + 1)
            if label.kind == "published" and n > end and _are_several(text):
                continue
            if value and label.kind not in ("related", "title"):
                labels.setdefault(label.kind, value)
    return labels


def _are_several(lines: Sequence[Line]) -> bool:
    """Say whether a text labels several dates, as lists of events do: none of them is its own."""
    short = (line.text for line in lines if len(line.text) < _SHORT_LINE)
    values = {la.value for text in short for la in match_labels(text) if la.kind == "published"}
    return len(values - {""}) > 1


def _begins(text: str, beginning: str) -> bool:
    return may_begin(text, beginning) and bare(text).startswith(beginning)


def _listed_below(blocks: list[Line], at: int) -> str:
    run: list[str] = []
    for line in blocks[at : at + 20]:
        if len(line.text.split()) > 5 or match_labels(line.text) or (run and not line.link):
            break
        run.append(line.text)
    return "\n".join(run) or blocks[at].text


def _found(page: Page, main: Piece, pointers: list[str]) -> Found:
    evidence = page.evidence
    text = "\n\n".join(main.paragraphs)
    dated = published(page, main)
    moment = dated.moment if dated else None
    if dated and moment:
        named = ["published_day", "published_at"] if moment.at else ["published_day"]
        evidence.update(dict.fromkeys(named, dated.kind))
        if dated.confidence is not None:
            page.confidence.update(dict.fromkeys(named, dated.confidence))
    kind, changed = modified(page) or ("", None)
    if changed:
        evidence["modified_at"] = kind
    authors, agencies = authors_of(page)
    raw, keywords = fields.keywords_of(page)
    return Found(
        title=page.title,
        text=text,
        canonical_url=fields.canonical_of(page),
        authors=authors,
        published_at=moment.at if moment else None,
        published_day=moment.day if moment else None,
        published_precision=moment.precision if moment else None,
        modified_at=changed.at if changed else None,
        summary=fields.summary_of(page),
        keywords_raw=raw,
        keywords=keywords,
        section=fields.section_of(page),
        language=fields.language_in(page, text),
        image_url=fields.image_of(page),
        origin=fields.origin_of(page, main, agencies),
        related=fields.related_of(page, [*main.related, *pointers]),
        evidence=evidence,
        confidence=page.confidence,
    )


def _embedded(box: list[Line]) -> list[Piece]:
    """The articles of a related box, whose first heading is a headline."""
    start = next((n for n, line in enumerate(box) if line.heading), 0)
    pieces = separate(
        [Line("\x00"), Line("إقرأ أيضاً:"), *box[start:]], title="\x00", cautious=False
    )
    return pieces[1:]
