"""The labels that newspapers print beside an article: date, source, keywords, byline, "read also".

One vocabulary for pages and for plain-text documents. Spellings are told apart by folding, so that
hamza, tatweel,
vowel marks, letter case and kinds of colon do not matter.
"""

import re
from dataclasses import dataclass
from functools import partial

from newsarchive.text.dates import is_date_line, parse_moment
from newsarchive.text.folding import fold
from newsarchive.text.remember import remembered


@dataclass(frozen=True, slots=True)
class Label:
    """A label line: what it labels, and the value that stands in the same line."""

    kind: str
    """published, modified, origin, keywords, author, section, title, related."""
    value: str
    """As it stands, without the label and its colon; empty when the value is not on this line."""


_PHRASES: dict[str, str] = {
    "published": """
        تاريخ النشر | تأريخ النشر | تاريخ نشر الخبر | تاريخ الخبر | تاريخ المقال | تاريخ الإضافة
        تاريخ الاضافة
        تاريخ الإنشاء | وقت النشر | تاريخ ووقت النشر | موعد النشر | تاريخ
        التاريخ | نشر في | نشرت في | نشر بتاريخ | نشر يوم | تم النشر | تم النشر في
        تم النشر بتاريخ | تم نشره في | بتاريخ
        نشر | أضيف في | أضيف بتاريخ | كتب في | published | published on | published at
        publish date
        publication date | date published | published date | date of publication | first published
        posted | posted on
        posted at | date | issued | released | created | publié le | publié | publie le
        mis en ligne le | date de publication
        publicado | publicado el | publicado em | fecha de publicación | fecha | data
        data de publicação | pubblicato il
        veröffentlicht am | veröffentlicht | erstellt am | datum | yayınlanma tarihi
        yayın tarihi | yayınlanma | giriş tarihi
        tarih | тарих | дата публикации | опубликовано | дата | تاریخ انتشار | تاریخ | زمان انتشار
        تاریخ اشاعت | diterbitkan
        tanggal | data publikacji | opublikowano | publicerad | udgivet | publisert
        gepubliceerd op | gepubliceerd
        发布时间 | 发表时间 | 公開日 | 投稿日 | 입력
    """,
    "modified": """
        آخر تحديث | اخر تحديث | آخر تعديل | تاريخ التحديث | تاريخ التعديل | تم التحديث
        تم التحديث في | حدث في | التحديث
        تحديث | updated | updated on | updated at | last updated | last updated on | last update
        last modified | modified
        date modified | mis à jour le | mise à jour | modifié le | dernière mise à jour
        actualizado | actualizado el
        última actualización | atualizado em | aggiornato il | aktualisiert | aktualisiert am
        zuletzt aktualisiert | stand
        güncelleme | güncellenme tarihi | güncelleme tarihi | son güncelleme | обновлено
        به روز رسانی | 更新时间 | 更新日
    """,
    "origin": """
        المصدر | مصدر | مصدر الخبر | المصدر الأصلي | المصادر | نقلا عن | نقلاً عن | وكالة
        الوكالة | وكالات | source | sources
        original source | news source | story source | quelle | quellen | fuente | fuentes | fonte
        kaynak | источник
        منبع | ماخذ | sumber | bron | źródło | källa | kilde | 来源 | 出典 | 출처 | πηγή | מקור
    """,
    "keywords": """
        كلمات دلالية | الكلمات الدلالية | كلمات دلاليه | كلمات مفتاحية | الكلمات المفتاحية
        كلمات البحث | كلمات مفتاحيه
        وسوم | الوسوم | وسوم الخبر | وسم | أوسمة | تاغات | التاغات | تاج | تاجات | دلالات | علامات
        العلامات | كلمات ذات صلة
        keywords | keyword | key words | tags | tag | tagged | tagged with | tagged as | topics
        filed under | labels
        mots clés | mots-clés | mots clefs | tags associés | palabras clave | etiquetas
        palavras-chave | palavras chave
        parole chiave | schlagwörter | schlagworte | stichwörter | stichworte | etiketler
        anahtar kelimeler | etiket
        ключевые слова | теги | метки | برچسب ها | برچسب‌ها | برچسبها | کلیدواژه ها | کلیدواژه‌ها
        کلمات کلیدی | کلید واژه
        kata kunci | trefwoorden | słowa kluczowe | tagi | nyckelord | emneord | 关键词 | 关键字
        标签
        キーワード | タグ | 키워드 | 태그
    """,
    "author": """
        بقلم | كتب | كتبت | كتبه | كتبها | الكاتب | الكاتبة | كاتب المقال | اسم الكاتب | المؤلف
        المحرر | المحررة | تحرير | إعداد
        اعداد | حرره | written by | author | authors | by | reporter | byline | reported by
        words by | editor | par
        auteur | auteurs | von | autor | autoren | autorin | por | autora | autore | yazar | yazan
        haber | автор | авторы | نویسنده
        نویسنده خبر | خبرنگار | oleh | penulis | door | autorzy | av | av | forfatter | 作者 | 记者
        記者 | 기자
    """,
    "section": """
        القسم | التصنيف | قسم | تصنيف | الباب | section | category | categories | rubrique
        catégorie | categoría | sección
        rubrik | kategorie | kategori | рубрика | دسته بندی | گروه خبری
    """,
    "title": """
        العنوان | عنوان الخبر | عنوان المقال | عنوان | title | headline | titre | titel | título
        titolo | başlık | заголовок
        عنوان خبر | تیتر | 标题
    """,
    "related": """
        اقرأ أيضا | إقرأ أيضا | أقرأ أيضا | اقرا ايضا | اقرأي أيضا | اقرؤوا أيضا | إقراء أيضا
        اقراء ايضا | إقرأ ايضا | اقرأ كذلك
        اقرأ المزيد | إقرأ المزيد | للمزيد | للمزيد اقرأ | المزيد | اقرأ أكثر | طالع أيضا
        طالع ايضا | شاهد أيضا | شاهد ايضا
        انظر أيضا | مواضيع ذات صلة | موضوعات ذات صلة | مواضيع متعلقة | مواضيع مرتبطة
        موضوعات متعلقة | مواضيع مشابهة | مقالات ذات صلة
        مقالات مشابهة | أخبار ذات صلة | اخبار ذات صلة | أخبار متعلقة | أخبار مشابهة | اخبار متعلقة
        قد يهمك | قد يهمك أيضا
        قد يعجبك أيضا | قد يهمك ايضا | وقد يهمك أيضا | ذات صلة | مقالات متعلقة | اقرأ في
        مواد ذات صلة | محتوى ذو صلة | يمكنك قراءة
        تابع أيضا | اقرأ أيضا في | اخترنا لك | الأكثر قراءة | read also | read more | also read
        see also | related
        related articles | related article | related stories | related story | related news
        related topics | related posts
        related content | more on this story | more on this topic | more on this
        you may also like | you might also like
        you may be interested in | recommended | recommended for you | more stories
        further reading | read next | up next
        don't miss | most read | lire aussi | à lire aussi | lire également | à lire également
        articles liés
        sur le même sujet | voir aussi | lea también | lea además | leer más | le puede interesar
        te puede interesar
        artículos relacionados | noticias relacionadas | lee también | ver también | leia também
        leia mais | veja também
        notícias relacionadas | leggi anche | articoli correlati | potrebbe interessarti
        lesen sie auch | mehr zum thema
        auch interessant | das könnte sie auch interessieren | siehe auch | zum thema
        ilgili haberler | ayrıca okuyun
        bunları da okuyun | читайте также | читать также | по теме | смотрите также
        بیشتر بخوانید | همچنین بخوانید
        بخوانید | مطالب مرتبط | اخبار مرتبط | خبرهای مرتبط | یہ بھی پڑھیں | مزید پڑھیں
        متعلقہ خبریں | baca juga
        lees ook | czytaj także | czytaj też | zobacz także | läs också | läs även | läs mer
        les også | læs også | 相关阅读
        相关新闻
        関連記事 | あわせて読みたい | 관련기사 | 관련 기사
        διαβάστε επίσης | διαβάστε ακόμη | קראו גם
    """,
}
_KIND = {
    fold(phrase): kind
    for kind, phrases in _PHRASES.items()
    for line in phrases.split("\n")
    for phrase in line.split("|")
    if phrase.strip()
}
_LONGEST = max(map(len, _KIND))
# Vowel marks and tatweel make a phrase longer than it is when folded.
_LONGEST_START = _LONGEST + 24

