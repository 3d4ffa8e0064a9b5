"""Read dates that count from now: "3 hours ago", "منذ ٣ ساعات", "yesterday at 14:30"."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from newsarchive.text.dates import Moment, is_date_line, parse_moment
from newsarchive.text.folding import fold

_MINUTE, _HOUR, _A_DAY, _WEEK = 60, 3600, 86_400, 7 * 86_400

# Each line: seconds, then the words for that long, as ordinary text; _ stands for a space.
_UNIT_WORDS = f"""
1 second seconds sec secs ثانية ثوان ثواني ثانيه seconde secondes segundo segundos secondo secondi
    sekunde sekunden seconden saniye detik секунду секунды секунд секунда секунди sekundy sekund
    sekunder ثانیه سیکنڈ δευτερόλεπτα שניות सेकंड সেকেন্ড giây 秒 초 secunde sekundami
2 ثانيتين ثانيتان
{_MINUTE} minute minutes min mins دقيقة دقائق دقايق minuto minutos minuti minuut minuten dakika
    menit минуту минуты минут минута хвилину хвилини хвилин minutę minuty minut minuta minutter
    minuter دقیقه منٹ λεπτό λεπτά דקה דקות मिनट মিনিট phút 分 分钟 分鐘 분 minute minutami
{2 * _MINUTE} دقيقتين دقيقتان
{_HOUR} hour hours hr hrs h ساعة ساعات heure heures hora horas ora ore stunde stunden std uur uren
    saat jam час часа часов годину години годин godzinę godziny godzin timme timmar time timer ساعت
    گھنٹہ گھنٹے گھنٹا ώρα ώρες שעה שעות घंटा घंटे ঘণ্টা ঘন্টা giờ 小时 小時 時間 시간 hodinou
    hodinami hodiny
{2 * _HOUR} ساعتين ساعتان שעתיים
{_A_DAY} day days d يوم أيام يوما jour jours día días dia dias giorno giorni tag tage tagen dag
    dagen dagar dage dager gün hari день дня дней дні днів dzień dni روز دن μέρα μέρες ημέρα
    ημέρες יום ימים दिन দিন ngày 天 日 일 zi zile dnem dny dnů
{2 * _A_DAY} يومين يومان יומיים
{_WEEK} week weeks أسبوع أسابيع semaine semaines semana semanas settimana settimane woche wochen
    weken hafta minggu неделю недели недель тиждень тижні тижнів tydzień tygodnie tygodni vecka
    veckor uge uger uke uker هفته ہفتہ ہفتے εβδομάδα εβδομάδες שבוע שבועות सप्ताह সপ্তাহ tuần 周 週
    주 săptămână săptămâni týdnem týdny
{2 * _WEEK} أسبوعين أسبوعان שבועיים
"""
_BEFORE_WORDS = """
    منذ قبل il_y_a depuis hace há ha vor לפני πριν_από πριν acum před för for
"""
_AFTER_WORDS = """
    ago fa geleden önce yang_lalu lalu назад тому پیش قبل پہلے 前 之前 전 temu sedan siden पहले আগে
    trước atrás earlier
"""
_ONE_WORDS = """
    a an one une un una uma einer einem eine ein een bir satu واحدة واحد одну один en ett et jedną
    jeden μία ένα एक একটি một
"""
_ABOUT_WORDS = """
    about around over more_than almost حوالي نحو أكثر_من environ plus_de ca circa etwa rund unas
    unos около
"""
_AND_WORDS = "و and et y e und"
# By how many days a word is back.
_DAY_WORDS = {
    0: """today اليوم aujourd'hui aujourd’hui hoy hoje oggi heute vandaag bugün hari_ini сегодня
        сьогодні dzisiaj dziś idag i_dag امروز آج σήμερα היום आज আজ hôm_nay 今天 今日 오늘 azi
        dnes""",
    1: """yesterday أمس البارحة hier ayer ontem ieri gestern gisteren dün kemarin вчера вчора
        wczoraj igår i_går دیروز χθες χτες אתמול গতকাল hôm_qua 昨天 昨日 어제 včera""",
    2: """anteayer anteontem vorgestern позавчера przedwczoraj avant-hier eergisteren 前天
        一昨日""",
}
_NOW_WORDS = """
    just_now now moments_ago الآن قبل_قليل منذ_قليل à_l'instant à_l’instant ahora agora adesso
    jetzt gerade_eben nu şimdi az_önce baru_saja только_что щойно teraz przed_chwilą هم_اکنون
    ابھی τώρα עכשיו अभी 刚刚 剛剛 たった今 방금 nyss netop
