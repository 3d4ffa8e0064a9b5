"""What a page says of itself for machines: JSON-LD, meta elements, microdata, links."""

import html as html_text
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml.html import HtmlElement

from newsarchive.parse.elements import Elements
from newsarchive.text.folding import bare
from newsarchive.text.identity import clean_url
from newsarchive.text.repair import repair, tidy_line

_ARTICLE_TYPES_WORDS = """
    newsarticle article reportagenewsarticle blogposting liveblogposting analysisnewsarticle
    opinionnewsarticle backgroundnewsarticle reviewnewsarticle advertisercontentarticle
    socialmediaposting report scholarlyarticle techarticle satiricalarticle
    askpublicnewsarticle medicalscholarlyarticle
"""
_ARTICLE_TYPES = frozenset(_ARTICLE_TYPES_WORDS.split())
_SITE_TYPES_WORDS = """
    website organization newsmediaorganization corporation localbusiness onlinebusiness
"""
_SITE_TYPES = frozenset(_SITE_TYPES_WORDS.split())
_DEEP = 40
"""Levels of JSON that are looked into; deeper is no page's honest metadata."""
_MANY_NODES = 20_000
_PROPERTIES_WORDS = """
    headline name datepublished datecreated datemodified author creator articlebody
    description articlesection keywords image publisher inlanguage sourceorganization
    mainentityofpage url
"""
_PROPERTIES = frozenset(_PROPERTIES_WORDS.split())


@dataclass(slots=True)
class Structured:
    """The page's own statements, by kind; texts are repaired, single lines but for bodies."""

    article: dict[str, Any] = field(default_factory=dict)
    """The JSON-LD object of the article, references resolved; empty where there is none."""
    meta: dict[str, list[str]] = field(default_factory=dict)
    """Contents of meta elements by name, property or itemprop in lower case, in page order."""
    micro: dict[str, list[str]] = field(default_factory=dict)
    """Microdata of the article by property in lower case."""
    links: dict[str, str] = field(default_factory=dict)
    """First `link` address by relation, as written."""
    page_title: str | None = None
    language: str | None = None
    """Language tag of the html element, as written."""
    site_names: list[str] = field(default_factory=list)
    related_links: list[Any] = field(default_factory=list)
    """`relatedLink` values of the page's own JSON-LD object."""
    types: list[str] = field(default_factory=list)
    """Types of all JSON-LD objects, lower case."""

    def first(self, *names: str) -> str | None:
        """Return the first content of the first of these meta elements that is not empty."""
        for name in names:
            for content in self.meta.get(name, ()):
                if content:
                    return content
        return None


def read_structured(tree: HtmlElement, elements: Elements, url: str) -> Structured:
    """Read what a page says of itself.

    Args:
        tree: the page, its scripts still in it.
        elements: those of it that state and mark.
        url: its address, by which its own JSON-LD object is told from those of other articles.
    """
    found = Structured()
    scripts: list[str] = []
    head_title = None
    for element in elements.stating:
        tag = element.tag
        if tag == "meta":
            content = element.get("content") or ""
            if content.startswith("{") and '"@type"' in content:  # frameworks misled to write it so
                scripts.append(content)
            else:
                _read_meta(element, found.meta)
        elif tag == "link":
            target = element.get("href")
            if target:
                for rel in (element.get("rel") or "").lower().split():
                    found.links.setdefault(rel, target.strip())
        elif tag == "title":
            if (
                head_title is None
                and element.getparent() is not None
                and element.getparent().tag in ("head", "html", "body")
            ):
                head_title = _line(element.text_content())
        elif tag == "script" and "ld+json" in (element.get("type") or "").lower() and element.text:
            scripts.append(element.text)
    found.page_title = head_title or None
    root = tree.getroottree().getroot()
    found.language = (
        root.get("lang")
        or root.get("xml:lang")
        or found.first("og:locale", "content-language", "language")
    )
    nodes = [node for script in scripts for node in _nodes(read_json(script))]
    found.types = [t for node in nodes for t in _types(node)]
    by_id: dict[str, dict[str, Any]] = {}
    for node in nodes:
        name = node.get("@id")
        if isinstance(name, str) and len(node) > len(by_id.get(name, {"@id": name})):
            by_id[name] = node
    found.article = _own_article(
        nodes, by_id, url, [head_title or "", found.first("og:title") or ""]
    )
    page = found.article.get("mainEntityOfPage")
    stated = page.get("relatedLink") if isinstance(page, dict) else None
    found.related_links = stated if isinstance(stated, list) else [stated] if stated else []
    found.micro = _microdata(elements.marked)
    found.site_names = _site_names(found, nodes, by_id, url)
    return found


def read_json(text: str) -> Any:
    """Return the value of a JSON-LD script, with simple faults mended; None when it cannot be read.

    Mended are comments and CDATA marks around it, trailing commas, control characters, escaped
    quotes, a value that ends
    too early or is followed by something else.
    """
    text = text.strip()
    if not (text.startswith(("{", "[")) and text.endswith(("}", "]"))):
        text = _WRAPPING.sub("", text).strip().lstrip("\ufeff").rstrip(";").strip()
    for attempt in (lambda t: t, _mended, lambda t: _mended(html_text.unescape(t))):
        try:
            candidate = attempt(text)
            return json.loads(candidate, strict=False)
        except RecursionError:
            return None
        except ValueError:
            continue
    try:
        return json.JSONDecoder(strict=False).raw_decode(_mended(text))[0]
    except (ValueError, RecursionError):
        return _closed(_mended(text))


