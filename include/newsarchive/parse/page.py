"""HTML pages: every field from the best evidence that the page gives."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import lxml.etree
import lxml.html
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from newsarchive.model import Found, Link, Refused
from newsarchive.parse import body as bodies
from newsarchive.parse.agencies import dateline_origin, is_agency
from newsarchive.parse.borders import Line, Piece, separate
from newsarchive.parse.dates import Moment, find_moments, first_possible, is_date_line, parse_moment
from newsarchive.parse.keywords import split_keywords
from newsarchive.parse.labels import match_labels
from newsarchive.parse.names import clean_name, sort_names, split_names
from newsarchive.parse.related import take_related
from newsarchive.parse.structured import Structured, address_of, as_texts, read_structured
from newsarchive.parse.title import best_title, without_site_name
from newsarchive.sources.load import Rule, Source
from newsarchive.text.decode import decode
from newsarchive.text.folding import bare
from newsarchive.text.identity import clean_url
from newsarchive.text.language import code_of, language_of
from newsarchive.text.repair import repair, tidy_line
from newsarchive.text.words import count_words

_LEAST_WORDS = 10
_FEW_WORDS = 25
"""Below this the other ways to a body are tried too."""
_SHORT_WORDS = 80
"""Below this a body may be a teaser list that the extractor took for want of anything better."""
_CLOCK_SLACK = timedelta(hours=1)
_MOST_BYTES = 20_000_000

_OTHER_TYPES = re.compile(
    r"^\s*(?:image|audio|video|font)/|^\s*application/(?!xhtml|xml|octet-stream)", re.I
)
_MAGIC = (
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"RIFF",
    b"OggS",
    b"ID3",
    b"\x00\x00\x00 ftyp",
    b"wOF",
)
_FEED = re.compile(
    r"^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:rss|feed|urlset|sitemapindex|rdf:RDF|svg)[\s>]",
    re.I | re.S,
)
_TAG = re.compile(r"<(?:!doctype|html|head|body|title|meta|div|p|article|h1|table|span|a)\b", re.I)

_ERROR = re.compile(
    r"\b(?:40[0-9]|41[0-9]|50[0-9])\b.{0,30}(?:error|not found|forbidden|unavailable|denied)|(?:error|http)\W{0,3}(?:40[0-9]|50[0-9])\b"
    r"|^\W*(?:404|403|410|500|502|503)\W*$|page (?:not|could not be|cannot be|can't be|wasn't) found|not found\W*$|page (?:does not|doesn't|no longer) exist"
    r"|access denied|forbidden|just a moment|attention required|are you a robot|service unavailable|bad gateway|internal server error"
    r"|checking your browser|something went wrong|security check|site maintenance|under maintenance|account suspended|pardon our interruption"
    r"|الصفحه (?:المطلوبه )?(?:غير موجوده|لا توجد)|لم يتم العثور|الصفحه التي تبحث عنها|غير متوفره|خطا 404|خطا في|صفحه الخطا"
    r"|page introuvable|página no encontrada|seite (?:wurde )?nicht gefunden|sayfa bulunamadi|страница не найдена|صفحه پیدا نشد|pagina niet gevonden"
    r"|página não encontrada|pagina non trovata",
    re.I,
)

_PUBLISHED = tuple(
    """article:published_time og:article:published_time og:published_time article:published datepublished article.published
    rnews:datepublished parsely-pub-date sailthru.date cxenseparse:recs:publishtime cxenseparse:publishtime
    cxenseparse:recs:articlepublicationdate cxenseparse:articlepublicationdate pubdate publishdate publish-date publish_date
    publication_date publicationdate published_time publishedtime published published-date date_published originalpublicationdate
    article_date_original article:post_date article.created dc.date.issued dcterms.issued dcterms.date dc.date.published dc.date
    dcterms.created dc.date.created dc.created citation_publication_date citation_date bt:pubdate shareaholic:article_published_time
    ptime pdate analyticsattributes.articledate eomportal-firstpublished firstpublished timestamp date created date.created
    datecreated og:pubdate og:release_date release_date displaydate iso-8601-publish-date sort_date vr:published_time
    weibo:article:create_at""".split()
)
_MODIFIED = tuple(
    """article:modified_time og:updated_time og:article:modified_time article:modified datemodified dcterms.modified dc.date.modified
    lastmod last-modified modified_time modified cxenseparse:recs:articlemodifieddate article:updated_time og:modified_time
    date.modified updated revised lastmodified weibo:article:update_at""".split()
)
_AUTHOR = tuple(
    """author article:author_name parsely-author sailthru.author dc.creator dcterms.creator dc.contributor byl byline
    citation_author article:author og:article:author cxenseparse:author authors bt:author rnews:author twitter:creator:name""".split()
)
_KEYWORDS = (
    "news_keywords",
    "article:tag",
    "parsely-tags",
    "sailthru.tags",
    "og:article:tag",
    "keywords",
    "dc.subject",
    "dcterms.subject",
)
_LISTS = frozenset(
    ("article:tag", "og:article:tag", "dc.subject", "citation_author", "author", "dc.creator")
)
_SECTION = (
    "article:section",
    "og:article:section",
    "parsely-section",
    "sailthru.section",
    "cxenseparse:category",
    "section",
    "category",
    "articlesection",
)
_SUMMARY = (
    "og:description",
    "description",
    "twitter:description",
    "dc.description",
    "dcterms.description",
    "sailthru.description",
)
_IMAGE = (
    "og:image",
    "og:image:url",
    "og:image:secure_url",
    "twitter:image",
    "twitter:image:src",
    "sailthru.image.full",
    "parsely-image-url",
)
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

_BYLINES = re.compile(
    r"(?:^|[\s_-])(?:by-?line|author|authors|author-?name|writer|reporter|creator)(?:$|[\s_-])",
    re.I,
)
_DATES = re.compile(r"(?:date|time|publish|posted|meta|تاريخ)", re.I)
_URL_DAY = re.compile(
    r"[/_-]((?:19|20)\d\d)(?:([/_-])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))(?=[/_.-]|$)"
)
_VARIANT = re.compile(r"^(?:www\d?|m|mobile|amp|mob|touch)\.")
_SAME_PAGE = frozenset(
    ("amp", "m", "print", "index", "mobile", "amp.html", "index.html", "1", "page")
)


@dataclass(slots=True)
class _Page:
    """One page on its way to an article."""

    tree: HtmlElement
    url: str
    source: Source | None
    link: Link | None
    captured_at: datetime
    said: Structured
    sites: list[str]
    zone: str
    month_first: bool
    evidence: dict[str, str] = field(default_factory=dict)
    title: str = ""
    title_element: HtmlElement | None = None
    blocks: list[Line] = field(default_factory=list)
    """Lines around the headline and the body, without what stands beside an article."""
    labels: dict[str, str] = field(default_factory=dict)


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

    Args:
        body: the page, content coding undone.
        url: where it was found; relative addresses in it are read against this.
        content_type: the Content-Type header, if there was one.
        source: whose page it is: time zone, language, dated rules.
        link: what listings said of it: the last resort for title and date.
        captured_at: when the bytes came, aware; later dates are not believed.
    """
    refused = _refuse_bytes(body, content_type)
    if refused:
        return refused
    text = decode(body, content_type).replace("\x00", "")
    if not text.strip():
        return Refused("empty", "no text in the page")
    refused = _refuse_text(text, content_type)
    if refused:
        return refused
    tree = _tree_of(text)
    if tree is None:
        return Refused("empty", "no markup in the page")
    page = _page_of(tree, url, source, link, captured_at)
    return _article(page)