# Words that open ordinary sentences too: without a colon they are no labels, and alone on a line
# neither.
_NEEDS_VALUE_WORDS = """
    by par von por av haber وكالة مصدر وسم نشر كتب كتبت تحرير الكاتب المحرر وكالات data tag
    related المزيد stand door issued released
"""
_NEEDS_VALUE = frozenset(map(fold, _NEEDS_VALUE_WORDS.split()))
_NO_COLON_DATE = frozenset(k for k, v in _KIND.items() if v in ("published", "modified"))
# With a headline right behind them and no colon between.
_POINTS_WITHOUT_COLON = tuple(
    map(
        fold,
        (
            "اقرأ أيضا",
            "اقرا ايضا",
            "اقراء ايضا",
            "طالع أيضا",
            "شاهد أيضا",
            "قد يهمك أيضا",
            "بیشتر بخوانید",
        ),
    )
)
_BYLINE_WITHOUT_COLON = {
    fold(k): n
    for k, n in {
        "بقلم": 5,
        "كتب": 3,
        "كتبت": 3,
        "by": 5,
        "par": 4,
        "von": 4,
        "written by": 5,
        "كتبه": 4,
    }.items()
}

# Boxes that are the same on every page: no word on this article.
_ELSEWHERE_PHRASES = """
    الأكثر قراءة | الأكثر مشاهدة | الأكثر تداولا | اخترنا لك | آخر الأخبار | أحدث الأخبار
    most read | most popular | most viewed | trending | trending now | popular
    popular posts | recent posts | latest news | latest posts | latest | recommended
    recommended for you | more stories | meistgelesen | meist gelesen | am meisten gelesen
    neueste artikel | les plus lus | les plus consultés | à la une | lo más leído
    más leídas | últimas noticias | mais lidas | últimas notícias | più letti
    ultime notizie | самое читаемое | популярное | последние новости | najczęściej czytane
    en çok okunanlar | son haberler | پربازدیدترین | پربیننده ترین | آخرین اخبار
    meest gelezen | mest lest | mest läst | mest læst | 最新新闻 | 热门新闻 | 人気記事
"""
_ELSEWHERE = frozenset(map(fold, _ELSEWHERE_PHRASES.replace("\n", "|").split("|"))) - {""}

