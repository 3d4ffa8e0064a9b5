"""Names of authors, as bylines write them."""

import re
from collections.abc import Iterable

from newsarchive.parse.agencies import is_agency
from newsarchive.text.folding import bare, fold
from newsarchive.text.repair import tidy_line

_DOERS = (
    r"(?:written|reported|posted|published|submitted|authored|words|story|text|article|interview"
    r"|report|opinion|analysis|contributed|compiled|blog ?post)\s+by"
    r"|(?:geschrieben|verfasst|erstellt|eingestellt|veröffentlicht|gepostet|text|autor"
    r"|ein (?:beitrag|artikel|interview|gastbeitrag)|beitrag|blogbeitrag)\s+von"
    r"|(?:écrit|publié|rédigé|posté|texte|propos recueillis)\s+par"
    r"|(?:escrito|publicado|redactado|texto|postado)\s+por"
    r"|(?:scritto|pubblicato)\s+da|a cura di|(?:geschreven|gepubliceerd|geplaatst)\s+door"
    r"|(?:skrevet|publisert)\s+av|ditulis\s+oleh"
)
_BY = re.compile(
    rf"^(?:(?:{_DOERS}|by|par|por|von|vom|di|door|av|oleh|автор(?:ы)?|authors?|autor(?:in|en|es|a)?"
    r"|auteure?s?|autor[ei]|text|texte|texto|testo|foto|redaktion|redacción|verfasser"
    r"|reporters?|forfatter|skribent|yazar|penulis|yazan|haber"
    r"|بقلم|كتبت|كتبه|كتب|إعداد|اعداد|تحرير)"
    r"(?:\s*[:：/-]\s*|\s+)|(?:文|作者|记者|記者|撰文|責任編輯|责任编辑)\s*[:：/／|]\s*)(?=\S)",
    re.I,
)
_LONGEST_BYLINE = 600
_BETWEEN = re.compile(
    r"\s*(?:[;؛|/\n•·]|\s(?:and|und|et|y|e|en|och|og|ve|и|oraz|with|mit)\s|\s?&\s|\sو\s|[,،、](?!\s*(?:jr|sr|ii|iii)\b))\s*",
    re.I,
)
_TAIL = re.compile(
    r"\s*(?:[-\u2013\u2014|(,]\s*)?(?:https?://\S+|\S+@\S+\.\S+|@\w+|\[email.protected\]?"
    r"|\bfollow\b.*|\bupdated\b.*|\bpublished\b.*|\bview (?:profile|bio|all)\b.*)\s*\)?$",
    re.I,
)
_HAS_TAIL = re.compile(r"//|@|\[email|follow|updated|published|view", re.I)
_FOR_WHOM = re.compile(r"\s+(?:for|für|pour|para)\s+(?:the\s+|die\s+|el\s+)?[A-Z].*$")
_ASIDE = re.compile(r"\s*[(（\[][^()（）\[\]]*(?:[)）\]]|$)")
_ADDRESS = re.compile(r"\s*(?:(?:https?:)?//|www\.|\S+/\S+/)")
_ACCOUNTS = """
    admin | administrator | webmaster | guest | user | author | authors | unknown | none | null | by
    online | super user | superuser | root | مدير الموقع | مدير | كاتب | الموقع | غير معروف
    anonymous | press release | undefined | default | test | site admin | wpadmin | wordpress
"""
_DESKS = """
    editor | editors | the editors | staff | staff writer | staff reporter | newsroom | news desk
    web desk | desk | team | redaktion | die redaktion | redacción | redaccion | redação
    la rédaction | rédaction | redazione | redaksi | редакция | المحرر | محرر | هيئة التحرير
    أسرة التحرير | التحرير | المحررون | editorial | editorial board | editorial team
    editorial staff | editorial office | contributor | contributors | guest author | gastautor
    agenturen
"""
_CREDENTIALS = re.compile(
    r"^(?:m\.?d\.?|ph\.?d\.?|j\.?d\.?|r\.?n\.?|r\.?d\.?n?|mba|m\.?s\.?c?|m\.?a\.?|b\.?a\.?|b\.?s\.?c?"
    r"|cpa|cfp|esq\.?|dds|dvm|lcsw|ldn|cissp|prof\.?|dr\.?|dipl\S*)$",
    re.I,
)
_GROUP_WORDS_TEXT = """
    staff team editors editorial newsroom desk redaktion redaktionsteam redacción redazione
    rédaction news press media agency agencies magazine network inc llc ltd gmbh ag se ev
    association university institute foundation center centre times tribune herald gazette journal
    globe post radio online bureau wire reports services service group company council department
    editor writer reporter correspondent contributor columnist producer photographer journalist
    agencia agence agentur presse nachrichten zeitung fernsehen tv reporters correspondents
    writers contributors founder ceo director manager specialist expert commentary contributing
    senior freelance chief deputy assistant guest sponsored marketing coordinator sports politics
    business correspondante korrespondent autor redakteur redakteurin reporterin journalistin
"""
_GROUP_WORDS = frozenset(_GROUP_WORDS_TEXT.split())
_PARTICLES_TEXT = """
    de da do dos das del della di du des la le les el al von van der den ter ten zu zur zum vom bin
    bint ibn ben abu y e i af av st te vd und mac mc ap o d
"""
_PARTICLES = frozenset(_PARTICLES_TEXT.split())
_NOT_NAME_WORDS_TEXT = """
    posted published updated modified by on at min mins read reading minutes share comments comment
    written reviewed edited fact checked photo photos image credit follow subscribe more about
    author authors last home menu search login sign newsletter print email facebook twitter
    linkedin instagram views via the this that from our your with for and or in of to is are was
    how why what when where who view all see full bio posts articles article archive latest
    publiziert veröffentlicht aktualisiert am um uhr von teilen kommentare mehr lesezeit inhalte
    gesponserte der die das ein eine über im und publicado actualizado compartir por para el los
    las una un sobre publié mis jour par le les partager lire min. text interview foto fotos
    january february march april june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday today yesterday ago breaking exclusive
    advertisement sponsored disclosure privacy policy terms contact table contents caption
    source quelle fuente toggle close open skip content navigation category categories tags
"""
_NOT_NAME_WORDS = frozenset(_NOT_NAME_WORDS_TEXT.split())
_WORD = re.compile(r"[^\s]+")
_NAME_WORD = re.compile(r"^[^\W\d_][\w'’ʼ.\-\u2010\u2011\u200c]*\.?$")