def _refuse_bytes(body: bytes, content_type: str | None) -> Refused | None:
    if not body.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        return Refused("empty", "the page has no bytes")
    if len(body) > _MOST_BYTES:
        return Refused("not_html", f"{len(body)} bytes are no article's page")
    if body.startswith(_MAGIC):
        return Refused("not_html", f"binary data ({content_type or 'no content type'})")
    if (
        content_type
        and _OTHER_TYPES.match(content_type)
        and not _TAG.search(body[:2000].decode("ascii", "ignore"))
    ):
        return Refused("not_html", content_type)
    return None


def _refuse_text(text: str, content_type: str | None) -> Refused | None:
    head = text[:4000]
    if _FEED.match(head):
        return Refused("not_html", "a feed, sitemap or drawing")
    if not _TAG.search(text[:100_000]):
        kind = "JSON" if head.lstrip()[:1] in ("{", "[") else "text without markup"
        return Refused("not_html", f"{kind} ({content_type or 'no content type'})")
    if head.lstrip()[:1] in ("{", "[") and (content_type or "").lower().find("json") >= 0:
        return Refused("not_html", content_type)
    return None


def _tree_of(text: str) -> HtmlElement | None:
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(
            text.encode("utf-8", "replace"), parser=parser, ensure_head_body=True
        )
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return None  # nothing that a parser could hold on to
    return tree if isinstance(tree, HtmlElement) else None


def _page_of(
    tree: HtmlElement, url: str, source: Source | None, link: Link | None, captured_at: datetime
) -> _Page:
    base = tree.find(".//base[@href]")
    url = (clean_url(base.get("href") or "", url) if base is not None else None) or url
    said = read_structured(tree, url)
    sites = [*said.site_names, *([source.title, source.name.replace("_", " ")] if source else [])]
    american = (source is not None and source.country in ("US", "PH")) or (
        source is None and (said.language or "").lower().replace("_", "-") == "en-us"
    )
    return _Page(
        tree,
        url,
        source,
        link,
        captured_at,
        said,
        sites,
        source.timezone if source else "UTC",
        american,
    )