_SEPARATOR = re.compile(
    r"\s*(?:[:\uff1a\ufe55\ufe30\u02d0\u2236\u0589؛]+\s*[-\u2013\u2014]?|[-\u2013\u2014|/=>»\u2022\u2190]+|\.{2,}|\u2026)\s*"
)
_COLON = re.compile(r"\s*[:\uff1a\ufe55\ufe30\u02d0\u2236\u0589؛]")
_LEAD = re.compile(r"^[\s\-\u2013\u2014*\u2022\u25cf\u25a0\u25aa#>«\"'(\[\u2190\u25c4\u25c0|:]+")
_TRAIL = " \t\n:\uff1a\ufe55\ufe30؛.\u2026|\u2013\u2014-<>«»\"'()[]*\u2190\u25c4\u25c0!،,"
_STOP = re.compile(r"[.!?؟…。！？।]['\"»”’)\]]*$")
_PARTING = ("|", "\u2022", "\u00b7", "  ", "\t")  # few lines have any: no need to look closer
_PART = re.compile(r"\s+[|\u2022\u00b7]\s+|\s{2,}")

_NOISE_PHRASES = """
    إعلان | اعلان | إعلانات | شارك | شارك الخبر | مشاركة | طباعة | نسخ الرابط | تم نسخ الرابط
    انسخ الرابط | تابعنا | حجم الخط | استمع للمقال | advertisement | advertisements | share
    share this | share this article | share this story | print | print this | email | tweet
    copy link | sponsored | ad | whatsapp | facebook | twitter | telegram | x | comments
    leave a comment | skip to content | loading... | publicité | anzeige | publicidad
    publicidade | reklam | реклама | الرئيسية | home | follow us | save | listen
"""
_NOISE = frozenset(map(fold, _NOISE_PHRASES.replace("\n", "|").split("|"))) - {""}

