"""Read the dates that pages and listings write: ISO, RFC 822, numeric, month names, "3 hours ago".

Month names are those of many languages. Arabic comes with its three sets of them (Egyptian,
Levantine, Maghrebi), Arabic-Indic digits and ص / م. Hijri and Jalali dates are read where no other
date stands beside them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from newsarchive.text.calendars import HIJRI_MONTHS, JALALI_MONTHS, hijri_day, jalali_day
from newsarchive.text.folding import fold


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, and an instant where the text gives a time."""

    day: date
    """As written, in the offset that is written with it; never converted."""
    at: datetime | None
    """UTC, or without zone where none is written and none was given; None for a day alone."""
    precision: str
    """second, minute or day."""


# Twelve names a language (some have several sets), January first; _ stands for a space.
_MONTH_NAMES = """
    يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
    يناير فبراير مارس إبريل مايو يونيه يوليه اغسطس سبتمبر اكتوبر نوفمبر ديسمبر
    كانون_الثاني شباط آذار نيسان أيار حزيران تموز آب أيلول تشرين_الأول تشرين_الثاني
        كانون_الأول
    كانون_ثاني شباط اذار نيسان ايار حزيران تموز اب ايلول تشرين_أول تشرين_ثاني كانون_أول
    كانون_الثانى شباط آذار نيسان أيار حزيران تموز آب أيلول تشرين_اول تشرين_الثانى كانون_اول
    جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر
    يناير فبراير مارس أبريل ماي يونيو يوليوز غشت شتنبر أكتوبر نونبر دجنبر
    ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر
    جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر
    جانفي فيفري مارس أفريل ماي جوان جويليه أوت سبتمبر اكتوبر نوفمبر ديسمبر
    january february march april may june july august september october november december
    jan feb mar apr may jun jul aug sep oct nov dec
    jan feb mar apr may jun jul aug sept oct nov dec
    janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    janv févr mars avr mai juin juil aout sept oct nov déc
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    ene feb mar abr may jun jul ago setiembre oct nov dic
    janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
    jan fev mar abr mai jun jul ago set out nov dez
    gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre
        dicembre
    gen feb mar apr mag giu lug ago set ott nov dic
    januar februar märz april mai juni juli august september oktober november dezember
    jänner feber mär apr mai jun jul aug sep okt nov dez
    jan feb mrz apr mai jun jul aug sep okt nov dez
    januari februari maart april mei juni juli augustus september oktober november december
    jan febr mrt apr mei jun jul aug sep okt nov dec
    oca şub mar nis may haz tem ağu eyl eki kas ara
    ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
    januari februari maret april mei juni juli agustus september oktober november desember
    jan feb mar apr mei jun jul agu sep okt nov des
    янв фев мар апр май июн июл авг сен окт ноя дек
    янв февр мар апр май июн июл авг сент окт нояб дек
    января февраля марта апреля мая июня июля августа сентября октября ноября декабря
    январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
    січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
    stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada
        grudnia
    januari februari mars april maj juni juli augusti september oktober november december
    januar februar marts april maj juni juli august september oktober november december
    ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie
        decembrie
    ledna února března dubna května června července srpna září října listopadu prosince
    január február március április május június július augusztus szeptember október november
        december
    ιαν φεβ μαρ απρ μαΐ ιουν ιουλ αυγ σεπ οκτ νοε δεκ
    ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου
        οκτωβρίου νοεμβρίου δεκεμβρίου
    ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר
    जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
"""


def _plain(word: str) -> str:
    """Return a folded word as those write it who leave its accents out."""
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", word.replace("ı", "i")))
    return unicodedata.normalize("NFC", bare)


_MONTH = {
    spelling: place % 12 + 1
    for place, name in enumerate(_MONTH_NAMES.split())
    for word in (fold(name.replace("_", " ")),)
    for spelling in (_plain(word), word)
}