_WRAPPING = re.compile(
    r"^\s*(?:<!--|(?://|/\*)?\s*<!\[CDATA\[\s*(?:\*/)?|\s)+|(?:-->|(?://|/\*)?\s*\]\]>\s*(?:\*/)?|\s)+$"
)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_MISSING_COMMA = re.compile(r'(["}\]])(\s*\n\s*)"(?=[@\w]+"\s*:)')
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')
_CONTROL = re.compile(r"[\x00-\x1f]+")
_LINE_COMMENT = re.compile(r"(?m)^\s*//.*$|/\*.*?\*/", re.S)


def _mended(text: str) -> str:
    text = _LINE_COMMENT.sub("", text) if "//" in text[:200] or "/*" in text else text
    text = _MISSING_COMMA.sub(r"\1,\2" + '"', text)
    text = _CONTROL.sub(" ", text)
    text = _BAD_ESCAPE.sub(r"\\\\", text)
    while True:
        shorter = _TRAILING_COMMA.sub(r"\1", text)
        if shorter == text:
            return text
        text = shorter


def _closed(text: str) -> Any:
    """Close what a cut-off object left open: its whole members are worth having."""
    if not text.startswith(("{", "[")):
        return None
    for end in range(len(text), max(0, len(text) - 4000), -1):
        if text[end - 1] not in ',"}]0123456789':
            continue
        stack: list[str] = []
        inside = escaped = False
        head = text[: end - 1] if text[end - 1] == "," else text[:end]
        for char in head:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = not inside
            elif not inside and char in "{[":
                stack.append("}" if char == "{" else "]")
            elif not inside and char in "}]" and stack:
                stack.pop()
        if inside:
            continue
        try:
            return json.loads(head + "".join(reversed(stack)), strict=False)
        except (ValueError, RecursionError):
            if text[end - 1] == ",":
                return None
    return None


def as_texts(value: Any) -> list[str]:
    """Return the texts of a JSON-LD value: strings, names of objects, lists of both; one line each.

    Args:
        value: anything that JSON holds.
    """
    return list(_texts(value, 0))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(value, str):
        text = _line(value)
        if text:
            yield text
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, list):
        for one in value[:200]:
            yield from _texts(one, depth + 1)
    elif isinstance(value, dict):
        name = next(
            (value[k] for k in ("name", "@value", "headline", "alternateName") if value.get(k)),
            None,
        )
        if isinstance(name, dict) or name is None:
            name = " ".join(
                str(value[k]) for k in ("givenName", "familyName") if isinstance(value.get(k), str)
            )
        yield from _texts(name, depth + 1)


def _line(text: str) -> str:
    if text.isascii() and text.isprintable() and "&" not in text and "<" not in text:
        return " ".join(text.split())
    if "&" in text:
        text = html_text.unescape(html_text.unescape(text))
    if "<" in text:
        text = re.sub(r"<[^<>]{1,200}>", " ", text)
    return tidy_line(repair(text))


def _nodes(data: Any) -> list[dict[str, Any]]:
    """All objects in a JSON-LD value, outer ones first."""
    found = []
    level: list[Any] = [data]
    for _ in range(_DEEP):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                found.append(value)
                below.extend(v for v in value.values() if isinstance(v, dict | list))
            elif isinstance(value, list):
                below.extend(v for v in value if isinstance(v, dict | list))
        if not below or len(found) + len(below) > _MANY_NODES:
            break
        level = below
    return found


def _types(node: dict[str, Any]) -> list[str]:
    kinds = node.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return [k.rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower() for k in kinds if isinstance(k, str)]


def _own_article(
    nodes: list[dict[str, Any]], by_id: dict[str, dict[str, Any]], url: str, titles: list[str]
) -> dict[str, Any]:
    """The object of this page's article: by its address, headline, or fullness."""
    candidates = [n for n in nodes if _ARTICLE_TYPES.intersection(_types(n))]
    if not candidates:
        # Some sites put the article's dates on the page's object.
        pages = [n for n in nodes if "webpage" in _types(n) and n.get("datePublished")]
        return (
            {
                k: v
                for k, v in pages[0].items()
                if k in ("@type", "datePublished", "dateModified", "author")
            }
            if pages
            else {}
        )
    here = clean_url(url)
    shown = [bare(t) for t in titles if t]

    def rank(place: int) -> tuple[int, int]:
        node = candidates[place]
        score = 0
        addresses = [
            *as_texts(node.get("url")),
            *as_texts(_address(node.get("mainEntityOfPage"))),
            *as_texts(node.get("@id")),
        ]
        if here and any(clean_url(a, here) == here for a in addresses):
            score += 4
        headline = bare(" ".join(as_texts(node.get("headline") or node.get("name"))[:1]))
        if len(headline) > 10 and any(
            headline in t or (len(t) > 10 and t in headline) for t in shown
        ):
            score += 4
        score += sum(
            bool(node.get(k))
            for k in ("headline", "datePublished", "author", "articleBody", "mainEntityOfPage")
        )
        return score, -place

    own = candidates[max(range(len(candidates)), key=rank)]
    if len(candidates) > 3 and rank(candidates.index(own))[0] < 4:
        return {}  # a list of other articles
    return {k: _resolved(v, by_id) for k, v in own.items()}