def split_names(text: str) -> list[str]:
    """Return the names in a byline, without "by" and without addresses.

    Args:
        text: `By Ann Lee and Bo Ek`, `كتب: أحمد علي`, a list with commas or semicolons.
    """
    if len(text) > _LONGEST_BYLINE or _ADDRESS.match(text):
        return []
    text = _BY.sub("", tidy_line(text))
    return [name for part in _BETWEEN.split(text) if (name := clean_name(part))]


def clean_name(text: str) -> str | None:
    """Return a name without "by", address or punctuation around it; None where none is left."""
    text = tidy_line(text)
    if len(text) > _LONGEST_BYLINE or _ADDRESS.match(text):
        return None
    text = _BY.sub("", _BY.sub("", text))
    if _HAS_TAIL.search(text):
        text = _TAIL.sub("", text)
    text = _FOR_WHOM.sub("", _ASIDE.sub("", text) or text)
    text = text.strip(' \t,،;؛:|/\\-\u2013\u2014()[]*&"«»“”')
    if not re.search(r"(?:^|[\s.])\w\.$", text):  # an initial keeps its stop
        text = text.rstrip(".")
    letters = sum(map(str.isalpha, text))
    if (
        letters < 2
        or letters < 0.6 * len(text.replace(" ", ""))
        or len(text) > 80
        or len(text.split()) > 8
        or _CREDENTIALS.match(text)
    ):
        return None
    return text


def is_named(text: str) -> bool:
    """Say whether a text reads like a person's name: two to five words, capitals where there are.

    Args:
        text: cleaned.
    """
    words = text.split()
    return 2 <= len(words) <= 5 and _is_like_name(words, strict=True)


def is_nameable(text: str) -> bool:
    """Say whether a text that is marked as a name can be one; also one word, or in small letters.

    Args:
        text: cleaned.
    """
    words = text.split()
    return 1 <= len(words) <= 5 and _is_like_name(words, strict=False)


def _is_like_name(words: list[str], *, strict: bool) -> bool:
    lowered = [w.lower().strip(".") for w in words]
    if any(w in _NOT_NAME_WORDS and w not in _PARTICLES for w in lowered):
        return False
    if lowered[0] in _NOT_NAME_WORDS or not all(map(_NAME_WORD.match, words)):
        return False
    if not strict:
        return True
    cased = [w for w, low in zip(words, lowered, strict=True) if low not in _PARTICLES]
    return bool(cased) and all(
        w[0].isupper() or not (w[0].islower() or w[0].isupper()) for w in cased
    )


def is_short_for(name: str, other: str) -> bool:
    """Say whether a name of one word may be the account, initials or first name of another one.

    Args:
        name: `jrobison`, `JR`, `John`.
        other: `John Robison`.
    """
    short, parts = bare(name).replace(" ", ""), bare(other).split()
    if len(parts) < 2:
        return False
    initials = "".join(p[0] for p in parts)
    return short in (*parts, initials) or (len(short) > 3 and parts[-1] in short)


def sort_names(names: Iterable[str], site_names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Tell persons from groups: agencies, desks, the site itself; accounts are neither.

    Args:
        names: cleaned, in page order.
        site_names: what the site calls itself, its host's name among them.

    Returns:
        Persons and groups, each once, in page order.
    """
    sites = {bare(s) for s in site_names if s}
    persons: dict[str, str] = {}
    groups: dict[str, str] = {}
    for name in names:
        key = bare(name)
        if not key or key in _NOT_ANYONE:
            continue
        group = key in _GROUPS or _is_site(key, sites) or is_agency(name) or _is_group(key)
        (groups if group else persons).setdefault(fold(name), name)
    return list(persons.values()), list(groups.values())


_NOT_ANYONE = frozenset(bare(n) for n in _ACCOUNTS.replace("\n", "|").split("|"))
_GROUPS = frozenset(bare(n) for n in _DESKS.replace("\n", "|").split("|"))


def _is_group(key: str) -> bool:
    return not _GROUP_WORDS.isdisjoint(key.split())


def _is_site(key: str, sites: set[str]) -> bool:
    squeezed = key.replace(" ", "")
    for site in sites:
        short = site.replace(" ", "")
        if squeezed == short or (
            len(short) > 4
            and squeezed in (short + "com", "the" + short, short + "staff", short + "news")
        ):
            return True
    return False
