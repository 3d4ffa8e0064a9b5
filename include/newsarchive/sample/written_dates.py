"""Dates as newspapers write them for readers, and the names of days and months."""

from datetime import date, datetime

ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

# Monday first, as date.weekday() counts.
WEEKDAYS = {
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_EGYPTIAN = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
]
_LEVANTINE = [
    "كانون الثاني",
    "شباط",
    "آذار",
    "نيسان",
    "أيار",
    "حزيران",
    "تموز",
    "آب",
    "أيلول",
    "تشرين الأول",
    "تشرين الثاني",
    "كانون الأول",
]
_ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_ENGLISH_SHORT = [
    "Jan.",
    "Feb.",
    "March",
    "April",
    "May",
    "June",
    "July",
    "Aug.",
    "Sept.",
    "Oct.",
    "Nov.",
    "Dec.",
]
STYLES = 3


def months(language: str, levantine: bool = False) -> list[str]:
    """Return the twelve names of months."""
    if language == "ar":
        return _LEVANTINE if levantine else _EGYPTIAN
    return _ENGLISH


def written_day(day: date, language: str, style: int = 0, levantine: bool = False) -> str:
    """Write a date for readers, as `٢٢ نوفمبر ٢٠٢٦` or `Sunday, November 22, 2026`.

    Args:
        day: the date to write.
        language: ar or en.
        style: 0 to 2, one of the ways in use.
        levantine: Arabic month names of the Levant instead of Egypt's.
    """
    weekday = WEEKDAYS[language][day.weekday()]
    if language == "ar":
        plain = f"{day.day} {months('ar', levantine)[day.month - 1]} {day.year}"
        return [f"{weekday} {plain}", plain, f"{weekday}، {plain}"][style].translate(ARABIC_INDIC)
    plain = f"{months('en')[day.month - 1]} {day.day}, {day.year}"
    short = f"{_ENGLISH_SHORT[day.month - 1]} {day.day}, {day.year}"
    return [plain, short, f"{weekday}, {plain}"][style]


def written_time(
    moment: datetime, language: str, style: int = 0, levantine: bool = False, zone: str = ""
) -> str:
    """Write a local time, as `٢٢ نوفمبر ٢٠٢٦ - ٠٩:٣٥ م` or `Nov. 22, 2026 4:35 PM ET`.

    Args:
        moment: the local time, on the clock that readers see.
        language: ar or en.
        style: 0 to 2, one of the ways in use.
        levantine: Arabic month names of the Levant instead of Egypt's.
        zone: name of the zone's clock to write behind English times, as ET; empty: none.
    """
    day = written_day(moment.date(), language, style, levantine)
    hour = moment.hour % 12 or 12
    if language == "ar":
        clock = [
            f" - {moment:%H:%M}",
            f" - {hour:02}:{moment:%M} {'ص' if moment.hour < 12 else 'م'}",
            f"، {hour}:{moment:%M} {'صباحًا' if moment.hour < 12 else 'مساءً'}",
        ][style]
        return day + clock.translate(ARABIC_INDIC)
    zone = f" {zone}" if zone else ""
    return (
        day
        + [
            f" at {hour}:{moment:%M} {'a.m.' if moment.hour < 12 else 'p.m.'}{zone}",
            f" {hour}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}{zone}",
            f", {moment:%H:%M}{zone}",
        ][style]
    )
