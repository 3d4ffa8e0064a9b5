"""Why a page yields no article."""

import re
from collections.abc import Sequence

from newsarchive.model import Refused
from newsarchive.parse.borders import Piece
from newsarchive.parse.evidence import Heading, Page
from newsarchive.text.folding import bare
from newsarchive.text.identity import clean_url, is_home
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

_NOT_FOUND_PHRASES = (
    r"\b(?:404|410)\b.{0,30}(?:error|not found)",
    r"(?:error|http)\W{0,3}(?:404|410)\b",
    r"^\W*(?:404|410)\W*$",
    r"page (?:not|could not be|cannot be|can't be|wasn't) found|not found\W*$",
    r"page (?:does not|doesn't|no longer) exist",
    r"الصفحه (?:المطلوبه )?(?:غير موجوده|لا توجد)|لم يتم العثور|الصفحه التي تبحث عنها",
    r"غير متوفره|خطا 404|صفحه پیدا نشد",
    r"page introuvable|página no encontrada|seite (?:wurde )?nicht gefunden",
    r"sayfa bulunamadi|страница не найдена|pagina niet gevonden",
    r"página não encontrada|pagina non trovata",
)
_ERROR_PHRASES = (
    r"\b(?:40\d|41\d|50\d)\b.{0,30}(?:error|not found|forbidden|unavailable|denied)",
    r"(?:error|http)\W{0,3}(?:40\d|50\d)\b",
    r"^\W*(?:403|500|502|503)\W*$",
    r"access denied|forbidden|just a moment",
    r"attention required|are you a robot|service unavailable|bad gateway|internal server error",
    r"checking your browser|something went wrong|security check|site maintenance",
    r"under maintenance|account suspended|pardon our interruption",
    r"خطا في|صفحه الخطا",
)
_ARABIC = str.maketrans({**dict.fromkeys("أإآ", "ا"), "ة": "ه", "ى": "ي"})
_NOT_FOUND = re.compile("|".join(_NOT_FOUND_PHRASES), re.I)
_ERROR = re.compile("|".join(_ERROR_PHRASES), re.I)

FEW_OF_PAID = 60
"""Words of the beginning that those who do not pay are shown, at most."""
_LOCKED = frozenset(("locked", "premium", "paid", "subscriber", "subscribers"))
# Said to the reader in a line of its own; of an article about subscriptions the lines are longer.
_PAY = re.compile(
    r"(?:subscribe|sign up|log ?in|register|become a (?:member|subscriber)).{0,20} to"
    r" (?:(?:continue|keep) reading|read (?:this|the (?:full|rest|whole))|unlock)"
    r"|(?:for|to) subscribers only|subscriber[- ]only"
    r"|this (?:article|content|story) is (?:only )?(?:reserved |available )?(?:only )?(?:for|to)"
    r" (?:our )?(?:subscribers|members)"
    r"|اشترك(?:وا)? (?:الان )?(?:ل(?:قراءه|متابعه|مواصله|تتمكن)|للاطلاع)|للمشتركين فقط"
    r"|(?:المحتوي|المقال|محتوي) (?:مخصص |متاح |حصري )?للمشتركين"
    r"|réservée? (?:aux|à nos) abonnés|abonnez-vous pour (?:lire|continuer)"
    r"|nur für abonnenten|jetzt abonnieren und weiterlesen"
    r"|suscríbete para (?:seguir|continuar) leyendo|solo para suscriptores"
    r"|exclusivo para assinantes|assine para (?:ler|continuar)|riservato agli abbonati"
    r"|доступен (?:только )?подписчикам|sadece aboneler",
    re.I,
)

_FEW_OF_LISTS = 150
"""Below so many words of text a page with many linked headings is a list of articles."""
_ENOUGH_WORDS = 60
"""Words from which on a text's language is certain enough to reject it."""


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