_LONGEST_LINE = 1500
_LIMITS = {
    "published": 16,
    "modified": 16,
    "origin": 14,
    "author": 14,
    "section": 8,
    "related": 40,
    "title": 40,
    "keywords": 80,
}
"""Words that a value may have; a longer one shows that the line is a sentence."""


def _untrailed(text: str) -> str:
    return text.rstrip(_TRAIL)


def match_label(line: str) -> Label | None:
    """Return the label that a line is, or None for any other line.

    A line is a label when it begins with a known phrase and a colon (or another separator) or is
    nothing but the
    phrase; for dates also where the phrase is followed by a date, for some bylines and "read also"
    by the value itself.
    Lines whose "value" is a whole sentence are text: they begin with the word by chance.

    Args:
        line: one line or one block's text, repaired.
    """
    if len(line) > _LONGEST_LINE or not _may_be_label(line[:3]):
        return None
    line = _LEAD.sub("", line)
    if _opening(line[:_LONGEST_START]) not in _OPENINGS:
        return None
    head = _untrailed(line)
    if len(head) <= _LONGEST + 4:
        alone = _KIND.get(fold(head))
        if alone and (fold(head) not in _NEEDS_VALUE or _COLON.search(line[len(head) :])):
            return Label(alone, "")
    for end, kind, phrase in _phrases_at_start(line):
        separator = _SEPARATOR.match(line, end)
        if separator and separator.group().strip():
            value = line[separator.end() :].strip(" *_\t")
            firm = bool(_COLON.match(line, end))
            if _is_value(kind, value, firm=firm, phrase=phrase):
                if kind in ("author", "origin", "section"):
                    value = _LEAD.sub("", _untrailed(value))
                return Label(kind, value)
        elif line[end : end + 1].isspace():
            value = line[end:].strip(" *_\t")
            if phrase in _NO_COLON_DATE and is_date_line(value):
                return Label(kind, value)
            words = len(value.split())
            if (
                phrase in _BYLINE_WITHOUT_COLON
                and words <= _BYLINE_WITHOUT_COLON[phrase]
                and _is_name(value)
            ):
                return Label("author", _untrailed(value))
            if phrase in _POINTS_WITHOUT_COLON and 3 <= words <= 25 and not _STOP.search(value):
                return Label("related", value)
    return None


def match_labels(line: str) -> list[Label]:
    """Return the labels of a line that holds one or several side by side, or none.

    `By A | Published: 3 May 2024` holds two. A part that is a bare date counts as published; a part
    that is neither makes the whole line text.

    Args:
        line: one line, repaired.
    """
    parted = len(line) <= 250 and any(mark in line for mark in _PARTING)
    parts = [p for p in _PART.split(line) if p.strip()] if parted else []
    if len(parts) > 1:
        labels = []
        for part in parts:
            label = match_label(part)
            if label and (label.value or label.kind == "related"):
                labels.append(label)
            elif is_date_line(part):
                labels.append(Label("published", part.strip()))
            else:
                break
        else:
            return labels
    label = match_label(line)
    return [label] if label else []


def is_noise(line: str) -> bool:
    """Say whether a line is a button or an advertisement's mark, and nothing of the article."""
    return len(line) < 40 and _header_of(line) in _NOISE


def is_name(text: str) -> bool:
    """Say whether a text could be a person's name: two to five words and no digit."""
    return len(text.split()) > 1 and _is_name(text)