def _article(page: _Page) -> list[Found] | Refused:
    rule, published = _rule_and_structured_date(page)
    removed = [e for selector in (rule.remove if rule else ()) for e in _select(page.tree, selector)]
    inside = {d for e in removed for d in e.iter()}
    headings = [
        (bodies.text_of(e)[:1000], int(e.tag[1]), e)
        for e in page.tree.iter("h1", "h2", "h3", "h4")
        if e not in inside
    ]
    if _is_error(page, headings):
        shown = page.said.page_title or (headings[0][0] if headings else None)
        return Refused("error_page", shown)
    _take_title(page, rule, headings)
    # Where the page points to is read first: rules remove the boxes that say it.
    related = take_related(page.tree, page.url, page.title)
    bodies.cut_all(removed)
    lines = _body_lines(page, rule)
    page.blocks = _blocks_around(page)
    pieces = separate(lines, title=page.title or "\x00", cautious=True)
    main = pieces[0]
    main.paragraphs = _without_edges(main.paragraphs, page)
    if main.words < _SHORT_WORDS and page.evidence["text"] == "heuristic":
        main.paragraphs = _not_beside(main.paragraphs, page)
    refused = _refuse_article(page, main, headings)
    if refused:
        return refused
    page.labels = _labels_of(page, main)
    founds = [_found(page, rule, published, main, related.pointers)]
    embedded = [*pieces[1:], *(p for box in related.embedded for p in _embedded(box))]
    for part, piece in enumerate(embedded, 1):
        founds.append(_embedded_found(page, piece, part))
    titles = [f.title for f in founds[1:]]
    if titles:
        first = founds[0]
        first.related[:] = list(dict.fromkeys([*titles, *first.related]))
        first.evidence.setdefault("related", "label")
    return founds


# ---------------------------------------------------------------------- refusals


def _is_error(page: _Page, headings: list[tuple[str, int, HtmlElement]]) -> bool:
    shown = [page.said.page_title or "", *(text for text, level, _ in headings if level == 1)]
    if not any(_ERROR.search(bare_keep(text)) for text in shown if len(text) < 120):
        return False
    return sum(
        count_words(p.text_content()) for p in page.tree.iter("p")
    ) < 150 and not page.said.article.get("datePublished")


def bare_keep(text: str) -> str:
    """Return a text folded as error messages are looked for: Arabic letters alike, the rest as it stands."""
    return text.replace("ة", "ه").replace("أ", "ا").replace("إ", "ا").strip().lower()


def _refuse_article(
    page: _Page, main: Piece, headings: list[tuple[str, int, HtmlElement]]
) -> Refused | None:
    said = page.said
    dated = bool(
        said.article.get("datePublished")
        or said.first("article:published_time")
        or said.micro.get("datepublished")
    )
    article = bool(said.article) or dated or (said.first("og:type") or "").lower() == "article"
    path = urlsplit(page.url).path.strip("/")
    if not article and _is_listing(page, main, headings, path):
        return Refused("listing", f"{len(headings)} headings, {main.words} words of text")
    if not page.title:
        return Refused("no_title", "neither headline nor title")
    if not main.paragraphs:
        return Refused("no_text", "no text below the headline")
    if main.words < _LEAST_WORDS:
        return Refused("too_short", f"{main.words} words")
    return None


def _is_listing(
    page: _Page, main: Piece, headings: list[tuple[str, int, HtmlElement]], path: str
) -> bool:
    linked = sum(
        1
        for _, _, e in headings
        if e.find(".//a[@href]") is not None
        or e.getparent() is not None
        and e.getparent().tag == "a"
    )
    longest = max(map(count_words, main.paragraphs), default=0)
    collection = {"collectionpage", "searchresultspage", "itemlist"} & set(page.said.types)
    if not path and not urlsplit(page.url).query:
        return linked >= 3 or main.words < 150
    if linked >= 8 and (longest < 25 or main.words < 60):
        return True
    return bool(collection) and linked >= 4 and longest < 40


# ---------------------------------------------------------------------- title and body


