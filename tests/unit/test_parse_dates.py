"""Dates as newspapers write them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from newsarchive.text.calendars import jalali_day
from newsarchive.text.dates import (
    Moment,
    find_moments,
    first_possible,
    is_date_line,
    parse_moment,
)

CAIRO = "Africa/Cairo"  # two hours before Greenwich in December 2023


@pytest.mark.parametrize(
    "text",
    [
        "27th, December 2023 GMT",
        "2023-12-27",
        "20231227",
        "27/12/2023",
        "12/27/2023",
        "27.12.2023",
        "27-12-2023",
        "27 Dec 2023",
        "27-Dec-23",
        "December 27, 2023",
        "Dec. 27, 2023",
        "Wednesday 27 December 2023",
        "2023/12/27",
        "٢٧ ديسمبر ٢٠٢٣",
        "الأربعاء، 27 كانون الأول 2023",
        "27 كانون الأول/ديسمبر 2023",
        "27 ديسمبر (كانون الأول) 2023",
        "27 دجنبر 2023",
        "27 من ديسمبر 2023",
        "27 ديسمبر، 2023",
        "٢٧/١٢/٢٠٢٣",
        "۲۷ دسامبر ۲۰۲۳",
        "27 دسمبر 2023",
        "27 de diciembre de 2023",
        "27. Dezember 2023",
        "27 décembre 2023",
        "27 dicembre 2023",
        "27 dezembro 2023",
        "27 Aralık 2023",
        "27 декабря 2023 г.",
        "27 grudnia 2023",
        "27 Desember 2023",
        "27 december 2023",
        "2023年12月27日",
        "2023년 12월 27일",
        "27 Δεκεμβρίου 2023",
        "27 דצמבר 2023",
        "27 दिसंबर 2023",
        "14 جمادى الآخرة 1445",
        "الأربعاء ١٤ جمادى الآخرة ١٤٤٥ هـ",
        "14 جمادى الثانية 1445هـ الموافق 27 ديسمبر 2023م",
        "14 من جمادى الآخرة لعام 1445",
        "14/06/1445",
        "1445/06/14 هـ",
        "۶ دی ۱۴۰۲",
        "چهارشنبه ۶ دی ۱۴۰۲",
        "۱۴۰۲/۱۰/۰۶",
        "1402-10-06",
        "6 جدی 1402",
    ],
)
def test_days(text: str) -> None:
    assert parse_moment(text, CAIRO) == Moment(date(2023, 12, 27), None, "day")


@pytest.mark.parametrize(
    ("text", "hour", "minute", "second"),
    [
        ("2023-12-27T10:30:15+02:00", 8, 30, 15),
        ("2023-12-27T10:30:15.123Z", 10, 30, 15),
        ("2023-12-27 10:30:15 +0200", 8, 30, 15),
        ("2023-12-27T10:30:15", 8, 30, 15),
        ("2023-12-27T10:30", 8, 30, None),
        ("20231227T103000Z", 10, 30, 0),
        ("Wed, 27 Dec 2023 10:30:15 GMT", 10, 30, 15),
        ("Wed, 27 Dec 2023 10:30:15 -0500", 15, 30, 15),
        ("Wed Dec 27 10:30:15 EET 2023", 8, 30, 15),
        ("1703673015", 10, 30, 15),
        ("1703673015000", 10, 30, 15),
        ("الأربعاء 27 ديسمبر 2023 - 10:30 ص", 8, 30, None),
        ("27 ديسمبر 2023 الساعة 3:05 م", 13, 5, None),
        ("27 ديسمبر 2023 - 12:05 ص", None, 5, None),
        ("١٠:٣٠ ص، الأربعاء ٢٧ ديسمبر ٢٠٢٣", 8, 30, None),
        ("27 كانون الأول 2023 الساعة 20:15 بتوقيت غرينتش", 20, 15, None),
        ("27 ديسمبر 2023 الساعة 20:15 بتوقيت مكة", 17, 15, None),
        ("10:30 27/12/2023", 8, 30, None),
        ("December 27, 2023 5:04 p.m. EST", 22, 4, None),
        ("27 December 2023 at 10.30am", 8, 30, None),
        ("27. Dezember 2023, 10:30 Uhr", 8, 30, None),
        ("27 décembre 2023 à 10h30", 8, 30, None),
        ("2023-12-27T10:30:15 GMT+2", 8, 30, 15),
        ("2023年12月27日 10:30", 8, 30, None),
        ("6 دی 1402 - 03:05:15 ب.ظ", 13, 5, 15),
    ],
)
def test_times(text: str, hour: int | None, minute: int, second: int | None) -> None:
    moment = parse_moment(text, CAIRO)
    assert moment is not None
    assert moment.day == date(2023, 12, 27)
    assert moment.precision == ("minute" if second is None else "second")
    at = datetime(2023, 12, 26 if hour is None else 27, 22 if hour is None else hour, minute)
    assert moment.at == at.replace(second=second or 0, tzinfo=UTC)


def test_day_stays_as_written() -> None:
    moment = parse_moment("2023-12-27T23:40:00-05:00", CAIRO)
    assert moment == Moment(date(2023, 12, 27), datetime(2023, 12, 28, 4, 40, tzinfo=UTC), "second")


@pytest.mark.parametrize(
    ("name", "month"),
    [
        *(
            ("شباط", 2),
            ("آذار", 3),
            ("نيسان", 4),
            ("أيار", 5),
            ("حزيران", 6),
            ("تموز", 7),
            ("آب", 8),
        ),
        *(("أيلول", 9), ("تشرين الأول", 10), ("تشرين الثاني", 11), ("كانون الثاني", 1)),
        *(
            ("جانفي", 1),
            ("فيفري", 2),
            ("أفريل", 4),
            ("ماي", 5),
            ("جوان", 6),
            ("جويلية", 7),
            ("أوت", 8),
        ),
        *(
            ("يوليوز", 7),
            ("غشت", 8),
            ("شتنبر", 9),
            ("نونبر", 11),
            ("إبريل", 4),
            ("يونيه", 6),
            ("أغسطس", 8),
        ),
    ],
)
def test_arabic_month_names(name: str, month: int) -> None:
    moment = parse_moment(f"3 {name} 2024")
    assert moment is not None
    assert moment.day == date(2024, month, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "غير معروف",
        "31/02/2023",
        "2023-13-45",
        "31 محرم 1445",
        "30 اسفند 1402",
        "14 جمادى الآخرة 1245",
        "12/10/1066",
        "12:30",
        "v1.2.3",
        "+1 555 0100",
    ],
)
def test_no_dates(text: str) -> None:
    assert parse_moment(text) is None


def test_other_calendars_have_times_and_zones() -> None:
    moment = parse_moment("۶ دی ۱۴۰۲ - ۱۰:۳۰", "Asia/Tehran")
    at = datetime(2023, 12, 27, 7, tzinfo=UTC)
    assert moment == Moment(date(2023, 12, 27), at, "minute")
    assert is_date_line("چهارشنبه ۶ دی ۱۴۰۲")
    assert is_date_line("الأربعاء 14 جمادى الآخرة 1445هـ")


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1357, date(1978, 3, 21)),
        (1375, date(1996, 3, 20)),
        (1399, date(2020, 3, 20)),
        (1400, date(2021, 3, 21)),
        (1403, date(2024, 3, 20)),
        (1404, date(2025, 3, 21)),
        (1408, date(2029, 3, 20)),
    ],
)
def test_the_jalali_year_begins_at_the_equinox(year: int, day: date) -> None:
    assert jalali_day(year, 1, 1) == day


def test_leap_years_of_the_jalali_calendar() -> None:
    leap = [y for y in range(1354, 1409) if jalali_day(y, 12, 30)]
    assert leap == [1354, 1358, 1362, 1366, 1370, *range(1375, 1404, 4), 1408]


def test_every_day_has_one_jalali_date() -> None:
    days = [
        day
        for year in range(1330, 1410)
        for month in range(1, 13)
        for number in range(1, 32)
        if (day := jalali_day(year, month, number))
    ]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


def test_month_first() -> None:
    assert parse_moment("03/04/2024", month_first=True) == Moment(date(2024, 3, 4), None, "day")
    assert parse_moment("03/04/2024") == Moment(date(2024, 4, 3), None, "day")
    assert parse_moment("25/04/2024", month_first=True) == Moment(date(2024, 4, 25), None, "day")


def test_dates_in_order() -> None:
    found = find_moments("Published: 27 Dec 2023 | Updated: 28 Dec 2023 at 09:00")
    assert [m.day.day for m in found] == [27, 28]
    assert [m.precision for m in found] == ["day", "minute"]


@pytest.mark.parametrize(
    ("line", "yes"),
    [
        ("الأربعاء 27 ديسمبر 2023 - 10:30 ص", True),
        ("Wednesday, 27 December 2023", True),
        ("27.12.2023, 10:30 Uhr", True),
        ("قال الوزير يوم 27 ديسمبر 2023 إن", False),
        ("Summit on 5 May 2024", False),
        ("Wednesday", False),
    ],
)
def test_date_lines(line: str, yes: bool) -> None:
    assert is_date_line(line) is yes


def test_first_possible() -> None:
    now = datetime(2024, 1, 1, 12, tzinfo=UTC)
    late = Moment(date(2024, 1, 2), now + timedelta(hours=20), "second")
    tomorrow_in_kiribati = Moment(date(2024, 1, 2), None, "day")
    good = Moment(date(2023, 12, 31), None, "day")
    assert first_possible([None, late, good], now) is good
    assert first_possible([tomorrow_in_kiribati], now) is tomorrow_in_kiribati
    assert first_possible([Moment(date(2024, 1, 3), None, "day")], now) is None
