"""Wire agencies that are named in a text: who is cited, under one name in any language."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

# An agency, and how texts in any language name it. What may mean something else too counts only
# where the text says that an agency is meant: after ~ where it stands in brackets, in a dateline,
# beside "told", "according to", "ذكرت" and the like, or by the word agency; after * by that alone.
_WIRES = """
AA: Anadolu Agency, Anadolu Ajansı, Agence Anadolu, ~Anadolu, ~AA, *الأناضول, ~للأناضول
AAP: Australian Associated Press, ~AAP
AFP: Agence France-Presse, فرانس برس, فرانس بريس, فرنس برس, *الصحافة الفرنسية, أ ف ب, ~AFP
AFP: 法新社, Франс Пресс, Франс-Пресс, فرانس‌پرس
AGI: Agenzia Giornalistica Italia, ~AGI
Adnkronos: Adnkronos
ANI: Asian News International, ~ANI
ANSA: ~ANSA, *أنسا
Antara: ~Antara
AP: Associated Press, أسوشيتد برس, أسوشييتد برس, أسوشيتدبرس, أسوشييتدبرس, أسوشيتيد برس, ~أ ب, ~AP
AP: 美联社, آسوشیتدپرس, Ассошиэйтед Пресс
APA: Austria Presse Agentur, ~APA
APS: Algérie Presse Service, وكالة الأنباء الجزائرية, *واج, ~APS
ATS: Keystone-SDA, Keystone-ATS
Belga: ~Belga
Bernama: Bernama
Bloomberg: Bloomberg News, ~Bloomberg, ~بلومبرغ, ~بلومبيرغ, ~بلومبرج
BNA: وكالة أنباء البحرين, Bahrain News Agency, *بنا, ~BNA
CNA: 中央社, Central News Agency
CP: Canadian Press
CTK: ČTK, Czech News Agency
DHA: Demirören Haber Ajansı, Demirören News Agency, ~DHA
dpa: Deutsche Presse-Agentur, وكالة الأنباء الألمانية, د ب أ, *الألمانية, dpa, ~DPA
EFE: Agencia EFE, ~EFE, *إفي
Europa Press: Europa Press
Fars: Fars News, *فارس, خبرگزاری فارس
IANS: Indo-Asian News Service, ~IANS
IHA: İhlas Haber Ajansı, Ihlas News Agency, ~İHA, ~IHA
INA: وكالة الأنباء العراقية, Iraqi News Agency, *واع
Interfax: Interfax, Интерфакс, إنترفاكس, انترفاكس
IRNA: IRNA, *إرنا, *ارنا, خبرگزاری جمهوری اسلامی, ایرنا
ISNA: ISNA, ایسنا, *إيسنا
ITAR-TASS: ~TASS, ТАСС, *تاس, ИТАР-ТАСС, 塔斯社
Jiji: Jiji Press, 時事通信, 时事社
JANA: وكالة الجماهيرية للأنباء
KUNA: وكالة الأنباء الكويتية, Kuwait News Agency, KUNA, *كونا
Kyodo: Kyodo News, ~Kyodo, 共同通信, 共同社, *كيودو
LANA: وكالة الأنباء الليبية, Libyan News Agency, *وال
Lusa: ~Lusa, Agência Lusa
Maan: Ma'an News Agency, *معا
MAP: Maghreb Arabe Presse, وكالة المغرب العربي للأنباء, *ومع
Mehr: Mehr News, *مهر, خبرگزاری مهر
MENA: Middle East News Agency, وكالة أنباء الشرق الأوسط, أ ش أ, *الشرق الأوسط
NNA: الوكالة الوطنية للإعلام, National News Agency
NINA: الوكالة الوطنية العراقية للأنباء
NTB: ~NTB
ONA: وكالة الأنباء العمانية, Oman News Agency
PA: PA Media, ~Press Association, ~PA
PAP: Polska Agencja Prasowa, ~PAP
Petra: وكالة الأنباء الأردنية, Jordan News Agency, *بترا, *البترا, ~Petra
PTI: Press Trust of India, ~PTI
QNA: وكالة الأنباء القطرية, Qatar News Agency, *قنا, ~QNA
Reuters: Reuters, Thomson Reuters, رويترز, رويتر, Рейтер, Рейтерс, 路透社, ロイター, 로이터, رویترز
RIA Novosti: RIA Novosti, ~RIA, РИА Новости, نوفوستي, *ريا نوفوستي
Ritzau: Ritzau
Saba: وكالة الأنباء اليمنية, *سبأ, Saba News Agency
SANA: وكالة الأنباء السورية, Syrian Arab News Agency, *سانا, ~SANA
SPA: وكالة الأنباء السعودية, Saudi Press Agency, *واس, ~SPA
Sputnik: Sputnik News, *سبوتنيك, ~Sputnik
SUNA: وكالة الأنباء السودانية, وكالة السودان للأنباء, Sudan News Agency, *سونا
TAP: وكالة تونس إفريقيا للأنباء, Tunis Afrique Presse, *وات
Tasnim: Tasnim, *تسنيم, خبرگزاری تسنیم
TT: TT Nyhetsbyrån
Ukrinform: Ukrinform, Укринформ, Укрінформ
UNI: United News of India
UPI: United Press International, ~UPI, يونايتد برس
WAFA: وكالة الأنباء الفلسطينية, وكالة الأنباء والمعلومات الفلسطينية, *وفا, ~WAFA
WAM: وكالة أنباء الإمارات, Emirates News Agency, *وام, ~WAM
Xinhua: Xinhua, شينخوا, 新华社, 新華社, Синьхуа
Yonhap: Yonhap, يونهاب, 연합뉴스, 韩联社
"""

_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c-\u200f\u2060]")
_LETTERS = {**dict.fromkeys("أإآٱ", "ا"), "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه"}
_WORD = re.compile(r"\w+")
_ARABIC = re.compile("[\u0621-\u064a]")
_NO_SPACES = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")  # names stand within words
_LONG = 5  # letters of a Latin name from which on its case does not matter
_NEAR = 48  # characters around a name that tell what it is
_ARABIC_PREFIX = "[وف]?[بلك]?"

_AGENCY_BEFORE = re.compile(
    r"(?:وكال(?:ه|تي|تا|ات)(?: (?:ال)?(?:انباء|صحافه|اخبار))?|خبرگزاري"
    r"|\b(?:news |press )?agenc(?:y|ies)|\bagence|\bag[eê]ncia|\bagenzia|\w*agentur|агентств\w*)"
    r"[\s\"'«“„(]{1,3}$",
    re.I,
)
_AGENCY_AFTER = re.compile(
    r"[\"'»”)]?\s(?:(?:news|press|state)?\s?(?:agency|agencies|newswire|wire service)\b"
    r"|haber ajansı|للانباء|الاخباريه)",
    re.I,
)
_CITED_BEFORE = re.compile(
    r"(?:[(\[（/]|\bl['’]|\b(?:told|tells?|telling|according to|reported by|cited by|quoted by|via"
    r"|photographs? by|laut|gegenüber|sagte|selon|à|según|segundo|secondo|dijo a|disse à)\s"
    r"|(?:نقلت|نقلا عن|بحسب|حسب|وفق|ذكرت|افادت|نقلته|اوردت|المصدر[:؛]?)\s)[\"'«“]?\s?$",
    re.I,
)
_CITED_AFTER = re.compile(
    r"\s?[)\]）/]|[\"'»”]?\s(?:reported|reports|journalists?|reporters?|correspondents?"
    r"|photographers?|count|tally|poll|muhabiri\w*|rapporte|berichtet\w*|informó|informou"
    r"|ذكرت|نقلا)\b",
    re.I,
)
_DATELINE = re.compile(r"(?:^|\n)[^\n.!?؟]{0,40}[\s,،-]$")
_DASH = re.compile(r"\s?[:：]|\s[-\u2013\u2014]")

ANYWHERE, CITED, AGENCY = "", "~", "*"


def _plain(text: str) -> str:
    """Return a text with one spelling for each Arabic letter; case and signs stay."""
    if text.isascii():
        return text
    text = _MARKS.sub("", unicodedata.normalize("NFC", text))
    for letter, same in _LETTERS.items():  # each at the speed of a search; translate is not
        text = text.replace(letter, same)
    return text


def _read(table: str) -> Iterator[tuple[str, str, str]]:
    for line in table.strip().splitlines():
        agency, _, names = line.partition(": ")
        for name in names.split(", "):
            mark = name[0] if name[0] in "~*" else ANYWHERE
            yield agency, mark, name.removeprefix(mark)


def _pattern(name: str) -> str:
    plain = _plain(name)
    words = [re.escape(w) for w in re.split(r"[\s-]+", plain)]
    letters = all(len(w) == 1 for w in words)
    joined = (r"[\s.]{0,2}" if letters else r"[\s-]+").join(words)
    if _ARABIC.search(plain):
        own = re.sub(r"^ال", "(?:ال|لل?)", joined) if joined.startswith("ال") else joined
        return rf"(?<!\w)(?:{_ARABIC_PREFIX}{own})(?!\w)"
    return rf"(?<!\w)(?:{'(?i:' + joined + ')' if len(plain) >= _LONG else joined})(?!\w)"


_ALL = list(_read(_WIRES))
WIRE_NAMES = [name for _, mark, name in _ALL if mark != AGENCY]
"""Every name that by itself, as a byline or in a dateline, is an agency's."""