def refuse_message(page: Page, headings: Sequence[Heading]) -> Refused | None:
    """Return why a page is no article that is a message which was served as a page; else None."""
    titles = [page.said.page_title or "", *(h.text for h in headings if h.level == 1)]
    shown = [_as_message(text) for text in titles if len(text) < 120]
    missing = any(map(_NOT_FOUND.search, shown))
    if not missing and not any(map(_ERROR.search, shown)):
        return None
    words = sum(count_words(p.text_content()) for p in page.tree.iter("p"))
    if words >= 150 or page.said.article.get("datePublished"):
        return None
    message = page.said.page_title or (headings[0].text if headings else None)
    return Refused("soft_404" if missing else "error_page", message)


def _as_message(text: str) -> str:
    """A text as error messages are looked for: Arabic letters alike, the rest as it stands."""
    return text.translate(_ARABIC).strip().lower()


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
    if not article:
        linked = sum(map(_is_linked, headings))
        if _is_home_page(page, main, linked):
            return Refused("home_page", _counted(headings, main))
        if _is_listing(page, main, linked):
            return Refused("listing", _counted(headings, main))
    if not page.title:
        return Refused("no_title", "neither headline nor title")
    if not main.paragraphs:
        return Refused("no_text", "no text below the headline")
    if not main.has_words(LEAST_WORDS):
        return Refused("too_short", f"{main.words} words")
    if not main.has_words(FEW_OF_PAID) and (why := _paid_for(page)):
        return Refused("paywall", f"{main.words} words, {why}")
    return None


def refuse_language(page: Page, main: Piece, language: str | None) -> Refused | None:
    """Return why an article is none that its source is read for; None where it is.

    Only a source that declares `languages` is so narrow, and only a text that is long enough to
    tell is refused.

    Args:
        page: whose page.
        main: its text.
        language: of the text, ISO 639-1.
    """
    wanted = page.source.languages if page.source else []
    if not wanted or language is None or language in wanted or not main.has_words(_ENOUGH_WORDS):
        return None
    return Refused("wrong_language", f"{language}, not {', '.join(wanted)}")


def _paid_for(page: Page) -> str | None:
    """Return in words what says that a page shows its article's beginning alone; else None."""
    free = page.said.article.get("isAccessibleForFree")
    if str(free).lower() == "false":
        return "not accessible for free"
    if (page.said.first("article:content_tier") or "").lower() in _LOCKED:
        return "its content tier is locked"
    for line in page.blocks:
        if len(line.text) < 200 and _PAY.search(_as_message(line.text)):
            return line.text
    return None


def _counted(headings: Sequence[Heading], main: Piece) -> str:
    return f"{len(headings)} headings, {main.words} words of text"


def _is_linked(heading: Heading) -> bool:
    above = heading.element.getparent()
    inside = heading.element.find(".//a[@href]")
    return inside is not None or (above is not None and above.tag == "a")


def _is_home_page(page: Page, main: Piece, linked: int) -> bool:
    """Say whether a page is a site's home page, by its own address or by what it says of itself."""
    if is_home(page.url):
        return linked >= 3 or not main.has_words(_FEW_OF_LISTS)
    stated = page.said.links.get("canonical") or page.said.first("og:url")
    own = clean_url(stated, page.base) if stated else None
    return bool(own and is_home(own)) and linked >= 8 and not main.has_words(_FEW_OF_LISTS)


def _is_listing(page: Page, main: Piece, linked: int) -> bool:
    if linked < 4:
        return False
    longest = max(map(count_words, main.paragraphs), default=0)
    collection = {"collectionpage", "searchresultspage"} & set(page.said.types)
    if linked >= 8 and (not main.has_words(50) or (longest < 15 and _is_mostly_links(page, main))):
        return True
    return bool(collection) and longest < 40 and not main.has_words(_FEW_OF_LISTS)


def _is_mostly_links(page: Page, main: Piece) -> bool:
    linked = {bare(a.text_content()) for a in page.tree.iter("a")}
    return 2 * sum(bare(p) in linked for p in main.paragraphs) > len(main.paragraphs)