_WEEKDAYS_WORDS = """
    الأحد الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت أحد اثنين ثلاثاء أربعاء خميس
    جمعة سبت الثلاثا الاربعا sunday monday tuesday wednesday thursday friday saturday sun mon
    tue tues wed thu thur thurs fri sat lundi mardi mercredi jeudi vendredi samedi dimanche
    lunes martes miércoles jueves viernes sábado domingo montag dienstag mittwoch donnerstag
    freitag samstag sonntag mo di mi do fr sa so segunda-feira terça-feira quarta-feira
    quinta-feira sexta-feira lunedì martedì mercoledì giovedì venerdì sabato domenica
    pazartesi salı çarşamba perşembe cuma cumartesi pazar senin selasa rabu kamis jumat sabtu
    minggu понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag شنبه یکشنبه دوشنبه سه‌شنبه
    چهارشنبه پنجشنبه جمعه پیر منگل بدھ جمعرات ہفتہ اتوار
    月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 星期一 星期二
    星期三 星期四 星期五 星期六 星期日 周一 周二 周三 周四
    周五 周六 周日 월요일 화요일 수요일 목요일 금요일 토요일 일요일
"""
_WEEKDAYS = tuple(_WEEKDAYS_WORDS.split())
# What may stand beside a date in a line that holds nothing but the date.
_FILLERS_WORDS = """
    يوم اليوم في الساعة عند تمام بتوقيت القاهرة غرينتش جرينتش غرينيتش مكة المكرمة المحلي
    السعودية الموافق م ه و on at the of day local time hrs hours uhr um le à heures de del a
    las às las kl klo saat jam pukul wib в г г. ore ora utc gmt est edt
"""
_FILLERS = tuple(_FILLERS_WORDS.split())
_BESIDE = frozenset(fold(w) for w in (*_WEEKDAYS, *_FILLERS))

_ZONES_BY_NAME = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "mez":
    60, "cest": 120, "mesz": 120, "eet": 120, "cat": 120, "sast": 120, "eest": 180, "eat":
    180, "msk": 180, "trt": 180, "gst": 240, "pkt": 300, "wib": 420, "hkt": 480, "sgt":
    480, "wita": 480, "awst": 480, "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst":
    720, "nzdt": 780, "brt": -180, "edt": -240, "est": -300, "cdt": -300, "cst": -360,
    "mdt": -360, "mst": -420, "pdt": -420, "pst": -480, "akdt": -480, "akst": -540, "hst":
    -600, "et": None,
}  # fmt: skip
"""Minutes east of Greenwich. Names of several zones (IST, AST) are left to the source's zone."""
_ZONES_BY_CITY = {
    "غرينتش": "UTC", "جرينتش": "UTC", "غرينيتش": "UTC", "القاهره": "Africa/Cairo", "مكه":
    "Asia/Riyadh", "السعوديه": "Asia/Riyadh", "الرياض": "Asia/Riyadh", "دمشق":
    "Asia/Damascus", "بغداد": "Asia/Baghdad", "بيروت": "Asia/Beirut", "القدس":
    "Asia/Jerusalem", "تونس": "Africa/Tunis", "الامارات": "Asia/Dubai", "ابوظبي":
    "Asia/Dubai", "قطر": "Asia/Qatar", "الدوحه": "Asia/Qatar", "عمان": "Asia/Amman",
}  # fmt: skip

_names = "|".join(sorted((re.escape(n) for n in _MONTH), key=len, reverse=True))
_MONTHS = rf"(?P<month>{_names})(?!\w)\.?(?:\s*[/(-]\s*(?:{_names})(?!\w)\)?)?"
_DAY = r"(?<![\d.,:/-])(?P<day>\d{1,2})(?!\d)(?:st|nd|rd|th|er|º|°|ª|\.|-?го|a)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d)"
_OF = r"(?:\s*,?\s*(?:de|del|di|من|of|شهر)\s+|[\s,،./\u2013-]+)"

