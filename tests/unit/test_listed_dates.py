"""Dates as listings write them."""

from datetime import UTC, date, datetime

import pytest

from newsarchive.text.dates import parse_listed

DAY = date(2026, 11, 22)
NINE = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOON_SOMEWHERE = datetime(2026, 11, 22, 12, 0)


def said(text: str) -> tuple[date, datetime | None] | None:
    moment = parse_listed(text)
    return (moment.day, moment.at) if moment else None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00+03:00",
        "2026-11-22T12:00+03:00",
        "2026-11-22 12:00:00 +0300",
        "2026-11-22T12:00:00.000+03",
        "20261122T120000+0300",
        "2026-11-22T09:00:00Z",
        "2026/11/22 09:00 UTC",
        "Sun, 22 Nov 2026 12:00:00 +0300",
        "Sun, 22 Nov 26 12:00:00 +0300",
        "22 November 2026 12:00 GMT+3",
        "Sun, 22 Nov 2026 12:00:00 UTC+03:00",
        "Sun, 22 Nov 2026 09:00:00 GMT",
        "Sun, 22 Nov 2026 04:00:00 EST",
        "Sun, 22 Nov 2026 11:00:00 EET",
        "Sun, 22 Nov 2026 12:00:00 +0300 (Arabia Standard Time)",
        "Sun Nov 22 12:00:00 +0300 2026",
        "Nov 22, 2026 12:00 PM +03:00",
        "November 22nd, 2026, 9:00 am UTC",
        "dim., 22 nov. 2026 10:00:00 +0100",
        "Mar, 22 nov 2026 10:00:00 +0100",
        "Вс, 22 ноя 2026 12:00:00 +0300",
        "22 Kasım 2026 12:00 +0300",
        "الأحد، 22 نوفمبر 2026 12:00:00 +0300",
        "الأحد ٢٢ نوفمبر ٢٠٢٦ ١٢:٠٠ +0300",
        "22 تشرين الثاني 2026 12:00 +0300",
        "22 تشرين الثاني/نوفمبر 2026 12:00 م +0300",
        "\u200f22 نونبر 2026 9:00 ص UTC",
        "2026年11月22日 18:00 JST",
    ],
)
def test_a_time_with_a_zone(text: str) -> None:
    assert said(text) == (DAY, NINE)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00",
        "2026-11-22 12:00",
        "Sun, 22 Nov 2026 12:00:00",
        "Sun, 22 Nov 2026 12:00:00 IST",  # Ireland, Israel or India
        "Sun, 22 Nov 2026 12:00:00 AST",  # Arabia or the Atlantic
        "22 نوفمبر 2026 12:00 م",
    ],
)
def test_a_time_without_a_zone_gets_none(text: str) -> None:
    assert said(text) == (DAY, NOON_SOMEWHERE)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "20261122",
        "2026/11/22",
        "22 Nov 2026",
        "22 نوفمبر 2026",
        "2026-11-22T24:30:00Z",
        "2026-11-22T99:99",
    ],
)
def test_a_date_without_a_time(text: str) -> None:
    assert said(text) == (DAY, None)


def test_the_day_stays_as_written_whatever_the_offset() -> None:
    assert said("2026-11-22T00:30:00+03:00") == (
        DAY,
        datetime(2026, 11, 21, 21, 30, tzinfo=UTC),
    )


def test_future_dates_stay() -> None:
    assert said("2126-11-22") == (date(2126, 11, 22), None)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026",
        "2026-11",
        "November 2026",
        "2026-13-45",
        "31 Feb 2026",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00+03:00",
        "9999-12-31T23:59:59-12:00",
        "1970-01-01T00:00:00Z",
        "1448-06-12",  # of another calendar
        "11/12/2026",  # which is the month?
        "1795341600",
        "x" * 5000,
        "٠",
        "²²-¹¹-2026",
    ],
)
def test_what_is_no_date(text: str | None) -> None:
    assert parse_listed(text) is None


def test_a_time_says_how_exact_it_is() -> None:
    assert [
        (m.precision if (m := parse_listed(text)) else None)
        for text in ("2026-11-22", "2026-11-22T12:00Z", "2026-11-22T12:00:09Z")
    ] == ["day", "minute", "second"]


@pytest.mark.parametrize("name", ["kasım", "KASIM", "Kasim", "Kas", "Νοε", "нояб", "novembre"])
def test_months_with_and_without_accents(name: str) -> None:
    assert said(f"22 {name} 2026") == (DAY, None)
