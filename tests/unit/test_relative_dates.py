"""Dates that count from now."""

from datetime import UTC, date, datetime

import pytest

from newsarchive.text.relative_dates import parse_relative

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)
CAIRO = "Africa/Cairo"  # two hours ahead


def at(hour: int, minute: int = 34) -> datetime:
    return datetime(2026, 11, 22, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("3 hours ago", "3h ago", "3h", "3 hrs ago", "(3 hours ago)", "about 3 hours ago"),
        *("منذ ٣ ساعات", "قبل 3 ساعات", "منذ 3 ساعات", "منذ حوالي ٣ ساعات", "مُنذ ۳ ساعات"),
        *("۳ ساعت پیش", "3 گھنٹے پہلے", "לפני 3 שעות", "πριν από 3 ώρες"),
        *("il y a 3 heures", "hace 3 horas", "há 3 horas", "3 ore fa", "acum 3 ore"),
        *("vor 3 Stunden", "3 uur geleden", "för 3 timmar sedan", "for 3 timer siden"),
        *("3 saat önce", "3 jam yang lalu", "3 giờ trước", "3 घंटे पहले", "৩ ঘণ্টা আগে"),
        *("3 часа назад", "3 години тому", "3 godziny temu", "před 3 hodinami"),
        *("3小时前", "3小時前", "3 時間前", "3시간 전"),
    ],
)
def test_hours_ago(text: str) -> None:
    moment = parse_relative(text, NOW, CAIRO)
    assert moment and (moment.day, moment.at) == (date(2026, 11, 22), at(9))
    assert moment.precision == "minute"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("منذ ساعة", at(11)),
        ("قبل ساعة واحدة", at(11)),
        ("منذ ساعتين", at(10)),
        ("منذ دقيقتين", at(12, 32)),
        ("منذ 20 دقيقة", at(12, 14)),
        ("منذ ساعة و 20 دقيقة", at(11, 14)),
        ("1 hour 20 minutes ago", at(11, 14)),
        ("an hour ago", at(11)),
        ("un'ora fa", at(11)),
        ("vor einer Stunde", at(11)),
        ("час назад", at(11)),
        ("15分前", at(12, 19)),
        ("just now", at(12)),
        ("الآن", at(12)),
    ],
)
def test_one_two_and_several_units(text: str, time: datetime) -> None:
    moment = parse_relative(text, NOW, CAIRO)
    assert moment and moment.at == time


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("yesterday", 21),
        ("أمس", 21),
        ("منذ يوم", 21),
        ("منذ يومين", 20),
        ("قبل 3 أيام", 19),
        ("منذ أسبوع", 15),
        ("3日前", 19),
        ("2d", 20),
        ("vorgestern", 20),
        ("اليوم", 22),
        ("今天", 22),
        ("i går", 21),
    ],
)
def test_days_give_no_time(text: str, day: int) -> None:
    moment = parse_relative(text, NOW, CAIRO)
    assert moment and (moment.day, moment.at) == (date(2026, 11, day), None)
    assert moment.precision == "day"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Yesterday at 14:30", datetime(2026, 11, 21, 12, 30, tzinfo=UTC)),
        ("أمس 02:30 م", datetime(2026, 11, 21, 12, 30, tzinfo=UTC)),
        ("gestern, 14:30 Uhr", datetime(2026, 11, 21, 12, 30, tzinfo=UTC)),
        ("昨天 14:30", datetime(2026, 11, 21, 12, 30, tzinfo=UTC)),
        ("اليوم، 10:15 ص", datetime(2026, 11, 22, 8, 15, tzinfo=UTC)),
    ],
)
def test_a_day_and_its_time_are_in_the_zone(text: str, time: datetime) -> None:
    moment = parse_relative(text, NOW, CAIRO)
    assert moment and moment.at == time


def test_the_day_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    today, ago = parse_relative("today", late, CAIRO), parse_relative("30 minutes ago", late, CAIRO)
    assert today and today.day == date(2026, 11, 23)
    assert ago and (ago.day, ago.at) == (date(2026, 11, 23), at(22, 30))


@pytest.mark.parametrize(
    "text",
    [
        *("", "3 months ago", "قبل شهر", "a year ago", "today's news", "Today in history"),
        *("4 people", "3 hours", "hour", "2026", "99999 weeks ago", "اليوم السابع", "x" * 500),
        *("قبل الانتخابات", "3 hours ago we met", "yesterday and today"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert parse_relative(text, NOW, CAIRO) is None
