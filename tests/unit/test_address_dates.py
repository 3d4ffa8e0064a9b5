"""Dates in addresses of articles and listings."""

from datetime import date

import pytest

from newsarchive.text.address_dates import day_in_path, span_in_url

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://a.example/2026/11/22/slug", DAY),
        ("https://a.example/ar/2026/11/22", DAY),
        ("https://a.example/2026/nov/22/slug", DAY),
        ("https://a.example/2026-11/22/c_1.htm", DAY),
        ("https://a.example/news/2026-11-22-slug.html", DAY),
        ("https://a.example/news/20261122/slug", DAY),
        ("https://a.example/news/22-11-2026", DAY),
        ("https://a.example/news/10-11-2026", None),
        ("https://a.example/2026/11/22-things-to-do", None),
        ("https://a.example/2026/11/slug", None),
        ("https://a.example/2026/13/22/slug", None),
        ("https://a.example/news/202611221234", None),
        ("https://a.example/article-20261122x", None),
        ("https://a.example/story-20261122.html", DAY),
        ("https://a.example/202611/t20261122_1.htm", DAY),
        ("https://a.example/news?d=2026/11/22/", None),
        ("http://[bad", None),
    ],
)
def test_days_in_addresses_of_articles(url: str, day: date | None) -> None:
    assert day_in_path(url) == day


@pytest.mark.parametrize(
    ("url", "span"),
    [
        ("https://a.example/sitemap-2026-11-22.xml", (DAY, DAY)),
        ("https://a.example/sitemap/20261122.xml.gz", (DAY, DAY)),
        ("https://a.example/2026/11/22/sitemap.xml", (DAY, DAY)),
        ("https://a.example/sitemap.xml?yyyy=2026&mm=11&dd=22", (DAY, DAY)),
        ("https://a.example/sitemap-2026-11.xml", (date(2026, 11, 1), date(2026, 11, 30))),
        ("https://a.example/sitemap_202602.xml", (date(2026, 2, 1), date(2026, 2, 28))),
        ("https://a.example/sitemap.xml?yyyy=2026&mm=11", (date(2026, 11, 1), date(2026, 11, 30))),
        ("https://a.example/sitemap-2026.xml", (date(2026, 1, 1), date(2026, 12, 31))),
        ("https://a.example/sitemap-2026-37.xml", (date(2026, 1, 1), date(2026, 12, 31))),
        ("https://a.example/sitemap-12.xml", None),
        ("https://a.example/post-sitemap.xml", None),
    ],
)
def test_days_in_addresses_of_listings(url: str, span: tuple[date, date] | None) -> None:
    assert span_in_url(url) == span