def _first_words(name: str) -> set[str]:
    """Return how the first word of a name may stand in a text, in small letters."""
    plain = _plain(name)
    first = _WORD.findall(plain)[0]
    if not _ARABIC.search(first):
        return {first.lower()}
    stems = {first}
    if first.startswith("ال"):
        stems |= {"ل" + first[2:], "لل" + first[2:]}
    if len(first) == 1:  # of letters, which may be written together
        stems.add(plain.replace(" ", ""))
    return {a + b + s for s in stems for a in ("", *"وف") for b in ("", *"بلك")}


@cache  # on first need: a hundred patterns take a while
def _by_word() -> dict[str, list[tuple[str, str, re.Pattern[str]]]]:
    """Return the names by their first words, the longest first: few have one in common."""
    found: dict[str, list[tuple[str, str, re.Pattern[str]]]] = {}
    for agency, mark, name in sorted(_ALL, key=lambda n: -len(n[2])):
        if not _NO_SPACES.search(name):
            pattern = re.compile(_pattern(name))
            for word in _first_words(name):
                found.setdefault(word, []).append((agency, mark, pattern))
    return found


_WITHOUT_SPACES = {name: agency for agency, _, name in _ALL if _NO_SPACES.search(name)}
_ANY_WITHOUT_SPACES = re.compile("|".join(map(re.escape, _WITHOUT_SPACES)))


