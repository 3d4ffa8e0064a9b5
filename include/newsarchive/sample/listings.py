"""What the newspapers show at a moment: which pages, and the feeds and sitemaps that list them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import unquote
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from newsarchive.days import bounds
from newsarchive.sample.generate import ENGLISH, SEED, Paper, Story, day

DAYS_SHOWN = 60
"""How many whole UTC days before the running one are shown."""
FEED_LENGTH = 20
BRIEF_LENGTH = 3
"""Entries of a feed so short that a poll that is lost loses some of them."""
NEWS_HOURS = 48
"""How far back a news sitemap goes."""

_ONE_DAY = timedelta(days=1)
_SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def first_day(now: datetime) -> date:
    """Return the oldest run day that is shown."""
    return now.astimezone(UTC).date() - timedelta(days=DAYS_SHOWN)


def is_out(story: Story, now: datetime) -> bool:
    """Say whether a page was published, and is not yet too old to be shown."""
    return story.published_at <= now and story.run_day >= first_day(now)


def shown(story: Story, now: datetime) -> bool:
    """Say whether a page is out, and was not deleted: what listings list."""
    return is_out(story, now) and not story.state(now).deleted


def published_between(
    paper: Paper, since: datetime, until: datetime, now: datetime, seed: int = SEED
) -> list[Story]:
    """Return what is shown of the pages published after `since` and by `until`, newest first."""
    on, stories = until.date(), list[Story]()
    while on >= since.date():
        stories += [s for s in reversed(day(paper, on, seed)) if since < s.published_at <= until]
        on -= _ONE_DAY
    return [s for s in stories if shown(s, now)]


def newest(paper: Paper, now: datetime, seed: int = SEED, length: int = FEED_LENGTH) -> list[Story]:
    """Return the pages of the feeds, newest first."""
    return published_between(paper, now - 6 * _ONE_DAY, now, now, seed)[:length]


def recent(paper: Paper, now: datetime, seed: int = SEED) -> list[Story]:
    """Return the pages of the news sitemap, newest first."""
    return published_between(paper, now - timedelta(hours=NEWS_HOURS), now, now, seed)


def of_local_date(paper: Paper, on: date, now: datetime, seed: int = SEED) -> list[Story] | None:
    """Return the pages of a date of the newspaper's own calendar, earliest first.

    None when that date has no sitemap: it is still to come, or too old.
    """
    zone = ZoneInfo(paper.zone)
    if not on <= paper.local(now).date():
        return None
    next_midnight = datetime(on.year, on.month, on.day, tzinfo=zone).replace(hour=0) + _ONE_DAY
    if next_midnight.astimezone(UTC) <= bounds(first_day(now))[0]:
        return None
    around = [s for n in (-1, 0, 1) for s in day(paper, on + n * _ONE_DAY, seed)]
    return [s for s in around if s.local_date == on and shown(s, now)]


def changed_at(stories: Iterable[Story], now: datetime) -> datetime | None:
    """Return when one of the pages last changed, as of `now`."""
    return max((s.state(now).since for s in stories), default=None)


def listed_date(story: Story) -> str:
    """Return the publication date as sitemaps write it: local time with offset, or a date."""
    local = story.paper.local(story.published_at)
    return local.date().isoformat() if story.listed_by_date else local.isoformat()


def lastmod(story: Story, now: datetime) -> datetime | None:
    """Return the time of the last change that sitemaps give.

    None for an entry that has a date alone, until it changes.
    """
    since = story.state(now).since
    return None if story.listed_by_date and since == story.published_at else since


def sitemap(stories: Iterable[Story], now: datetime, base_url: str) -> str:
    """Return a sitemap with publication dates and titles."""
    entries = []
    for story in stories:
        changed = lastmod(story, now)
        modified = f"<lastmod>{story.paper.local(changed).isoformat()}</lastmod>" if changed else ""
        entries.append(
            f"<url><loc>{escape(base_url + story.listed_path(now))}</loc>{modified}<news:news>"
            f"<news:publication><news:name>{escape(story.paper.title)}</news:name>"
            f"<news:language>{story.language}</news:language></news:publication>"
            f"<news:publication_date>{listed_date(story)}</news:publication_date>"
            f"<news:title>{escape(story.state(now).title)}</news:title></news:news></url>\n"
        )
    return f"{_HEAD}<urlset {_SITEMAP} {_NEWS}>\n{''.join(entries)}</urlset>\n"


def sitemap_index(children: Iterable[tuple[str, datetime | None]]) -> str:
    """Return an index of sitemaps: address and time of the last change of each."""
    entries = "".join(
        f"<sitemap><loc>{escape(url)}</loc>"
        + (f"<lastmod>{changed.isoformat()}</lastmod>" if changed else "")
        + "</sitemap>\n"
        for url, changed in children
    )
    return f"{_HEAD}<sitemapindex {_SITEMAP}>\n{entries}</sitemapindex>\n"


def every_sitemap(paper: Paper, now: datetime, base_url: str, seed: int = SEED) -> str:
    """Return the index of all sitemaps: the news sitemap and one for each local date shown."""
    root = f"{base_url}/{paper.path}"
    children = [(f"{root}/news-sitemap.xml", changed_at(recent(paper, now, seed), now))]
    on = paper.local(now).date()
    while (stories := of_local_date(paper, on, now, seed)) is not None:
        children.append((f"{root}/sitemap-{on}.xml", changed_at(stories, now)))
        on -= _ONE_DAY
    return sitemap_index(children)


def halves(paper: Paper, now: datetime, seed: int = SEED) -> tuple[list[Story], list[Story]]:
    """Return the pages of the last 24 hours, and those of the news sitemap before them."""
    stories = recent(paper, now, seed)
    return (
        [s for s in stories if s.published_at > now - _ONE_DAY],
        [s for s in stories if s.published_at <= now - _ONE_DAY],
    )


def news_index(paper: Paper, now: datetime, base_url: str, seed: int = SEED) -> str:
    """Return the index of the news sitemap in two parts."""
    return sitemap_index(
        (f"{base_url}/{paper.path}/news-{part}.xml", changed_at(stories, now))
        for part, stories in enumerate(halves(paper, now, seed), 1)
    )


def rss(
    paper: Paper, now: datetime, base_url: str, seed: int = SEED, length: int = FEED_LENGTH
) -> str:
    """Return the RSS feed; its links have tracking parameters, and Arabic letters as such."""
    items = []
    for story in newest(paper, now, seed, length):
        moment = story.published_at if paper is ENGLISH else paper.local(story.published_at)
        path = story.listed_path(now)
        path = unquote(path) if paper.language == "ar" else path
        link = f"{base_url}{path}?utm_source=rss&utm_medium=feed&utm_campaign={paper.path}"
        items.append(
            f"<item><title><![CDATA[{story.state(now).title}]]></title><link>{escape(link)}</link>"
            f'<guid isPermaLink="false">{paper.name}-{story.number}</guid>'
            f"<pubDate>{format_datetime(moment)}</pubDate>"
            f"<description>{escape(story.summary)}</description></item>\n"
        )
    return (
        f'{_HEAD}<rss version="2.0"><channel><title>{escape(paper.title)}</title>'
        f"<link>{base_url}/{paper.path}/</link><description>{escape(paper.title)}</description>"
        f"<language>{paper.language}</language>\n{''.join(items)}</channel></rss>\n"
    )


def atom(paper: Paper, now: datetime, base_url: str, seed: int = SEED) -> str:
    """Return the Atom feed; its links are relative."""
    stories = newest(paper, now, seed)
    changed = changed_at(stories, now) or now
    entries = "".join(
        f"<entry><id>tag:{paper.name},2026:{s.number}</id><title>{escape(s.state(now).title)}</title>"
        f'<link rel="alternate" href="{s.listed_path(now)}?utm_source=atom"/>'
        f"<published>{s.published_at:%Y-%m-%dT%H:%M:%SZ}</published>"
        f"<updated>{s.state(now).since:%Y-%m-%dT%H:%M:%SZ}</updated>"
        f"<summary>{escape(s.summary)}</summary></entry>\n"
        for s in stories
    )
    return (
        f'{_HEAD}<feed xmlns="http://www.w3.org/2005/Atom"><title>{escape(paper.title)}</title>'
        f"<id>{base_url}/{paper.path}/</id><updated>{changed:%Y-%m-%dT%H:%M:%SZ}</updated>"
        f'<link rel="self" href="{base_url}/{paper.path}/atom.xml"/>\n{entries}</feed>\n'
    )