# Where a word ends that a phrase may end with.
_WORD_END = re.compile(
    r"(?<=[^\W\d])(?=$|[\s:：﹕︰ː∶։؛\-–—|/=>»•←.…])|(?<=[\u064b-\u0652\u0670\u0640])(?=$|[\s:：؛\-–—|/.…])"
)


def _opening(text: str) -> str:
    """The first word of a text, folded: most lines are told by it to begin with no phrase."""
    end = _WORD_END.search(text)
    return fold(text[: end.end()]) if end else ""


_OPENINGS = frozenset(map(_opening, _KIND))


def _phrases_at_start(line: str) -> list[tuple[int, str, str]]:
    """Known phrases that the line begins with, longest first: (end, kind, folded phrase)."""
    found: list[tuple[int, str, str]] = []
    for match in _WORD_END.finditer(line[:_LONGEST_START]):
        phrase = fold(line[: match.end()])
        kind = _KIND.get(phrase)
        if kind:
            found.append((match.end(), kind, phrase))
    return found[::-1]


def _is_value(kind: str, value: str, *, firm: bool, phrase: str) -> bool:
    words = len(value.split())
    if words == 0:
        return firm
    if words > _LIMITS[kind]:
        return False
    if kind in ("published", "modified"):
        # "Date: unknown" is a label too; "Updated: Nurses doubt the van" is a headline.
        return parse_moment(value) is not None or (firm and words <= 2 and not _STOP.search(value))
    if kind == "keywords":
        return firm or "," in value or "،" in value or words <= 12
    if kind == "related":
        return firm or phrase not in _NEEDS_VALUE
    if kind == "author":
        return (
            words <= 8
            and not (words > 4 and _STOP.search(value))
            and (firm or phrase not in _NEEDS_VALUE or _is_name(value))
        )
    if kind == "origin":
        if (_STOP.search(value) and words > 4) or (phrase in _NEEDS_VALUE and words > 5):
            return False
        return firm or phrase not in _NEEDS_VALUE
    return firm


def _is_name(value: str) -> bool:
    value = _untrailed(value)
    words = value.split()
    if not 1 <= len(words) <= 5 or any(c.isdigit() for c in value) or _STOP.search(value):
        return False
    letters = [w for w in words if w[:1].isalpha()]
    cased = [w for w in letters if w[:1].isupper() or w[:1].islower()]
    return bool(letters) and all(w[:1].isupper() for w in cased if len(w) > 3)


def is_related_header(text: str) -> bool:
    """Say whether a text is nothing but "read also" or the like.

    Cheap, as pages have thousands of short texts.
    """
    return len(text) <= 60 and _may_be_related(text[:3]) and _is_related_header(text)


_RELATED = (
    frozenset(k for k, v in _KIND.items() if v == "related" and k not in _NEEDS_VALUE)
    | {fold(phrase) for phrase in ("related", "المزيد")}
) - _ELSEWHERE
_BOX_HEADERS = _RELATED | _ELSEWHERE
_BEGINNINGS = frozenset(phrase[:2] for phrase in _KIND)
_RELATED_BEGINNINGS = frozenset(phrase[:2] for phrase in _RELATED)


def _may_begin(beginnings: frozenset[str], start: str) -> bool:
    """Whether a text can begin with a phrase, by its first letters: few do."""
    # A mark behind a letter may make another one of both.
    if not start.isalnum():
        return True
    letters = fold(start[:2])
    return len(letters) < 2 or letters[:2] in beginnings


_may_be_label = remembered(4096)(partial(_may_begin, _BEGINNINGS))
_may_be_related = remembered(4096)(partial(_may_begin, _RELATED_BEGINNINGS))


@remembered(4096)  # the menus of a site are on all its pages
def _is_related_header(text: str) -> bool:
    return _header_of(text) in _RELATED


def is_box_header(text: str) -> bool:
    """Say whether a text is nothing but the header of a box of other articles: "Most read"."""
    return len(text) <= 60 and _header_of(text) in _BOX_HEADERS


def _header_of(line: str) -> str:
    """The folded words of a line, without the marks before and behind them."""
    return fold(_untrailed(_LEAD.sub("", line)))