def _resolved(value: Any, by_id: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, dict) and isinstance(value.get("@id"), str) and not value.get("name"):
        return by_id.get(value["@id"], value)
    if isinstance(value, list):
        return [_resolved(v, by_id) if isinstance(v, dict) else v for v in value]
    return value


def _address(value: Any) -> Any:
    return (value.get("@id") or value.get("url")) if isinstance(value, dict) else value


def address_of(value: Any) -> str | None:
    """Return the address in a JSON-LD value: a string, an object's @id or url, a list's first."""
    for one in value if isinstance(value, list) else [value]:
        address = _address(one)
        if isinstance(address, str) and address.strip():
            return address.strip()
    return None


def _read_meta(element: HtmlElement, into: dict[str, list[str]]) -> None:
    content = element.get("content")
    if content is None:
        return
    text = _line(content)
    if not text:
        return
    for key in ("property", "name", "itemprop", "http-equiv"):
        for name in (element.get(key) or "").lower().split():
            into.setdefault(name, []).append(text)


def _microdata(marked: Sequence[HtmlElement]) -> dict[str, list[str]]:
    """Properties of the first article scope that has a date or a body."""
    scopes: dict[Any, dict[str, list[str]]] = {}
    for element in marked:
        names = [n for n in (element.get("itemprop") or "").lower().split() if n in _PROPERTIES]
        if not names:
            continue
        scope = next((a for a in element.iterancestors() if a.get("itemscope") is not None), None)
        if scope is not None and not _ARTICLE_TYPES.intersection(
            (scope.get("itemtype") or "").lower().rstrip("/").rsplit("/", 1)[-1:]
        ):
            continue
        if scope is None and names[0] in (
            "name",
            "url",
            "image",
            "publisher",
            "description",
            "keywords",
        ):
            continue
        value = _micro_value(element, names[0])
        if value:
            values = scopes.setdefault(scope, {})
            for name in names:
                values.setdefault(name, []).append(value)
    for element in marked:  # RDFa, as some systems write dates
        name = (element.get("property") or "").lower().rpartition(":")[2]
        if name in ("datepublished", "datecreated") and element.tag != "meta":
            value = element.get("content") or element.get("datetime")
            if value:
                scopes.setdefault(None, {}).setdefault(name, []).append(_line(value))
    full = [
        s
        for s in scopes.values()
        if s.keys() & {"articlebody", "datepublished"}
        and s.keys() & {"headline", "name", "articlebody"}
    ]
    if full:
        return full[0]
    return next(iter(scopes.values()), {}) if len(scopes) == 1 else {}


def _micro_value(element: HtmlElement, name: str) -> str:
    tag = element.tag
    if element.get("itemscope") is not None:
        inner = element.find('.//*[@itemprop="name"]')
        if inner is not None:
            return _line(inner.get("content") or inner.text_content())
        if name == "image":
            inner = element.find('.//*[@itemprop="url"]')
            return (
                (inner.get("content") or inner.get("src") or inner.get("href") or "").strip()
                if inner is not None
                else ""
            )
    if name == "articlebody":
        return "yes"
    if element.get("content") is not None:
        return _line(element.get("content") or "")
    if tag == "time" and element.get("datetime"):
        return _line(element.get("datetime") or "")
    if tag in ("img", "source", "iframe"):
        return (element.get("src") or "").strip()
    if tag in ("a", "link") and name in ("url", "image", "mainentityofpage"):
        return (element.get("href") or "").strip()
    return _line(element.text_content()[:2000])


def _site_names(
    found: Structured, nodes: list[dict[str, Any]], by_id: dict[str, dict[str, Any]], url: str
) -> list[str]:
    names = list(found.meta.get("og:site_name", ()))
    names += [
        v
        for k in ("application-name", "apple-mobile-web-app-title", "dc.publisher", "twitter:site")
        for v in found.meta.get(k, ())
    ]
    names += as_texts(_resolved(found.article.get("publisher"), by_id))
    for node in nodes:
        if _SITE_TYPES.intersection(_types(node)):
            names += as_texts(node.get("name")) + as_texts(node.get("alternateName"))
    host = re.sub(r"^https?://(?:www\.|m\.|amp\.)?", "", url).split("/", 1)[0].split(":")[0]
    names.append(host)
    parts = host.split(".")
    if len(parts) > 1 and not host.replace(".", "").isdigit():
        own = 3 if len(parts) > 2 and len(parts[-2]) <= 3 else 2
        names += [parts[-own], ".".join(parts[-own:])]
    return list(dict.fromkeys(n.lstrip("@") for n in names if n))