"""
_SHORT_FORM = re.compile(r"(\d{1,2}) ?(m|min|mins|h|hr|hrs|d)")
_SHORT_UNITS = {"m": _MINUTE, "h": _HOUR, "d": _A_DAY}
_MOST = 60
"""Characters of a text that is nothing but a date."""
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"


def _words(text: str) -> list[str]:
    return sorted({_folded(w.replace("_", " ")) for w in text.split()}, key=len, reverse=True)


def _folded(text: str) -> str:
    folded = fold(text)
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in folded)


def _any(text: str) -> str:
    return "|".join(map(re.escape, _words(text)))


def _units() -> dict[str, int]:
    lines = re.sub(r"\n +", " ", _UNIT_WORDS).strip().split("\n")
    return {_folded(word): int(line.split()[0]) for line in lines for word in line.split()[1:]}


_UNITS = _units()
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
# A word ends where its letters do; Chinese, Japanese and Korean leave no space.
_END = rf"(?:(?!\w)|(?<=[{_CJK}])|(?=[{_CJK}]))"
_ONE = re.compile(
    rf"(?:(?P<n>\d{{1,4}})\s?|(?:{_any(_ONE_WORDS)})[ '’])?(?P<unit>{_UNIT}){_END}"
    r"(?: واحده?(?!\w))?"
)
_AMOUNT = re.sub(r"\(\?P<\w+>", "(?:", _ONE.pattern)
_AMOUNTS = rf"(?:{_AMOUNT}(?:[ ,،]*(?:{_any(_AND_WORDS)})?[ ,،]*(?=\d)|))+"
_ABOUT = rf"(?:(?:{_any(_ABOUT_WORDS)})\.? )?"
_AFTER = rf"(?:{_any(_AFTER_WORDS)})"
_AGO = re.compile(
    rf"(?:{_any(_BEFORE_WORDS)})[ :]{{1,2}}{_ABOUT}(?P<first>{_AMOUNTS})(?: {_AFTER})?"
    rf"|{_ABOUT}(?P<second>{_AMOUNTS})\s?{_AFTER}"
)
_DAYS = {word: days for days, text in _DAY_WORDS.items() for word in _words(text)}
_DAY = "|".join(sorted(map(re.escape, _DAYS), key=len, reverse=True))
_DAY_WORD = re.compile(rf"(?:(?<!\w)|(?<=[{_CJK}]))(?:{_DAY}){_END}")
_NOW = frozenset(_words(_NOW_WORDS))
_EDGE = " .,:;،؛|/-–—•·()[]…"


def parse_relative(text: str, now: datetime, zone: str | tzinfo = UTC) -> Moment | None:
    """Return the date that a text counts from now, or None; the text must say nothing else.

    Minutes and hours give a time, rounded down to the minute, days and weeks a day; months and
    years are too vague to give one.

    Args:
        text: as a page shows it beside a headline.
        now: when the page was captured, aware.
        zone: whose days are meant.
    """
    if not text or len(text) > 3 * _MOST:
        return None
    folded = _folded(text).strip(_EDGE)
    if not folded or len(folded) > _MOST:
        return None
    place = ZoneInfo(zone) if isinstance(zone, str) else zone
    if folded in _NOW:
        return _back(0, now, place)
    short = _SHORT_FORM.fullmatch(folded)
    if short:
        return _back(int(short[1]) * _SHORT_UNITS[short[2][0]], now, place)
    ago = _AGO.fullmatch(folded)
    if ago:
        amounts = ago["first"] or ago["second"]
        return _back(
            sum(int(m["n"] or 1) * _UNITS[m["unit"]] for m in _ONE.finditer(amounts)), now, place
        )
    named = _DAY_WORD.search(folded)
    if named is None:
        return None
    day = now.astimezone(place).date() - timedelta(days=_DAYS[named.group()])
    dated = f"{folded[: named.start()]} {day.isoformat()} {folded[named.end() :]}".strip()
    return parse_moment(dated, place) if is_date_line(dated) else None


def _back(seconds: int, now: datetime, zone: tzinfo) -> Moment | None:
    try:
        at = (now - timedelta(seconds=seconds)).astimezone(UTC).replace(second=0, microsecond=0)
        day = at.astimezone(zone).date()
    except OverflowError:  # ten thousand weeks: no date of a newspaper
        return None
    whole_days = seconds and seconds % _A_DAY == 0
    return Moment(day, None, "day") if whole_days else Moment(day, at, "minute")
