"""The fields of an article beside its title, text and dates, each from its best evidence."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from newsarchive.parse.agencies import dateline_origin, is_agency
from newsarchive.parse.borders import Piece
from newsarchive.parse.evidence import Page, is_beside, rule_texts
from newsarchive.parse.keywords import split_keywords
from newsarchive.parse.structured import address_of, as_texts
from newsarchive.text.folding import bare, may_begin
from newsarchive.text.identity import clean_url
from newsarchive.text.language import code_of, language_of
from newsarchive.text.repair import repair, tidy_line

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


_VARIANT = re.compile(r"^(?:www\d?|m|mobile|amp|mob|touch)\.")


_SAME_PAGE = frozenset(
    ("amp", "m", "print", "index", "mobile", "amp.html", "index.html", "1", "page")
)


def _take(page: Page, name: str, candidates: Iterable[tuple[str, str]]) -> str | None:
    """Return the first candidate that is not empty, and note its evidence."""
    for kind, value in candidates:
        if value:
            page.evidence[name] = kind
            return value
    return None


def keywords_of(page: Page) -> tuple[str | None, list[str]]:
    """Return the keywords as they stand, and split."""
    said = page.said

    def candidates() -> Iterator[tuple[str, list[str]]]:
        yield "jsonld", _own_words(said.article.get("keywords"))
        for name in _KEYWORDS:
            contents = said.meta.get(name, [])
            yield "meta", contents if name in _LISTS else contents[:1]
        yield "microdata", said.micro.get("keywords", [])
        yield "rule", rule_texts(page, "keywords")
        yield "label", [page.labels["keywords"]] if "keywords" in page.labels else []
        yield (
            "heuristic",
            [
                t
                for e in page.tree.iter("a")
                if e.get("rel") == "tag"
                and not is_beside(e)
                and 1 < len(t := tidy_line(repair(e.text_content()))) < 60
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
    return as_texts(value)[:60]


def section_of(page: Page) -> str | None:
    """Return the section of the publication."""
    return _take(page, "section", _sections(page))


def _sections(page: Page) -> Iterator[tuple[str, str]]:
    said = page.said
    yield from (("jsonld", t) for t in as_texts(said.article.get("articleSection"))[:1])
    yield from (("meta", said.first(name) or "") for name in _SECTION)
    yield from (("microdata", t) for t in said.micro.get("articlesection", ())[:1])
    yield from (("rule", t) for t in rule_texts(page, "section")[:1])
    yield "label", page.labels.get("section", "")


def summary_of(page: Page) -> str | None:
    """Return the description or standfirst that the page gives."""
    return _take(page, "summary", _summaries(page))


def _summaries(page: Page) -> Iterator[tuple[str, str]]:
    yield from (("jsonld", t) for t in as_texts(page.said.article.get("description"))[:1])
    yield from (("meta", page.said.first(name) or "") for name in _SUMMARY)
    yield from (("microdata", t) for t in page.said.micro.get("description", ())[:1])


def language_in(page: Page, text: str) -> str | None:
    """Return the language of the text, with the page's own word as a hint."""
    said = page.said
    stated = code_of(said.language) or next(
        (c for t in as_texts(said.article.get("inLanguage")) if (c := code_of(t))), None
    )
    hint = stated or (page.source.language if page.source else None)
    language = language_of(text, hint)
    if language:
        page.evidence["language"] = "meta" if stated == language else "heuristic"
    return language


def image_of(page: Page) -> str | None:
    """Return the absolute address of the lead image."""
    said = page.said
    candidates = chain(
        (("jsonld", a) for a in _addresses(said.article.get("image"))),
        (("meta", a) for name in _IMAGE for a in said.meta.get(name, ())[:1]),
        (("microdata", a) for a in said.micro.get("image", ())[:1]),
        (("meta", a) for a in [said.links.get("image_src")] if a),
    )
    return _take(
        page, "image_url", ((kind, clean_url(a, page.base) or "") for kind, a in candidates)
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


def related_of(page: Page, pointed: list[str]) -> list[str]:
    """Return related articles as told to machines, else what boxes and lines point to."""
    stated = page.said.article.get("relatedLink") or page.said.related_links
    for kind, addresses in (
        ("jsonld", list(_addresses(stated))),
        ("meta", page.said.meta.get("og:see_also", [])),
    ):
        cleaned = [
            c for a in addresses if (c := clean_url(a, page.base)) and c != clean_url(page.url)
        ]
        if cleaned:
            page.evidence["related"] = kind
            return list(dict.fromkeys(cleaned))[:20]
    if not pointed:
        return []
    page.evidence["related"] = "label"
    wanted = {bare(p) for p in pointed}
    beginnings = {text[:1] for text in wanted}
    longest = 2 * max(map(len, pointed)) + 100
    by_text: dict[str, str] = {}
    for a in page.tree.iter("a"):
        shown = a.text_content().strip()
        if len(shown) > longest or not any(may_begin(shown, b) for b in beginnings):
            continue
        if (text := bare(shown)) not in wanted or text in by_text:
            continue
        address = clean_url(a.get("href") or "", page.base)
        if address:
            by_text[text] = address
    return list(dict.fromkeys(by_text.get(bare(p), p) for p in pointed))


def origin_of(page: Page, main: Piece, agencies: list[str]) -> str | None:
    """Return the agency or publication that the page names as its source."""
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
        yield from (("rule", t) for t in rule_texts(page, "origin")[:1])
        yield "label", page.labels.get("origin", "")
        yield from (("label", a) for a in agencies[:1])
        yield "heuristic", dateline_origin(main.paragraphs) or ""

    return _take(
        page,
        "origin",
        ((kind, v) for kind, v in candidates() if v and len(v) <= 120 and not v.startswith("http")),
    )


def canonical_of(page: Page) -> str | None:
    """Return the cleaned address that the page states as the article's own."""
    said = page.said
    candidates = (
        ("meta", said.links.get("canonical")),
        ("meta", said.first("og:url")),
        ("jsonld", address_of(said.article.get("mainEntityOfPage"))),
        ("jsonld", address_of(said.article.get("url"))),
    )
    for kind, address in candidates:
        cleaned = clean_url(address, page.base) if address else None
        if cleaned and _names_this_article(cleaned, page.url):
            page.evidence["canonical_url"] = kind
            return cleaned
    return None


def _names_this_article(canonical: str, url: str) -> bool:
    """Whether an address could be this article's: same host but for variants, no page above it."""
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