_ISO = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})(?!\d)(?P<rest>t?)",
    re.A,
)
_LINE = 160
"""Characters of a line that a page may show again and again."""
_COMPACT = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<month>[01]\d)(?P<day>[0-3]\d)(?:t?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?)?(?!\d)",
    re.A,
)
_DMY_NAME = re.compile(rf"{_DAY}{_OF}{_MONTHS}{_OF}{_YEAR}")
_MDY_NAME = re.compile(
    rf"(?<!\w){_MONTHS}\s+(?P<day>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?[\s,،./-]+{_YEAR}"
)
_YMD_NAME = re.compile(rf"(?<!\d){_YEAR}{_OF}{_MONTHS}{_OF}(?P<day>\d{{1,2}})(?![\d:])")
_CJK = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日일]?"
)
_NUMERIC = re.compile(
    r"(?<![\d/.:-])(?P<a>\d{1,2})\s*(?P<sep>[/.\\-])\s*(?P<b>\d{1,2})\s*(?P=sep)\s*(?P<year>(?:19|20)\d\d|\d\d)(?![\d/])",
    re.A,
)
_SHORT = re.compile(rf"(?<![\w-])(?P<day>\d{{1,2}})-{_MONTHS}-(?P<year>\d\d)(?!\d)")
_RFC_822 = re.compile(
    rf"(?<![\w.:-])(?P<day>\d{{1,2}})\s+{_MONTHS}\s+(?P<year>\d\d)(?=\s+\d\d?:\d\d)"
)
_CTIME = re.compile(
    rf"(?<!\w){_MONTHS}\s+(?P<day>\d{{1,2}})\s+(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)\s+(?P<zone>(?:[a-z]{{1,4}}|[+-]\d\d:?\d\d)\s+)?{_YEAR}"
)
_NAMED = (_CTIME, _SHORT, _RFC_822, _DMY_NAME, _MDY_NAME, _YMD_NAME, _CJK)
_NAMED_OF_SHORT_YEAR = (_SHORT, _RFC_822)
_LONG_YEAR = re.compile(r"(?:19|20)\d\d")
_DIGIT = re.compile(r"\d")

_other_names = "|".join(
    sorted(map(re.escape, (*HIJRI_MONTHS, *JALALI_MONTHS)), key=len, reverse=True)
)
_OTHER_YEAR = r"(?:(?:ل?عام|ل?سن[هة]|سال)\s+)?(?P<year>1[34]\d\d)(?!\d)"
_OTHER_NAMED = re.compile(rf"{_DAY}{_OF}(?P<month>{_other_names})(?!\w){_OF}{_OTHER_YEAR}")
_OTHER_NUMERIC = re.compile(
    r"(?<![\d/.:-])(?:(?P<year>1[34]\d\d)(?P<sep>[/-])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})(?P<sep2>[/-])(?P<month2>\d{1,2})(?P=sep2)(?P<year2>1[34]\d\d))(?![\d/-])",
    re.A,
)
_JALALI_OF_NOW, _HIJRI_OF_NOW = range(1360, 1411), range(1411, 1501)
"""Years by which a date in figures is told to be of one calendar or the other: 1982 to 2031 in the
first, 1990 to 2077 in the second."""

_HALF = (
    r"(?P<half>a\.?m\.?|p\.?m\.?|صباحا|مساء|مساءا|ظهرا|عصرا|ليلا|فجرا|ص|م|pukul"
    r"|上午|下午|오전|오후|ق\.ظ|ب\.ظ|قبل از ظهر|بعد از ظهر)(?![\w.])"
)
_TIME = re.compile(
    r"(?<![\d:.+-])(?P<hour>[0-2]?\d)\s*(?:[:٫]|(?<=\d)[h](?=\d))\s*(?P<minute>[0-5]\d)(?!\d)"
    r"(?:\s*:\s*(?P<second>[0-5]\d)(?:[.,]\d+)?)?(?:\s*" + _HALF + r")?"
    r"|(?<![\d:.])(?P<hour2>1[0-2]|0?[1-9])(?:\.(?P<minute2>[0-5]\d))?\s*"
    + _HALF.replace("half", "half2")
)
_ZONE = re.compile(
    r"\s*(?:بتوقيت\s+(?P<city>\w+)|\(?(?P<name>[a-z]{1,4})(?![a-z])\)?\s*(?P<off>[+-]\s*\d{1,2}:?(?:\d\d)?)?(?!\d)"
    r"|(?P<sign>[+-])\s*(?P<oh>\d{1,2})(?::?(?P<om>\d\d))?(?!\d))"
)
# All of a field in the form that most listings use, read without looking for others.
_ISO_FIELD = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?:(?P<zulu>[Zz])|(?P<sign>[+-])(?P<oh>\d\d):?(?P<om>\d\d)?)?)?$",
    re.A,
)
_FIRST_YEAR, _LAST_YEAR = 1800, 2200
_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = re.compile(r"1\d{9}(?:\d{3})?(?:\.\d+)?")
_AFTERNOON = frozenset(("pm", "م", "مساء", "مساءا", "عصرا", "下午", "오후", "بظ", "بعد از ظهر"))
_NEAR = 32
"""Characters between a date and its time, at most."""
_WORD = re.compile(r"[^\W\d_]+(?:[-\u200c][^\W\d_]+)*\.?|\d+")