def _take_title(
    page: _Page, rule: Rule | None, headings: list[tuple[str, int, HtmlElement]]
) -> None:
    said = page.said
    if rule and rule.title:
        for element in _select(page.tree, rule.title):
            text = tidy_line(repair(element.get("content") or element.text_content()))
            if bare(text):
                page.title, page.title_element = without_site_name(text, page.sites), element
                page.evidence["title"] = "rule"
                return
    headline = as_texts(said.article.get("headline"))[:1] or as_texts(said.article.get("name"))[:1]
    metas = [c for name in _CLAIMS for c in said.meta.get(name, ())[:1]]
    claims = [*headline, *metas, *said.micro.get("headline", ())[:1]]
    kept = [(repair(text), level, e) for text, level, e in headings if not _is_beside(e)]
    best = best_title(
        [(text, level) for text, level, _ in kept], claims, said.page_title, page.sites
    )
    if best is None and page.link and page.link.listed_title:
        best = (
            without_site_name(repair(page.link.listed_title), page.sites),
            "feed" if "feed" in page.link.routes else "sitemap",
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
    page.title_element = next(
        (e for text, _, e in kept if bare(without_site_name(text, page.sites)) == same), None
    )


def _is_beside(element: HtmlElement) -> bool:
    return any(a.tag in ("nav", "footer", "aside") for a in element.iterancestors())


def _body_lines(page: _Page, rule: Rule | None) -> list[Line]:
    if rule and rule.body:
        lines = bodies.rule_lines(_select(page.tree, rule.body))
        if bodies.words_in(lines) >= _LEAST_WORDS:
            page.evidence["text"] = "rule"
            return lines
    page.evidence["text"] = "heuristic"
    lines = bodies.extracted_lines(page.tree, page.url)
    words = bodies.words_in(lines)
    if words >= _FEW_WORDS:
        return lines
    stated = page.said.article.get("articleBody")
    if isinstance(stated, str):
        own = bodies.markup_lines(stated)
        if bodies.words_in(own) > words:
            page.evidence["text"] = "jsonld"
            return own
    largest = bodies.largest_block(page.tree)
    return largest if bodies.words_in(largest) > words else lines


def _without_edges(paragraphs: list[str], page: _Page) -> list[str]:
    """Cut what is not text at its edges: the headline again, dates, names of the author or the site."""
    own = bare(page.title)
    edge = {
        own,
        *(bare(s) for s in page.sites),
        *(bare(n) for n in as_texts(page.said.article.get("author"))),
    }

    def is_edge(text: str) -> bool:
        return bare(text) in edge or is_date_line(text)

    first, last = 0, len(paragraphs)
    while first < min(last, 4) and is_edge(paragraphs[first]):
        first += 1
    while last > first and is_edge(paragraphs[last - 1]):
        last -= 1
    return [p for p in paragraphs[first:last] if bare(p) != own]


def _not_beside(paragraphs: list[str], page: _Page) -> list[str]:
    """Return the paragraphs, or none where every one stands in a box beside the article."""
    shown = {bare(line.text) for line in page.blocks}
    whole = " ".join(shown)
    return paragraphs if any(bare(p)[:80] in whole for p in paragraphs) else []


def _blocks_around(page: _Page) -> list[Line]:
    """Lines of the page but for what stands beside an article; the headline's own surroundings always."""
    keep = set()
    if page.title_element is not None:
        keep = {page.title_element, *page.title_element.iterancestors()}
    found = page.tree.find("body")
    return bodies.blocks_of(
        found if found is not None else page.tree, lambda e: e not in keep and bodies.is_aside(e)
    )


def _labels_of(page: _Page, main: Piece) -> dict[str, str]:
    """Values of visible labels: those inside the body, then those between the headline and a little below the text."""
    labels = dict(main.labels)
    start = _title_place(page)
    first = bare(main.paragraphs[0])[:60] if main.paragraphs else ""
    last = bare(main.paragraphs[-1])[:60] if main.paragraphs else ""
    end = next(
        (
            n
            for n in range(len(page.blocks) - 1, start, -1)
            if last and bare(page.blocks[n].text).startswith(last)
        ),
        start,
    )
    begin = next(
        (
            n
            for n in range(start, min(end + 1, len(page.blocks)))
            if first and bare(page.blocks[n].text).startswith(first)
        ),
        start,
    )
    around = chain(
        range(max(0, start - 5), min(begin, start + 15, len(page.blocks))),
        range(end + 1, min(end + 13, len(page.blocks))),
    )
    for n in around:
        if len(page.blocks[n].text) > 600:
            continue
        for label in match_labels(page.blocks[n].text):
            value = label.value
            if (
                not value
                and n + 1 < len(page.blocks)
                and len(page.blocks[n + 1].text) < 200
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
            if value and label.kind not in ("related", "title"):
                labels.setdefault(label.kind, value)
    return labels


def _listed_below(blocks: list[Line], at: int) -> str:
    run: list[str] = []
    for line in blocks[at : at + 20]:
        if len(line.text.split()) > 5 or match_labels(line.text) or (run and not line.link):
            break
        run.append(line.text)
    return "\n".join(run) or blocks[at].text


def _title_place(page: _Page) -> int:
    own = bare(page.title)
    places = [n for n, line in enumerate(page.blocks) if bare(line.text) == own]
    headed = [n for n in places if page.blocks[n].heading]
    return (headed or places or [0])[0]


# ---------------------------------------------------------------------- dates


def _rule_and_structured_date(page: _Page) -> tuple[Rule | None, list[tuple[str, Moment]]]:
    """The rule of the page's day, and the dates that structured data gives, best first."""
    stated = list(_structured_dates(page))
    first = first_possible((m for _, m in stated), page.captured_at + _CLOCK_SLACK)
    if page.source is None:
        return None, stated
    if first is None:
        for rule in sorted(page.source.rules, key=lambda r: r.since, reverse=True):
            moment = first_possible(_rule_dates(page, rule), page.captured_at + _CLOCK_SLACK)
            if moment and page.source.rule_on(moment.day) is rule:
                return rule, stated
    listed = page.link.listed_day if page.link else None
    day = first.day if first else listed or page.captured_at.date()
    return page.source.rule_on(day), stated


def _structured_dates(page: _Page) -> Iterator[tuple[str, Moment]]:
    said = page.said
    for key in ("datePublished", "dateCreated", "uploadDate"):
        for text in as_texts(said.article.get(key))[:2]:
            yield from _moments(page, "jsonld", text)
    for name in _PUBLISHED:
        for text in said.meta.get(name, ())[:2]:
            yield from _moments(page, "meta", text)
    for name in ("datepublished", "datecreated"):
        for text in said.micro.get(name, ())[:1]:
            yield from _moments(page, "microdata", text)


def _moments(page: _Page, kind: str, text: str) -> Iterator[tuple[str, Moment]]:
    moment = parse_moment(text, page.zone, month_first=page.month_first)
    if moment:
        yield kind, moment


def _rule_dates(page: _Page, rule: Rule) -> Iterator[Moment]:
    for element in _select(page.tree, rule.date) if rule.date else ():
        for text in (element.get("datetime"), element.get("content"), element.text_content()[:300]):
            moment = parse_moment(text, page.zone, month_first=page.month_first) if text else None
            if moment:
                yield moment
                break


def _published(
    page: _Page, rule: Rule | None, stated: list[tuple[str, Moment]], main: Piece
) -> tuple[str, Moment] | None:
    latest = page.captured_at + _CLOCK_SLACK
    sure = [*stated, *(("rule", m) for m in (_rule_dates(page, rule) if rule else ()))]
    if "published" in page.labels:
        sure += _moments(page, "label", _exact(page, page.labels["published"]))
    weak = chain(_visible_dates(page, main), _listed_dates(page), _url_dates(page))
    chosen: tuple[str, Moment] | None = None
    for kind, moment in chain(sure, weak):
        if first_possible([moment], latest) is None:
            continue
        if chosen is None:
            chosen = kind, moment
            if moment.at:
                return chosen
        elif moment.at and moment.day == chosen[1].day and kind != "url":
            return kind, moment  # the same day, and the time too
        if kind in ("heuristic", "feed", "sitemap", "url"):
            break
    return chosen


def _exact(page: _Page, shown: str) -> str:
    """The machine-readable form of a visible date, where a time element has both; else the date as shown."""
    for element in page.tree.iter("time"):
        stated = element.get("datetime")
        if stated and (text := tidy_line(element.text_content())) and text in shown and len(text) * 2 > len(shown):
            return stated
    return shown


def _visible_dates(page: _Page, main: Piece) -> Iterator[tuple[str, Moment]]:
    """Dates near the headline: time elements and short dated lines, nearest first."""
    yield from (
        ("heuristic", m)
        for line in main.dates
        if (m := parse_moment(line, page.zone, month_first=page.month_first))
    )
    if page.title_element is not None:
        around: HtmlElement | None = page.title_element
        for _ in range(4):
            around = around.getparent() if around is not None else None
            if around is None or around.tag in ("body", "html"):
                break
            for element in around.iter("time", "abbr"):
                if not _is_outside(element, around):
                    for text in (
                        element.get("datetime"),
                        element.get("title"),
                        element.text_content()[:100],
                    ):
                        yield from _moments(page, "heuristic", text or "")
            for element in around.iter(
                "span", "div", "p", "li", "small", "em", "b", "strong", "td", "i", "a"
            ):
                marks = f"{element.get('class') or ''} {element.get('id') or ''}"
                if _DATES.search(marks) and len(element) < 12 and not _is_outside(element, around):
                    text = element.text_content()[:300].strip()
                    if 6 <= len(text) <= 140:
                        yield from _moments(page, "heuristic", text)
    start = _title_place(page)
    for n in (
        *range(start + 1, min(start + 16, len(page.blocks))),
        *range(start - 1, max(-1, start - 7), -1),
    ):
        text = page.blocks[n].text
        if len(text) <= 140 and (len(text.split()) <= 14 or is_date_line(text)):
            yield from (
                ("heuristic", m)
                for m in find_moments(text, page.zone, month_first=page.month_first)[:1]
            )


def _is_outside(element: HtmlElement, within: HtmlElement) -> bool:
    """Whether an element is in a related box, comments or the like below `within`."""
    for ancestor in element.iterancestors():
        if ancestor is within:
            return False
        if bodies.is_aside(ancestor):
            return True
    return False


def _listed_dates(page: _Page) -> Iterator[tuple[str, Moment]]:
    link = page.link
    if link is None:
        return
    kind = "feed" if "feed" in link.routes else "sitemap"
    if link.listed_at:
        yield kind, Moment(link.listed_day or link.listed_at.date(), link.listed_at, "second")
    elif link.listed_day:
        yield kind, Moment(link.listed_day, None, "day")


def _url_dates(page: _Page) -> Iterator[tuple[str, Moment]]:
    match = _URL_DAY.search(urlsplit(page.link.url if page.link else page.url).path)
    if match:
        try:
            yield "url", Moment(date(int(match[1]), int(match[3] or match[5]), int(match[4] or match[6])), None, "day")
        except ValueError:
            return  # 2023/02/31: an id that looks like a date


def _modified(page: _Page) -> tuple[str, Moment] | None:
    latest = page.captured_at + _CLOCK_SLACK
    said = page.said
    candidates = chain(
        (("jsonld", t) for t in as_texts(said.article.get("dateModified"))[:1]),
        (("meta", t) for name in _MODIFIED for t in said.meta.get(name, ())[:1]),
        (("microdata", t) for t in said.micro.get("datemodified", ())[:1]),
        (("label", _exact(page, t)) for t in [page.labels.get("modified")] if t),
    )
    for kind, text in candidates:
        for _, moment in _moments(page, kind, text):
            if moment.at and first_possible([moment], latest):
                return kind, moment
    return None


# ---------------------------------------------------------------------- the other fields


def _found(
    page: _Page,
    rule: Rule | None,
    stated: list[tuple[str, Moment]],
    main: Piece,
    pointers: list[str],
) -> Found:
    said, evidence = page.said, page.evidence
    text = "\n\n".join(main.paragraphs)
    published = _published(page, rule, stated, main)
    moment = published[1] if published else None
    if published:
        evidence["published_day"] = published[0]
        if published[1].at:
            evidence["published_at"] = published[0]
    modified = _modified(page)
    if modified:
        evidence["modified_at"] = modified[0]
    authors, agencies = _authors(page, rule)
    raw, keywords = _keywords(page, rule)
    section = _take(page, "section", _section(page, rule))
    summary = _take(page, "summary", _summary(page))
    related = _related(page, [*main.related, *pointers])
    return Found(
        title=page.title,
        text=text,
        canonical_url=_canonical(page),
        authors=authors,
        published_at=moment.at if moment else None,
        published_day=moment.day if moment else None,
        published_precision=moment.precision if moment else None,
        modified_at=modified[1].at if modified else None,
        summary=summary,
        keywords_raw=raw,
        keywords=keywords,
        section=section,
        language=_language(page, text),
        image_url=_image(page),
        origin=_origin(page, rule, main, agencies),
        related=related,
        evidence=evidence,
    )


def _take(page: _Page, name: str, candidates: Iterable[tuple[str, str]]) -> str | None:
    """Return the first candidate that is not empty, and note its evidence."""
    for kind, value in candidates:
        if value:
            page.evidence[name] = kind
            return value
    return None


def _select(tree: HtmlElement, selector: str) -> list[HtmlElement]:
    return [e for e in CSSSelector(selector, translator="html")(tree) if isinstance(e, HtmlElement)]


def _rule_texts(page: _Page, selector: str | None) -> list[str]:
    if not selector:
        return []
    texts = (
        tidy_line(repair(e.get("content") or e.text_content()[:2000]))
        for e in _select(page.tree, selector)
    )
    return [t for t in texts if t]


def _authors(page: _Page, rule: Rule | None) -> tuple[list[str], list[str]]:
    """Persons, and agencies that stand where persons should, from the first evidence that names anybody."""
    said = page.said

    def candidates() -> Iterator[tuple[str, list[str]]]:
        yield "jsonld", _people(said.article.get("author")) or _people(said.article.get("creator"))
        for name in _AUTHOR:
            contents = said.meta.get(name, [])
            yield "meta", [n for c in contents for n in split_names(c)]
        yield "microdata", [n for c in said.micro.get("author", ()) for n in split_names(c)]
        yield (
            "rule",
            [n for t in _rule_texts(page, rule.authors if rule else None) for n in split_names(t)],
        )
        yield "label", split_names(page.labels.get("author", ""))
        yield "heuristic", _byline(page)

    agencies: list[str] = []
    for kind, names in candidates():
        persons, others = sort_names(names, page.sites)
        agencies += [o for o in others if o not in agencies]
        if persons:
            page.evidence["authors"] = kind
            return persons[:20], agencies
    return [], agencies


def _people(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    names = []
    for entry in entries[:20]:
        for text in as_texts(entry):
            if (
                isinstance(entry, dict)
                and entry.get("@type") in ("Person", ["Person"])
                and len(text) < 60
            ):
                names += (
                    [n for n in [clean_name(text)] if n]
                    if "," in text and len(text.split()) < 4
                    else split_names(text)
                )
            else:
                names += split_names(text)
    return names


def _byline(page: _Page) -> list[str]:
    """Names in elements that are marked as bylines, near the headline."""
    around = page.title_element
    for _ in range(4):
        around = around.getparent() if around is not None else None
        if around is None or around.tag in ("body", "html"):
            return []
        for element in around.iter(
            "a", "span", "div", "p", "address", "li", "h4", "h5", "h6", "strong", "cite"
        ):
            marked = (
                "author" in (element.get("rel") or "").lower()
                or "author" in (element.get("itemprop") or "").lower()
            )
            if (
                marked or _BYLINES.search(f"{element.get('class') or ''} {element.get('id') or ''}")
            ) and not _is_outside(element, around):
                text = tidy_line(element.text_content()[:300])
                if 3 <= len(text) <= 100 and not any(c.isdigit() for c in text):
                    names = split_names(text)
                    if names and all(len(n.split()) <= 5 for n in names):
                        return names
    return []


def _keywords(page: _Page, rule: Rule | None) -> tuple[str | None, list[str]]:
    said = page.said

    def candidates() -> Iterator[tuple[str, list[str]]]:
        yield "jsonld", _own_words(said.article.get("keywords"))
        for name in _KEYWORDS:
            contents = said.meta.get(name, [])
            yield "meta", contents if name in _LISTS else contents[:1]
        yield "microdata", said.micro.get("keywords", [])
        yield "rule", _rule_texts(page, rule.keywords if rule else None)
        yield "label", [page.labels["keywords"]] if "keywords" in page.labels else []
        yield (
            "heuristic",
            [
                t
                for e in page.tree.iterfind(".//a[@rel='tag']")
                if not _is_beside(e) and 1 < len(t := tidy_line(repair(e.text_content()))) < 60
            ][:30],
        )

    for kind, entries in candidates():
        entries = [e for e in entries if e]
        if not entries:
            continue
        page.evidence["keywords"] = kind
        if len(entries) == 1:
            return entries[0], split_keywords(entries[0])
        return ", ".join(entries), list(dict.fromkeys(e.strip() for e in entries))
    return None, []


def _own_words(value: Any) -> list[str]:
    """Keywords of JSON-LD; names that some sites put before them (`Tag:`, `type:`) are none of ours to cut."""
    return as_texts(value)[:60]


def _section(page: _Page, rule: Rule | None) -> Iterator[tuple[str, str]]:
    said = page.said
    yield from (("jsonld", t) for t in as_texts(said.article.get("articleSection"))[:1])
    yield from (("meta", said.first(name) or "") for name in _SECTION)
    yield from (("microdata", t) for t in said.micro.get("articlesection", ())[:1])
    yield from (("rule", t) for t in _rule_texts(page, rule.section if rule else None)[:1])
    yield "label", page.labels.get("section", "")


def _summary(page: _Page) -> Iterator[tuple[str, str]]:
    yield from (("jsonld", t) for t in as_texts(page.said.article.get("description"))[:1])
    yield from (("meta", page.said.first(name) or "") for name in _SUMMARY)
    yield from (("microdata", t) for t in page.said.micro.get("description", ())[:1])


def _language(page: _Page, text: str) -> str | None:
    said = page.said
    stated = code_of(said.language) or next(
        (c for t in as_texts(said.article.get("inLanguage")) if (c := code_of(t))), None
    )
    hint = stated or (page.source.language if page.source else None)
    language = language_of(text, hint)
    if language:
        page.evidence["language"] = "meta" if stated == language else "heuristic"
    return language


def _image(page: _Page) -> str | None:
    said = page.said
    candidates = chain(
        (("jsonld", a) for a in _addresses(said.article.get("image"))),
        (("meta", a) for name in _IMAGE for a in said.meta.get(name, ())[:1]),
        (("microdata", a) for a in said.micro.get("image", ())[:1]),
        (("meta", a) for a in [said.links.get("image_src")] if a),
    )
    return _take(
        page, "image_url", ((kind, clean_url(a, page.url) or "") for kind, a in candidates)
    )


def _addresses(value: Any) -> Iterator[str]:
    for one in (value if isinstance(value, list) else [value])[:20]:
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            for key in ("url", "contentUrl", "@id"):
                if isinstance(one.get(key), str):
                    yield one[key]
                    break


def _related(page: _Page, pointed: list[str]) -> list[str]:
    """Addresses of related articles as machines are told, else what visible boxes and lines point to."""
    stated = page.said.article.get("relatedLink") or page.said.related_links
    for kind, addresses in (
        ("jsonld", list(_addresses(stated))),
        ("meta", page.said.meta.get("og:see_also", [])),
    ):
        cleaned = [c for a in addresses if (c := clean_url(a, page.url)) and c != clean_url(page.url)]
        if cleaned:
            page.evidence["related"] = kind
            return list(dict.fromkeys(cleaned))[:20]
    if pointed:
        page.evidence["related"] = "label"
    return list(dict.fromkeys(pointed))


def _origin(page: _Page, rule: Rule | None, main: Piece, agencies: list[str]) -> str | None:
    said = page.said

    def candidates() -> Iterator[tuple[str, str]]:
        for key in ("sourceOrganization", "isBasedOn", "isBasedOnUrl"):
            yield from (("jsonld", t) for t in as_texts(said.article.get(key))[:1])
        yield from (
            ("jsonld", t) for t in as_texts(said.article.get("creator"))[:1] if is_agency(t)
        )
        yield from (
            ("meta", said.first(name) or "")
            for name in ("syndication-source-name", "dc.source", "news_source", "article:source")
        )
        yield from (("rule", t) for t in _rule_texts(page, rule.origin if rule else None)[:1])
        yield "label", page.labels.get("origin", "")
        yield from (("label", a) for a in agencies[:1])
        yield "heuristic", dateline_origin(main.paragraphs) or ""

    return _take(
        page,
        "origin",
        ((kind, v) for kind, v in candidates() if v and len(v) <= 120 and not v.startswith("http")),
    )


def _canonical(page: _Page) -> str | None:
    said = page.said
    candidates = (
        ("meta", said.links.get("canonical")),
        ("meta", said.first("og:url")),
        ("jsonld", address_of(said.article.get("mainEntityOfPage"))),
        ("jsonld", address_of(said.article.get("url"))),
    )
    for kind, address in candidates:
        cleaned = clean_url(address, page.url) if address else None
        if cleaned and _names_this_article(cleaned, page.url):
            page.evidence["canonical_url"] = kind
            return cleaned
    return None


def _names_this_article(canonical: str, url: str) -> bool:
    """Whether an address could be this article's own: the same host but for its variants, and no page above it."""
    there, here = urlsplit(canonical), urlsplit(url)
    if _VARIANT.sub("", there.hostname or "") != _VARIANT.sub("", here.hostname or ""):
        return False
    if there.port != here.port and (there.port or here.port) not in (80, 443):
        return False
    own = [s for s in here.path.split("/") if s]
    stated = [s for s in there.path.split("/") if s]
    if not stated:
        return bool(there.query) and there.query == here.query
    if len(stated) < len(own) and own[: len(stated)] == stated:
        return all(s.lower() in _SAME_PAGE for s in own[len(stated) :])
    return True


# ---------------------------------------------------------------------- embedded articles


def _embedded(box: list[Line]) -> list[Piece]:
    """The articles of a related box: its first heading is a headline, and so are others that stand over paragraphs."""
    start = next((n for n, line in enumerate(box) if line.heading), 0)
    pieces = separate(
        [Line("\x00"), Line("إقرأ أيضاً:"), *box[start:]], title="\x00", cautious=False
    )
    return pieces[1:]


def _embedded_found(page: _Page, piece: Piece, part: int) -> Found:
    evidence = {"title": "heuristic", "text": "heuristic"}
    latest = page.captured_at + _CLOCK_SLACK
    moment = None
    for value in [piece.labels.get("published"), *piece.dates]:
        moment = (
            first_possible([parse_moment(value, page.zone, month_first=page.month_first)], latest)
            if value
            else None
        )
        if moment:
            evidence["published_day"] = "label"
            if moment.at:
                evidence["published_at"] = "label"
            break
    text = "\n\n".join(piece.paragraphs)
    persons, agencies = sort_names(split_names(piece.labels.get("author", "")), page.sites)
    origin = piece.labels.get("origin") or (agencies[0] if agencies else None)
    if origin:
        evidence["origin"] = "label"
    else:
        origin = dateline_origin(piece.paragraphs)
        if origin:
            evidence["origin"] = "heuristic"
    raw = piece.labels.get("keywords")
    for name, value in (
        ("authors", persons),
        ("keywords", raw),
        ("section", piece.labels.get("section")),
        ("related", piece.related),
    ):
        if value:
            evidence[name] = "label"
    language = language_of(
        text, code_of(page.said.language) or (page.source.language if page.source else None)
    )
    if language:
        evidence["language"] = "heuristic"
    return Found(
        title=without_site_name(piece.title or "", page.sites),
        text=text,
        authors=persons,
        published_at=moment.at if moment else None,
        published_day=moment.day if moment else None,
        published_precision=moment.precision if moment else None,
        keywords_raw=raw,
        keywords=split_keywords(raw) if raw else [],
        section=piece.labels.get("section"),
        language=language,
        origin=origin,
        related=piece.related,
        evidence=evidence,
        part=part,
    )
