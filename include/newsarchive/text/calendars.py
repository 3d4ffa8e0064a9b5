"""Days of the Hijri and the Jalali calendar, as newspapers name them."""

from datetime import date, timedelta
from functools import lru_cache

from hijridate import Hijri

from newsarchive.text.folding import fold

# Twelve names a line, the first month first; _ stands for a space.
_HIJRI_NAMES = """
    محرم صفر ربيع_الأول ربيع_الثاني جمادى_الأولى جمادى_الثانية رجب شعبان رمضان شوال ذو_القعدة
        ذو_الحجة
    المحرم صفر ربيع_أول ربيع_الآخر جمادى_الأول جمادى_الآخرة رجب شعبان رمضان شوال ذي_القعدة
        ذي_الحجة
    محرم صفر ربيع_الاول ربيع_ثاني جمادي_الأول جمادي_الآخر رجب شعبان رمضان شوال ذوالقعدة ذوالحجة
    محرم صفر ربیع‌الاول ربیع‌الثانی جمادی‌الاول جمادی‌الثانی رجب شعبان رمضان شوال ذیقعده ذیحجه
    محرم صفر ربیع_الاول ربیع_الثانی جمادی_الاول جمادی_الثانی رجب شعبان رمضان شوال ذی‌القعده
        ذی‌الحجه
    muharram safar rabi_al-awwal rabi_al-thani jumada_al-awwal jumada_al-thani rajab shaban
        ramadan shawwal dhul_qadah dhul_hijjah
    muharram safar rabi_i rabi_ii jumada_i jumada_ii rajab sha'ban ramadan shawwal dhu_al-qadah
        dhu_al-hijjah
"""
_JALALI_NAMES = """
    فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند
    حمل ثور جوزا سرطان اسد سنبله میزان عقرب قوس جدی دلو حوت
"""


def _months(names: str) -> dict[str, int]:
    return {fold(n.replace("_", " ")): at % 12 + 1 for at, n in enumerate(names.split())}


HIJRI_MONTHS = _months(_HIJRI_NAMES)
JALALI_MONTHS = _months(_JALALI_NAMES)
"""Months by folded name."""
_LEAPS_BEFORE_1210 = 294
# The years of the web are told apart by number: Jalali 1370 is 1991, Hijri 1411 is 1990.
_JALALI_YEARS = range(1300, 1411)
_HIJRI_YEARS = range(1343, 1501)
"""Those of the Umm al-Qura tables."""


@lru_cache(maxsize=1024)
def hijri_day(year: int, month: int, day: int) -> date | None:
    """Return the Gregorian day of a Hijri date by the Umm al-Qura calendar, or None for no date.

    Where the month is begun when the moon is seen, the true day may be the one before or after.
    """
    if year not in _HIJRI_YEARS:
        return None
    try:
        return date(*Hijri(year, month, day).to_gregorian().datetuple())
    except (ValueError, OverflowError):
        return None


def jalali_day(year: int, month: int, day: int) -> date | None:
    """Return the Gregorian day of a Jalali (Solar Hijri) date, or None for no date.

    Leap years are those of the calendar's cycles of 33 years, which the equinox keeps to
    throughout the years that are read, 1300 to 1410.
    """
    if year not in _JALALI_YEARS or not 1 <= month <= 12:
        return None
    length = 31 if month <= 6 else 30 if month < 12 or _new_year(year + 1, 366) else 29
    if not 1 <= day <= length:
        return None
    before = (month - 1) * 31 - max(0, month - 7)
    return _nowruz(year) + timedelta(days=before + day - 1)


def _new_year(year: int, days: int) -> bool:
    """Whether the year before this one has so many days."""
    return (_nowruz(year) - _nowruz(year - 1)).days == days


def _nowruz(year: int) -> date:
    """The first day of a Jalali year: 20 or 21 March, or 22 March before 1330."""
    cycles, rest = divmod(year - 1210, 33)
    leaps = _LEAPS_BEFORE_1210 + cycles * 8 + (rest + 3) // 4
    western = year + 621
    western_leaps = western // 4 - (western // 100 + 1) * 3 // 4 - 150
    return date(western, 3, 20 + leaps - western_leaps)