def parse_moment(
    text: str, zone: str | tzinfo = UTC, *, month_first: bool = False
) -> Moment | None:
    """Return the date that a date field holds, or None.

    A field is a meta element, a `datetime` attribute, a label's value.

    Args:
        text: the field; what stands around the date in it is ignored.
        zone: where a time without offset is meant.
        month_first: read 03/04/2026 as the American press does.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        seconds = float(text) / (1000 if len(text.partition(".")[0]) == 13 else 1)
        at = datetime.fromtimestamp(int(seconds), UTC)
        return Moment(at.astimezone(_zone(zone)).date(), at, "second")
    found = find_moments(text[:400], zone, month_first=month_first, compact=True)
    return found[0] if found else None


def find_moments(
    text: str, zone: str | tzinfo = UTC, *, month_first: bool = False, compact: bool = False
) -> list[Moment]:
    """Return the dates in a text, in its order.

    Args:
        text: any text.
        zone: where a time without offset is meant.
        month_first: read 03/04/2026 as the American press does.
        compact: read 20231227 and 20231227T103000Z as dates too.
    """
    found = _find if len(text) > _LINE else _find_in_line
    return [moment for moment, _, _ in found(fold(text), _zone(zone), month_first, compact)]


@lru_cache(maxsize=4096)  # the lines of a site's menus are looked at on each of its pages
def _find_in_line(
    folded: str, zone: tzinfo | None, month_first: bool, compact: bool
) -> list[tuple[Moment, int, int]]:
    return _find(folded, zone, month_first, compact)


def parse_listed(text: str | None) -> Moment | None:
    """Return the date that a field of a feed or sitemap says, or None.

    Stricter than `parse_moment`: a file for programs has one form for all its dates, so one that
    can be read two ways (11/12/2026), a number of seconds and the epoch itself, which content
    systems write for "none", are no date. A time without a zone stays without one.

    Args:
        text: as the file writes it.
    """
    return _listed(text.strip()[:200]) if text else None


@lru_cache(maxsize=4096)  # a listing says the same times again and again
def _listed(text: str) -> Moment | None:
    iso = _ISO_FIELD.match(text)
    if iso:
        moment = _iso_moment(iso)
    else:
        found = _find(fold(text), None, False, True, numeric=False)
        moment = found[0][0] if found else None
    if moment is None or (moment.day == _EPOCH_DAY and (not moment.at or not moment.at.hour)):
        return None
    return moment


def _iso_moment(match: re.Match[str]) -> Moment | None:
    """Return what an ISO date says; a faulty time leaves the day standing."""
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None  # another calendar's year, or a content system's way to say "none"
    try:
        written = date(year, month, day)
    except ValueError:
        return None
    if match["hour"] is None:
        return Moment(written, None, "day")
    micro = int((match["fraction"] or "0").ljust(6, "0")[:6])
    second = int(match["second"]) if match["second"] else None
    zone: tzinfo | None = None
    if match["zulu"]:
        zone = UTC
    elif match["sign"]:
        minutes = int(match["oh"]) * 60 + int(match["om"] or 0)
        zone = _fixed(-minutes if match["sign"] == "-" else minutes)
    clock = int(match["hour"]), int(match["minute"]), None if second is None else min(second, 59)
    try:
        moment = _moment(written, clock, zone)
    except ValueError:  # 24:00, 12:61
        return Moment(written, None, "day")
    return replace(moment, at=moment.at.replace(microsecond=micro)) if moment.at else moment


def is_date_line(text: str) -> bool:
    """Say whether a line holds a date and nothing else but its weekday, time and zone."""
    if len(text) > 120:
        return False
    folded = fold(text)
    found = _find(folded, UTC, False, False)
    if not found:
        return False
    for _, first, last in reversed(found):
        folded = folded[:first] + " " + folded[last:]
    folded = _TIME.sub(" ", folded)
    return all(
        word.rstrip(".") in _BESIDE or word in _MONTH or word in _ZONES_BY_NAME
        for word in _WORD.findall(folded)
    )


def _find(
    folded: str, zone: tzinfo | None, month_first: bool, compact: bool, numeric: bool = True
) -> list[tuple[Moment, int, int]]:
    if not _DIGIT.search(folded):
        return []
    spans: list[tuple[int, int, date, re.Match[str]]] = []

    def add(match: re.Match[str], year: str, month: int, day: str) -> None:
        if any(match.start() < e and s < match.end() for s, e, _, _ in spans):
            return
        number = int(year)
        if len(year) == 2:  # as RFC 822 is read
            number += 2000 if number < 69 else 1900
        try:
            spans.append((match.start(), match.end(), date(number, month, int(day)), match))
        except ValueError:
            return  # 31 February: not a date

    for match in _ISO.finditer(folded):
        add(match, match["year"], int(match["month"]), match["day"])
    for pattern in _NAMED if _LONG_YEAR.search(folded) else _NAMED_OF_SHORT_YEAR:
        for match in pattern.finditer(folded):
            name = match["month"]
            add(match, match["year"], int(name) if name.isdigit() else _MONTH[name], match["day"])
    for match in _NUMERIC.finditer(folded) if numeric else ():
        a, b = int(match["a"]), int(match["b"])
        if b > 12 or (month_first and a <= 12 and match["sep"] == "/"):
            a, b = b, a
        add(match, match["year"], b, str(a))
    if compact and not spans:
        for match in _COMPACT.finditer(folded):
            add(match, match["year"], int(match["month"]), match["day"])
    if not spans and _OTHER_CENTURY.search(folded):
        spans += _other_calendars(folded, numeric)
    spans.sort(key=lambda s: s[0])
    out = []
    for n, (first, last, day, match) in enumerate(spans):
        floor = spans[n - 1][1] if n else 0
        ceiling = spans[n + 1][0] if n + 1 < len(spans) else len(folded)
        moment, first, last = _with_time(folded, first, last, day, match, floor, ceiling, zone)
        out.append((moment, first, last))
    return out


_OTHER_CENTURY = re.compile(r"1[34]\d\d")


def _other_calendars(folded: str, numeric: bool) -> Iterator[tuple[int, int, date, re.Match[str]]]:
    for match in _OTHER_NAMED.finditer(folded):
        name, year, number = match["month"], int(match["year"]), int(match["day"])
        day = (
            hijri_day(year, HIJRI_MONTHS[name], number)
            if name in HIJRI_MONTHS
            else jalali_day(year, JALALI_MONTHS[name], number)
        )
        if day:
            yield match.start(), match.end(), day, match
    for match in _OTHER_NUMERIC.finditer(folded) if numeric else ():
        year, month, number = (int(match[k] or match[f"{k}2"]) for k in ("year", "month", "day"))
        if year in _JALALI_OF_NOW:
            written = jalali_day(year, month, number)
        else:
            written = hijri_day(year, month, number) if year in _HIJRI_OF_NOW else None
        if written:
            yield match.start(), match.end(), written, match


def _with_time(
    folded: str,
    first: int,
    last: int,
    day: date,
    match: re.Match[str],
    floor: int,
    ceiling: int,
    zone: tzinfo | None,
) -> tuple[Moment, int, int]:
    named = match.re.groupindex
    if "hour" in named and match["hour"]:
        seconds = int(match["second"]) if match["second"] else None
        written = (int(match["hour"]), int(match["minute"]), seconds)
        if "zone" in named:
            offset, end = (
                (_offset(match["zone"], 0, len(match["zone"]))[0] if match["zone"] else None),
                last,
            )
        else:
            offset, end = _offset(folded, last, ceiling)
        return _moment(day, written, offset or zone), first, end
    after = _TIME.search(folded, last, min(ceiling, last + _NEAR + 8))
    if (
        after
        and after.start() - last <= _NEAR
        and not re.search(r"\d|[.!?؟]\s", folded[last : after.start()])
    ):
        clock = _clock(after)
        if clock:
            offset, end = _offset(folded, after.end(), ceiling)
            return _moment(day, clock, offset or zone), first, end
    before = None
    for match_before in _TIME.finditer(folded, max(floor, first - _NEAR - 12), first):
        before = match_before  # the last one counts
    if before:
        between = folded[before.end() : first]
        clock = _clock(before)
        if clock and not re.search(r"\d(?!\d?:)|[.!?؟]\s", re.sub(r"[+-]\d[\d:]*", "", between)):
            offset, _ = _offset(folded, before.end(), first)
            return _moment(day, clock, offset or zone), before.start(), last
    zone_match = _ZONE.match(folded, last, ceiling)
    if zone_match and (zone_match["name"] or "") in _ZONES_BY_NAME:
        last = zone_match.end()
    return Moment(day, None, "day"), first, last


def _clock(match: re.Match[str]) -> tuple[int, int, int | None] | None:
    hour = int(match["hour"] or match["hour2"])
    half = (match["half"] or match["half2"] or "").replace(".", "")
    noon = half == "ظهرا" and hour < 10
    if noon or (half in _AFTERNOON and hour < 12):
        hour += 12
    elif half in ("am", "ص", "صباحا", "فجرا", "上午", "오전", "قظ") and hour == 12:
        hour = 0
    elif half == "ليلا" and hour <= 12:
        hour = (hour + 12) % 24 if hour >= 6 else hour
    if hour > 23:
        return None
    return (
        hour,
        int(match["minute"] or match["minute2"] or 0),
        int(match["second"]) if match["second"] else None,
    )


def _offset(folded: str, start: int, stop: int) -> tuple[tzinfo | None, int]:
    match = _ZONE.match(folded, start, stop)
    if not match:
        return None, start
    if match["city"]:
        name = _ZONES_BY_CITY.get(match["city"])
        return (ZoneInfo(name), match.end()) if name else (None, start)
    if match["sign"]:
        minutes = int(match["oh"]) * 60 + int(match["om"] or 0)
        return _fixed(-minutes if match["sign"] == "-" else minutes), match.end()
    known = _ZONES_BY_NAME.get(match["name"])
    if known is None:
        return None, start
    if match["off"] and match["name"] in ("utc", "gmt", "z", "ut"):
        digits = re.sub(r"[\s:]", "", match["off"])
        hours, rest = (digits[1:3], digits[3:]) if len(digits) > 3 else (digits[1:], "")
        known = int(hours) * 60 + int(rest or 0)
        known = -known if digits[0] == "-" else known
        return _fixed(known), match.end()
    return _fixed(known), match.end("name")


def _fixed(minutes: int) -> tzinfo | None:
    return timezone(timedelta(minutes=minutes)) if abs(minutes) <= 14 * 60 else None


def _moment(day: date, clock: tuple[int, int, int | None], zone: tzinfo | None) -> Moment:
    hour, minute, second = clock
    at = datetime(day.year, day.month, day.day, hour, minute, second or 0, tzinfo=zone)
    if zone is not None:
        try:
            at = at.astimezone(UTC)
        except OverflowError:  # at the ends of the calendar
            return Moment(day, None, "day")
    return Moment(day, at, "minute" if second is None else "second")


def first_possible(moments: Iterable[Moment | None], latest: datetime) -> Moment | None:
    """Return the first moment that is not after `latest`; a day counts from its first instant.

    Args:
        moments: candidates, best evidence first.
        latest: when the page was captured, with the slack that is allowed for clocks.
    """
    for moment in moments:
        if moment is None or moment.day.year < 1990:
            continue
        start = moment.at or datetime(
            moment.day.year, moment.day.month, moment.day.day, tzinfo=UTC
        ) - timedelta(hours=14)
        if start <= latest:
            return moment
    return None


@lru_cache(maxsize=256)
def _zone(zone: str | tzinfo) -> tzinfo:
    return ZoneInfo(zone) if isinstance(zone, str) else zone
