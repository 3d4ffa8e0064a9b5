"""News pages of realistic size, written by us: the sample newspapers' articles inside a site.

Between the tags of a sample page comes what real pages carry around the text: a mega-menu, styles,
scripts with state, tracking and icons, teasers of other articles, comments, a fat footer. Measured
on several hundred real newspapers' pages, the middle one has 129 KB, 840 elements, 156 links and
21 KB of scripts; these have 40 to 150 KB, and the rest in proportion.

Every page is a pure function of the host's number and its own.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from html import escape

from newsarchive.sample.generate import PAPERS, Kind, Paper, Story, day
from newsarchive.sample.pages import payload

DAY = date(2026, 11, 22)
"""The run day of every page."""
_NOW = datetime.combine(DAY + timedelta(days=1), time(), UTC)
_SECTIONS = ("world", "local", "politics", "business", "sport", "culture", "science", "opinion")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a host."""

    path: str
    listed_at: datetime
    title: str
    html: str


@dataclass(frozen=True, slots=True)
class _Site:
    """What all pages of a host have in common."""

    head: str
    top: str
    foot: str


def pages_of(host: int, count: int, base_url: str) -> list[Page]:
    """Return the pages that a host publishes on `DAY`, earliest first.

    Args:
        host: its number; even ones are Arabic, odd ones English.
        count: how many pages.
        base_url: scheme, name and port of the host.
    """
    paper = PAPERS[host % len(PAPERS)]
    rng = _rng(f"host {host}")
    site = _site(paper, host, rng)
    stories = _stories(paper, host)
    made = []
    for number in range(count):
        seed, story = next(stories)
        root = f"{base_url}/{seed}"  # stories of several seeds may have the same path
        made.append(_page(root, f"/{seed}{story.path}", story, site, _rng(f"page {host} {number}")))
    return sorted(made, key=lambda p: (p.listed_at, p.path))


