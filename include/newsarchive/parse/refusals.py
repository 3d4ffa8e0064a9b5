"""Why a page yields no article."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from newsarchive.model import Refused
from newsarchive.parse.borders import Piece
from newsarchive.parse.evidence import Heading, Page
from newsarchive.text.folding import bare
from newsarchive.text.words import count_words

LEAST_WORDS = 10
"""Words that an article has at least."""
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

_ERROR_PHRASES = (
    r"\b(?:40\d|41\d|50\d)\b.{0,30}(?:error|not found|forbidden|unavailable|denied)",
    r"(?:error|http)\W{0,3}(?:40\d|50\d)\b",
    r"^\W*(?:404|403|410|500|502|503)\W*$",
    r"page (?:not|could not be|cannot be|can't be|wasn't) found|not found\W*$",
    r"page (?:does not|doesn't|no longer) exist|access denied|forbidden|just a moment",
    r"attention required|are you a robot|service unavailable|bad gateway|internal server error",
    r"checking your browser|something went wrong|security check|site maintenance",
    r"under maintenance|account suspended|pardon our interruption",
    r"الصفحه (?:المطلوبه )?(?:غير موجوده|لا توجد)|لم يتم العثور|الصفحه التي تبحث عنها",
    r"غير متوفره|خطا 404|خطا في|صفحه الخطا|صفحه پیدا نشد",
    r"page introuvable|página no encontrada|seite (?:wurde )?nicht gefunden",
    r"sayfa bulunamadi|страница не найдена|pagina niet gevonden",
    r"página não encontrada|pagina non trovata",
)

_ERROR = re.compile("|".join(_ERROR_PHRASES), re.I)


def refuse_bytes(body: bytes, content_type: str | None) -> Refused | None:
    """Return why bytes are no page at all: none, binary, of another type; else None."""
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


def refuse_text(text: str, content_type: str | None) -> Refused | None:
    """Return why a decoded page is no HTML: a feed, JSON, plain text; None where it is."""
    head = text[:4000]
    if _FEED.match(head):
        return Refused("not_html", "a feed, sitemap or drawing")
    if not _TAG.search(text[:100_000]):
        kind = "JSON" if head.lstrip()[:1] in ("{", "[") else "text without markup"
        return Refused("not_html", f"{kind} ({content_type or 'no content type'})")
    if head.lstrip()[:1] in ("{", "[") and (content_type or "").lower().find("json") >= 0:
        return Refused("not_html", content_type)
    return None


def is_error(page: Page, headings: Sequence[Heading]) -> bool:
    """Say whether a page is an error message that was served as a page."""
    shown = [page.said.page_title or "", *(h.text for h in headings if h.level == 1)]
    if not any(_ERROR.search(_as_message(text)) for text in shown if len(text) < 120):
        return False
    return sum(
        count_words(p.text_content()) for p in page.tree.iter("p")
    ) < 150 and not page.said.article.get("datePublished")


def _as_message(text: str) -> str:
    """A text as error messages are looked for: Arabic letters alike, the rest as it stands."""
    return text.replace("ة", "ه").replace("أ", "ا").replace("إ", "ا").strip().lower()


def refuse_article(page: Page, main: Piece, headings: Sequence[Heading]) -> Refused | None:
    """Return why what was found on a page is no article; None where it is one.

    Args:
        page: with its title.
        main: its text.
        headings: all of the page's.
    """
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
    if main.words < LEAST_WORDS:
        return Refused("too_short", f"{main.words} words")
    return None


def _is_listing(page: Page, main: Piece, headings: Sequence[Heading], path: str) -> bool:
    linked = sum(
        1
        for h in headings
        if h.element.find(".//a[@href]") is not None
        or (h.element.getparent() is not None and h.element.getparent().tag == "a")
    )
    longest = max(map(count_words, main.paragraphs), default=0)
    collection = {"collectionpage", "searchresultspage"} & set(page.said.types)
    if not path and not urlsplit(page.url).query:
        return linked >= 3 or main.words < 150
    if linked >= 8 and (main.words < 50 or (longest < 15 and _is_mostly_links(page, main))):
        return True
    return bool(collection) and linked >= 4 and longest < 40 and main.words < 150


def _is_mostly_links(page: Page, main: Piece) -> bool:
    linked = {bare(a.text_content()) for a in page.tree.iter("a")}
    return 2 * sum(bare(p) in linked for p in main.paragraphs) > len(main.paragraphs)
