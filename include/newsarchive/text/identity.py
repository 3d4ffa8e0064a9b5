"""Who is who: cleaned URLs, and ids that are functions of content alone."""

import hashlib
import re
from urllib.parse import unquote_plus, urlsplit

import ada_url

# Parameters that only say how a reader came here. A list, not a pattern: `source`, `id` or `cid`
# name the article on many sites. Collected from the documentation of the services that add them.
_TRACKERS = frozenset(
    (
        "fbclid",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "yclid",
        "ysclid",
        "twclid",
        "ttclid",
        "igshid",
        "igsh",
        "li_fat_id",
        "mc_cid",
        "mc_eid",
        "mkt_tok",
        "_ga",
        "_gl",
        "_hsenc",
        "_hsmi",
        "hsctatracking",
        "oly_anon_id",
        "oly_enc_id",
        "vero_conv",
        "vero_id",
        "wickedid",
        "xtor",
        "ref_src",
        "ref_url",
        "cmpid",
        "cmp",
        "ns_source",
        "ns_mchannel",
        "ns_campaign",
        "ns_linkname",
        "ns_fee",
        "guccounter",
        "guce_referrer",
        "guce_referrer_sig",
        "__twitter_impression",
        "spm",
        "smid",
        "smtyp",
        "ftag",
        "taid",
        "wt_mc",
        "wt.mc_id",
        "ocid",
        "rss_id",
        "s_cid",
        "echobox",
    )
)
_TRACKER_PREFIXES = ("utm_", "at_", "pk_", "mtm_", "matomo_", "piwik_", "hsa_", "itm_")
_ESCAPES = re.compile(r"(?:%[0-9a-fA-F]{2})+")


def clean_url(url: str, base: str | None = None) -> str | None:
    """Return `url` as browsers read it, without fragment and trackers; None if no web address.

    Host in lower case and ASCII (IDNA), default port and dot segments gone, percent escapes in
    upper case; path and the order of the remaining parameters stay, as servers may tell them apart.

    Args:
        url: as a listing or a page wrote it; white space around it is ignored.
        base: address of the listing or page, for relative URLs.
    """
    try:
        parsed = ada_url.URL(url.strip(), base=base) if base else ada_url.URL(url.strip())
    except ValueError:
        return None
    if parsed.protocol not in ("http:", "https:") or not parsed.hostname:
        return None
    if "?" in parsed.href:  # also one with nothing behind it
        kept = [p for p in parsed.search[1:].split("&") if p and not _is_tracker(p)]
        parsed.search = "?" + "&".join(kept) if kept else ""
    parsed.username = parsed.password = ""
    href = str(parsed.href).partition("#")[0]
    return _ESCAPES.sub(lambda m: m.group().upper(), href)


def host_of(url: str) -> str:
    """Return scheme, name and port of a URL, as `https://example.com` or `http://127.0.0.1:8090`."""
    return str(ada_url.URL(url).origin)


def link_id(source: str, url: str) -> str:
    """Return the id of a cleaned URL at a source."""
    return _id("link", source, url)


def article_id(source: str, canonical_url: str, part: int = 0) -> str:
    """Return the id of an article: of its source, its canonical URL and its number in the page."""
    return _id("article", source, canonical_url, str(part))


def imported_article_id(source: str, payload_sha256: str, part: int = 0) -> str:
    """Return the id of an article that came as a document without URL: of its bytes."""
    return _id("import", source, payload_sha256, str(part))


def version_id(article: str, payload_sha256: str) -> str:
    """Return the id of one state of an article: of the article and the bytes it was parsed from."""
    return _id("version", article, payload_sha256)


def capture_id(*what: object) -> str:
    """Return the id of a capture: of what was asked, which try it was, and what came."""
    return _id("capture", *(str(w) for w in what))


def _id(*parts: str) -> str:
    # 96 bits: among ten billion ids the chance of one collision is below one in a billion.
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def _is_tracker(pair: str) -> bool:
    name = unquote_plus(pair.partition("=")[0]).lower()
    return name in _TRACKERS or name.startswith(_TRACKER_PREFIXES)


def is_home(url: str) -> bool:
    """Say whether an address is that of a site's home page."""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query