def _rng(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same pages every time


def _stories(paper: Paper, host: int) -> Iterator[tuple[int, Story]]:
    """Ordinary stories without end, their texts as long as a newspaper's."""
    seed = 1_000_000 * (host + 1)
    while True:
        seed += 1
        ordinary = [s for s in day(paper, DAY, seed) if s.kind is Kind.PLAIN]
        ordinary = [s for s in ordinary if s.language == paper.language and s.run_day == DAY]
        for at, story in enumerate(ordinary):
            others = [ordinary[(at + n) % len(ordinary)] for n in range(1, 2 + at % 4)]
            longer = tuple(p for s in others if s is not story for p in s.states[0].paragraphs)
            states = [replace(s, paragraphs=s.paragraphs + longer) for s in story.states]
            yield seed, replace(story, states=tuple(states))


def _page(root: str, path: str, story: Story, site: _Site, rng: random.Random) -> Page:
    html = payload(story, _NOW, root).decode()
    before, footer, after = html.partition("<footer>")
    own = [_state(rng), _teasers(story.paper, rng), _comments(story.paper, rng)]
    html = before.replace("</head>", site.head + own[0] + "</head>", 1)
    html = html.replace('<header class="masthead">', site.top + '<header class="masthead">', 1)
    html += own[1] + own[2] + site.foot + footer + after
    return Page(path, story.published_at, story.title, html)


def _site(paper: Paper, host: int, rng: random.Random) -> _Site:
    styles = "".join(_rule(rng) for _ in range(rng.randint(60, 300)))
    scripts = "".join(_tracker(rng) for _ in range(rng.randint(4, 12)))
    links = "".join(
        f'<link rel="preload" as="{kind}" href="/static/{_token(rng)}">'
        for kind in rng.choices(("font", "script", "style"), k=rng.randint(6, 20))
    )
    head = (
        '<link rel="icon" href="/favicon.ico"><meta name="theme-color" content="#004080">\n'
        f"{links}\n<style>{styles}</style>\n{scripts}\n"
    )
    consent = f"<p>{_words(paper, rng, 18, 30)}</p><button>{_words(paper, rng, 1, 2)}</button>"
    logo = f'<a class="logo" href="/">{_icon(rng)}{escape(paper.title)} {host}</a>'
    search = f'<form class="search"><input name="q"><button>{_icon(rng)}</button></form>'
    menu = "".join(_menu(section, paper, rng) for section in _SECTIONS)
    top = (
        f'<div class="consent-banner" hidden>{consent}</div>\n'
        f'<div class="top-bar">{logo}{search}</div>\n'
        f'<nav class="mega-menu"><ul>{menu}</ul></nav>\n'
    )
    columns = "".join(
        f'<div class="footer-column"><h5>{_words(paper, rng, 1, 2)}</h5>'
        f"{_links('about', rng.randint(5, 9), paper, rng)}</div>\n"
        for _ in range(5)
    )
    social = "".join(
        f'<a class="social" href="https://social.example/{_token(rng)}">{_icon(rng)}</a>'
        for _ in range(6)
    )
    newsletter = f"<h4>{_words(paper, rng, 2, 5)}</h4><p>{_words(paper, rng, 12, 25)}</p><input>"
    foot = (
        f'<div class="newsletter-box">{newsletter}</div>\n'
        f'<div class="site-footer">{columns}<div>{social}</div></div>\n'
    )
    return _Site(head, top, foot + "".join(_tracker(rng) for _ in range(rng.randint(2, 5))))


def _menu(section: str, paper: Paper, rng: random.Random) -> str:
    below = _links(section, rng.randint(4, 10), paper, rng)
    return (
        f'<li class="menu-item"><a href="/{section}/" data-track="nav-{section}">'
        f'<span>{_words(paper, rng, 1, 2)}</span></a><div class="sub-menu">{below}</div></li>\n'
    )


def _links(section: str, count: int, paper: Paper, rng: random.Random) -> str:
    items = "".join(
        f'<li><a href="/{section}/{_token(rng, 6)}/">{_words(paper, rng, 1, 3)}</a></li>'
        for _ in range(count)
    )
    return f"<ul>{items}</ul>"


def _rule(rng: random.Random) -> str:
    return (
        f".{_token(rng)} .{_token(rng, 5)}{{margin:{rng.randint(0, 40)}px;color:#{_token(rng, 6)};"
        f"font:{rng.randint(10, 40)}px/{rng.randint(10, 60)}px serif}}"
    )


def _tracker(rng: random.Random) -> str:
    calls = ";".join(
        f'w["{_token(rng)}"]=w["{_token(rng)}"]||function(){{(w.q=w.q||[]).push("{_token(rng)}")}}'
        for _ in range(rng.randint(3, 14))
    )
    return f"<script>(function(w,d){{{calls}}})(window,document)</script>\n"


def _state(rng: random.Random) -> str:
    """The page's state as its own scripts read it."""
    widgets = [
        {
            "id": _token(rng, 12),
            "type": rng.choice(("ad", "teaser", "poll", "video")),
            "position": rng.randint(1, 40),
            "targeting": {_token(rng, 5): _token(rng, 9) for _ in range(4)},
            "visible": rng.random() < 0.5,
        }
        for _ in range(rng.randint(20, 220))
    ]
    return f"<script>window.__STATE__={json.dumps({'widgets': widgets})}</script>\n"


def _teasers(paper: Paper, rng: random.Random) -> str:
    cards = "".join(_card(paper, rng) for _ in range(rng.randint(20, 70)))
    heading = f"<h2>{_words(paper, rng, 1, 2)}</h2>"
    return f'<section class="more-stories">{heading}<div class="grid">{cards}</div></section>\n'


def _card(paper: Paper, rng: random.Random) -> str:
    address = f"/{rng.choice(_SECTIONS)}/{rng.randint(10**6, 10**7)}"
    small, large = (f"/images/{_token(rng)}-{width}.webp {width}w" for width in (640, 1280))
    picture = (
        f'<picture><source srcset="{small}, {large}">'
        f'<img loading="lazy" src="/images/{_token(rng)}.jpg" alt=""></picture>'
    )
    text = (
        f'<span class="kicker">{_words(paper, rng, 1, 2)}</span>'
        f'<h3>{_words(paper, rng, 5, 11)}</h3><span class="card-time">{_icon(rng)}</span>'
    )
    return (
        f'<article class="card card--{rng.choice("sml")}"><a href="{address}"><figure>{picture}'
        f'</figure><div class="card-body">{text}</div></a></article>\n'
    )


def _comments(paper: Paper, rng: random.Random) -> str:
    entries = "".join(
        f'<li class="comment" id="comment-{n}"><div class="comment-author">'
        f"<b>{_words(paper, rng, 1, 2)}</b></div>"
        f'<div class="comment-text"><p>{_words(paper, rng, 6, 40)}</p></div></li>\n'
        for n in range(rng.choice((0, 0, 2, 5, 12)))
    )
    return f'<section class="comments" id="comments"><ol>{entries}</ol></section>\n'


def _icon(rng: random.Random) -> str:
    points = " ".join(f"{rng.randint(0, 24)}.{rng.randint(0, 99)}" for _ in range(12))
    return f'<svg width="24" height="24" viewBox="0 0 24 24"><path d="M{points}z"/></svg>'


def _words(paper: Paper, rng: random.Random, least: int, most: int) -> str:
    vocabulary = _vocabulary(paper)
    return escape(" ".join(rng.choices(vocabulary, k=rng.randint(least, most))))


@lru_cache
def _vocabulary(paper: Paper) -> list[str]:
    """Words of the newspaper itself."""
    texts = [p for s in day(paper, DAY) for p in s.states[0].paragraphs]
    return sorted({w.strip('.,،:؛”“«»"()') for t in texts for w in t.split()} - {""})


def _token(rng: random.Random, length: int = 8) -> str:
    return "".join(rng.choices("0123456789abcdef", k=length))