def cited_agencies(text: str) -> list[str]:
    """Return the wire agencies that a text names, each once, in order of their first mention.

    Args:
        text: of an article, paragraphs as they stand.

    Returns:
        One short name for each agency, the same in every language: Reuters, AFP, WAFA, …
    """
    plain = _plain(text)
    places: dict[str, int] = {}
    by_word = _by_word()
    if not by_word.keys().isdisjoint(_WORD.findall(plain.lower())):
        for word in _WORD.finditer(plain):
            for agency, mark, pattern in by_word.get(word[0].lower(), ()):
                match = agency not in places and pattern.match(plain, word.start())
                if match and _is_meant(plain, match, mark):
                    places[agency] = match.start()
    if not plain.isascii():
        for match in _ANY_WITHOUT_SPACES.finditer(plain):
            agency = _WITHOUT_SPACES[match[0]]
            places[agency] = min(places.get(agency, match.start()), match.start())
    return sorted(places, key=places.__getitem__)


def _is_meant(text: str, match: re.Match[str], mark: str) -> bool:
    """Say whether a name means the agency where it stands."""
    if mark == ANYWHERE:
        return True
    before = text[max(0, match.start() - _NEAR) : match.start()]
    after = text[match.end() : match.end() + _NEAR]
    if _AGENCY_BEFORE.search(before) or _AGENCY_AFTER.match(after):
        return True
    if mark == AGENCY:
        return False
    if _CITED_BEFORE.search(before) or _CITED_AFTER.match(after):
        return True
    starts = match.start() <= _NEAR or "\n" in before
    return starts and bool(_DATELINE.search(before) and _DASH.match(after))
