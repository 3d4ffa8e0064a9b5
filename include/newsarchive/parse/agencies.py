"""News agencies: told from people, and found in datelines."""

import re
from collections.abc import Sequence

from newsarchive.parse.wires import WIRE_NAMES
from newsarchive.text.folding import bare

# Beside those that texts cite: names that are an agency's only where one stands alone, and desks.
_NAMES = """
    وكالة رويترز | رويترز عربي | وكالة فرانس برس | وكالة الصحافة الفرنسية | الأناضول
    وكالة الأناضول | وكالة أنباء الأناضول | وكالة شينخوا | سبوتنيك | وكالة سبوتنيك | تاس
    وكالة تاس | وام | واس | كونا | قنا | بنا | بترا | سانا | وفا | وكالة وفا | معا | واع | واج
    وات | ومع | إرنا | فارس | تسنيم | مهر | الألمانية | وكالات | الوكالات | وكالات الأنباء | كيودو
    the associated press | ap news | xinhua news agency | uni | cp | the canadian press | tt | sda
    mena | agencies | news agencies | wire reports | wire services | news services | cnn newsource
    tribune news service | tns | getty | notimex | telam | agencia brasil | estadão conteúdo
    folhapress | 中新社
""".replace("\n", "|")
_AGENCIES = frozenset(bare(name) for name in (*WIRE_NAMES, *_NAMES.split("|")) if name.strip())
_BY_FORM = re.compile(
    r"^(?:وكاله (?:ال)?\w+.*|وكاله|.*\b(?:press|news) agency|.*\bnews ?wire|.*\bwire service"
    r"|agence de presse .*|agencia de noticias .*|.*\bnachrichtenagentur)$"
)
_BRACKETED = re.compile(r"[(\[（]\s*([^()\[\]（）\d]{2,40}?)\s*[)\]）]")
# City, agency, dash: "القاهرة - رويترز:", "LONDON, Reuters -", "أنقرة/ الأناضول"
_DATELINE = re.compile(
    r"^[^.!?؟:]{0,60}?[\s/(,،-]\s*([^\s,،/()-][^,،/()]{1,34}?)\s*(?:\)|[:：]|\s[-\u2013\u2014])"
)
_SLASH = re.compile(r"^[^\s/]+(?:\s[^\s/]+)?\s*/\s*([^\s/][^/.\n]{1,34})\s*(?:/|-|$)")
_EDGE = 90


def is_agency(name: str) -> bool:
    """Say whether a name is that of a news agency, or of agencies in general."""
    folded = bare(name)
    if folded in _AGENCIES or (len(folded.split()) <= 6 and _BY_FORM.match(folded)):
        return True
    parts = [p for p in re.split(r"\s*(?:[,،/+&|]|\band\b|\bوال?|\s-\s)\s*", name) if p.strip()]
    return len(parts) > 1 and all(bare(p) in _AGENCIES for p in parts)


def dateline_origin(paragraphs: Sequence[str]) -> str | None:
    """Return the agency that a text begins or ends with, as written; None where there is none.

    Only what is explicit counts: `(رويترز)`, `LONDON (Reuters) -`, `أنقرة/ الأناضول`; a name
    inside a sentence does not.
    """
    if not paragraphs:
        return None
    head = paragraphs[0][:_EDGE]
    for pattern in (_BRACKETED, _DATELINE, _SLASH):
        match = pattern.search(head)
        if match and is_agency(match.group(1)):
            return match.group(1).strip()
    tail = paragraphs[-1][-_EDGE:].rstrip(" .۔")
    matches = list(_BRACKETED.finditer(tail))
    if matches and matches[-1].end() == len(tail) and is_agency(matches[-1].group(1)):
        return matches[-1].group(1).strip()
    last = paragraphs[-1].strip(" .-\u2013\u2014()")
    return last if len(last) < 40 and len(paragraphs) > 1 and is_agency(last) else None


def starts_with_dateline(paragraph: str) -> bool:
    """Say whether a paragraph opens as agencies do: a place, then the agency or a dash."""
    return dateline_origin([paragraph]) is not None or bool(
        re.match(
            r"^(?:[A-Z][A-Z .,'-]{2,30}|[\u0621-\u064a]{3,12}(?:\s[\u0621-\u064a]{3,12})?)"
            r"\s*[-\u2013\u2014]\s",
            paragraph,
        )
    )
