"""The pages of the sample newspapers, as bytes: two layouts each, three ways to tell the fields.

jsonld: a JSON-LD NewsArticle and a canonical link. opengraph: meta elements and a canonical link.
labels: nothing for machines but the title (and in the newer English layout a time element).

Readers see title, dates, authors, section, keywords and origin on every page, at the classes that
the source's dated rules name; the origin stands nowhere else.
"""

import base64
import json
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from newsarchive.sample.generate import (
    ENGLISH,
    Kind,
    Markup,
    Paper,
    State,
    Story,
    embedded_in,
    most_read,
)
from newsarchive.sample.written_dates import written_day, written_time

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC"
)
"""A PNG image of one pixel: every picture of the newspapers."""

CODE_PAGE = {"ar": "windows-1256", "en": "windows-1252"}

_WORDS = {
    "ar": {
        "home": "الرئيسية",
        "by": "كتب:",
        "and": "و",
        "published": "تاريخ النشر:",
        "updated": "آخر تحديث:",
        "source": "المصدر:",
        "keywords": "كلمات مفتاحية:",
        "related": "اقرأ أيضًا",
        "most_read": "الأكثر قراءة",
        "share": "شارك الخبر",
        "ad": "إعلان",
        "photo": "صورة أرشيفية",
        "about": "من نحن",
        "rights": "جميع الحقوق محفوظة",
        "videos": "مكتبة الفيديو",
        "gone": "الصفحة غير موجودة",
    },
    "en": {
        "home": "Home",
        "by": "By",
        "and": " and ",
        "published": "Published:",
        "updated": "Updated:",
        "source": "Source:",
        "keywords": "Keywords:",
        "related": "Read also",
        "most_read": "Most read",
        "share": "Share this story",
        "ad": "Advertisement",
        "photo": "File photo",
        "about": "About us",
        "rights": "All rights reserved",
        "videos": "Video gallery",
        "gone": "Page not found",
    },
}
_NAVIGATION = {
    "ar": {
        "politics": "سياسة",
        "economy": "اقتصاد",
        "sport": "رياضة",
        "culture": "ثقافة",
        "health": "صحة",
    },
    "en": {
        "politics": "Politics",
        "business": "Business",
        "metro": "Metro",
        "sports": "Sports",
        "arts": "Arts",
    },
}


def payload(story: Story, now: datetime, base_url: str) -> bytes:
    """Return the body that its own address (`Story.path_at`) answers with.

    Args:
        story: which page; one that is gone or deleted has none to ask for here.
        now: the server's clock; changes made by then are in.
        base_url: scheme, name and port, which canonical addresses begin with.
    """
    if story.kind is Kind.EMPTY:
        return b""
    if story.kind is Kind.PDF:
        return _pdf(story)
    if story.kind is Kind.GALLERY:
        return _gallery(story).encode()
    page = _article(story, story.state(now), base_url)
    if story.kind is Kind.TRUNCATED:
        return page[: page.index("<footer") + 4].encode()
    if story.kind is Kind.CHARSET:
        return page.encode(CODE_PAGE[story.language], "xmlcharrefreplace")
    return page.encode()


def content_type(story: Story) -> str:
    """Return the Content-Type header of its page, which is wrong for one in a code page."""
    return "application/pdf" if story.kind is Kind.PDF else "text/html; charset=utf-8"


def image_url(story: Story, base_url: str) -> str | None:
    """Return the address of its lead image, None where it has none."""
    return f"{base_url}/{story.paper.path}/images/{story.number}.png" if story.illustrated else None


def keywords_line(story: Story) -> str:
    """Return its keywords as its page writes them."""
    return story.separator.join(story.keywords)


def written_moment(story: Story, moment: datetime) -> str:
    """Write a moment (UTC) as the machine-readable parts of a page do, ISO 8601."""
    local = story.paper.local(moment)
    if story.kind is Kind.DAY_ONLY:
        return local.date().isoformat()
    if story.kind is Kind.NO_ZONE:
        return local.replace(tzinfo=None).isoformat()
    if story.in_utc:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return local.isoformat()


def front_page(paper: Paper, stories: list[Story], now: datetime) -> bytes:
    """Return a newspaper's front page: its newest headlines."""
    items = "".join(
        f'<li><a href="{s.listed_path(now)}">{escape(s.state(now).title)}</a> '
        f"<small>{_visible(s, s.stated_at)}</small></li>"
        for s in stories
    )
    feed = f'<link rel="alternate" type="application/rss+xml" href="/{paper.path}/feed.xml">'
    return _page(
        paper, paper.language, paper.title, feed, f"<main><ol>{items}</ol></main>"
    ).encode()


def not_found(paper: Paper | None) -> bytes:
    """Return the page that says there is none."""
    paper = paper or ENGLISH
    gone = _WORDS[paper.language]["gone"]
    return _page(paper, paper.language, gone, "", f"<main><h1>{gone}</h1></main>").encode()


def _article(story: Story, state: State, base_url: str) -> str:
    words = _WORDS[story.language]
    machine = {
        Markup.JSONLD: _jsonld,
        Markup.OPENGRAPH: _opengraph,
        Markup.LABELS: lambda *_: "",
    }[story.markup](story, state, base_url)
    if story.kind is Kind.CHARSET:
        charset = CODE_PAGE[story.language]
        machine = (
            f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">\n{machine}'
        )
    ad = f'<div class="{"ad" if story.new_layout else "ad-slot"}">{words["ad"]}</div>'
    aside = _most_read(story)
    body = (_new_layout if story.new_layout else _old_layout)(story, state, ad, base_url)
    title = f"{state.title} {'|' if story.new_layout else '-'} {story.paper.title}"
    return _page(story.paper, story.language, title, machine, f"{ad}\n{body}\n{aside}", story)


def _old_layout(story: Story, state: State, ad: str, base_url: str) -> str:
    words = _WORDS[story.language]
    people = words["and"].join(f'<span class="writer">{escape(a)}</span>' for a in story.authors)
    writers = f'<div class="writers">{words["by"]} {people}</div>' if people else ""
    english = story.paper is ENGLISH
    if english and story.markup is Markup.LABELS:  # before the paper had paragraphs
        text = "\n<br><br>\n".join(_inline(p) for p in state.paragraphs)
    else:
        text = _paragraphs(state, ad)
    return f"""<div class="content">
<div class="path"><a href="/{story.paper.path}/">{words["home"]}</a> &raquo; <a class="here" \
href="/{story.paper.path}/{story.topic}/">{escape(story.section)}</a></div>
<h1 class="news-title">{escape(state.title)}</h1>
<div class="news-info">{writers}{_dates(story, state, "span", "news-date", "news-update")}</div>
<div class="share">{words["share"]} <a href="#">Facebook</a> <a href="#">WhatsApp</a></div>
<div id="newsbody">
{_figure(story, base_url)}{text}
{_related(story, base_url)}</div>
{_origin(story, "news-source", "b", "")}{_topics(story, "news-tags", "words")}</div>"""


def _new_layout(story: Story, state: State, ad: str, base_url: str) -> str:
    words = _WORDS[story.language]
    people = words["and"].join(f'<a class="name" href="#">{escape(a)}</a>' for a in story.authors)
    by = f'<div class="by">{words["by"]} {people}</div>' if people else ""
    return f"""<nav class="breadcrumb"><a href="/{story.paper.path}/">{words["home"]}</a> / \
<span class="current">{escape(story.section)}</span></nav>
<main><article>
<header><h1>{escape(state.title)}</h1>{by}
<div class="when">{_dates(story, state, "time", "published", "updated")}</div></header>
<div class="share-bar"><button>{words["share"]}</button><a href="#">Telegram</a></div>
<div class="story">
{_figure(story, base_url)}{_paragraphs(state, ad)}
{_related(story, base_url)}</div>
{_origin(story, "agency", "span", "name")}{_topics(story, "topics", "list")}</article></main>"""


def _paragraphs(state: State, ad: str) -> str:
    blocks = [f"<p>{_inline(p)}</p>" for p in state.paragraphs]
    return "\n".join([*blocks[:2], ad, *blocks[2:]])


def _inline(paragraph: str) -> str:
    # A link and a bold word within the text, as editors make them: neither starts a new line.
    first, _, rest = escape(paragraph, quote=False).partition(" ")
    second, _, rest = rest.partition(" ")
    return f'<strong>{first}</strong> <a href="#">{second}</a> {rest}'.strip()


def _dates(story: Story, state: State, tag: str, published: str, updated: str) -> str:
    if story.kind is Kind.UNDATED:
        return ""
    words = _WORDS[story.language]
    parts = []
    corrected = state.since != story.published_at
    for label, css, moment in (
        (words["published"], published, story.stated_in(state)),
        (words["updated"], updated, state.since if corrected else None),
    ):
        if moment is not None:
            exact = css == "published" and story.paper is ENGLISH and story.markup is Markup.LABELS
            attribute = f' datetime="{written_moment(story, moment)}"' if exact else ""
            shown = f'<{tag} class="{css}"{attribute}>{_visible(story, moment)}</{tag}>'
            parts.append(f"<div>{label} {shown}</div>")
    return "".join(parts)


def _visible(story: Story, moment: datetime) -> str:
    local = story.paper.local(moment)
    if story.kind is Kind.DAY_ONLY:
        return written_day(local.date(), story.language, story.style, story.levantine)
    return written_time(local, story.language, story.style, story.levantine, story.paper.clock)


def _figure(story: Story, base_url: str) -> str:
    image = image_url(story, base_url)
    if image is None:
        return ""
    caption = f"{_WORDS[story.language]['photo']} - {story.section}"
    return (
        f'<figure><img src="{image}" alt=""><figcaption>{escape(caption)}</figcaption></figure>\n'
    )


def _related(story: Story, base_url: str) -> str:
    other = embedded_in(story)
    if other is None:
        return ""
    text = "\n".join(f"<p>{escape(p, quote=False)}</p>" for p in other.states[0].paragraphs)
    return f"""<section class="related"><h3>{_WORDS[story.language]["related"]}</h3>
<h2><a href="{base_url}{other.path}">{escape(other.title)}</a></h2>
{text}</section>
"""


def _origin(story: Story, css: str, tag: str, inner: str) -> str:
    if story.origin is None:
        return ""
    attribute = f' class="{inner}"' if inner else ""
    label = _WORDS[story.language]["source"]
    return f'<p class="{css}">{label} <{tag}{attribute}>{escape(story.origin)}</{tag}></p>\n'


def _topics(story: Story, css: str, inner: str) -> str:
    label = _WORDS[story.language]["keywords"]
    line = escape(keywords_line(story))
    return f'<p class="{css}">{label} <span class="{inner}">{line}</span></p>\n'


def _most_read(story: Story) -> str:
    items = "".join(
        f'<li><a href="{s.path}">{escape(s.title)}</a> <time datetime="{s.stated_at.isoformat()}">'
        f"{_visible(s, s.stated_at)}</time></li>"
        for s in most_read(story)
    )
    label = _WORDS[story.language]["most_read"]
    return f'<aside class="most-read"><h4>{label}</h4><ul>{items}</ul></aside>'


def _jsonld(story: Story, state: State, base_url: str) -> str:
    paper = f"{base_url}/{story.paper.path}/"
    other = embedded_in(story)
    article: dict[str, object] = {
        "@type": "NewsArticle",
        "headline": state.title,
        "description": story.summary,
        "inLanguage": story.language,
        "articleSection": story.section,
        "keywords": keywords_line(story),
        "mainEntityOfPage": {
            "@type": "WebPage",
            "@id": base_url + _path(story, state),
            **({"relatedLink": base_url + other.path} if other else {}),
        },
        "publisher": {"@type": "Organization", "name": story.paper.title, "url": paper},
    }
    if story.authors:
        article["author"] = [{"@type": "Person", "name": a} for a in story.authors]
    image = image_url(story, base_url)
    if image:
        # Both ways are in use: an address alone, or an object with one.
        article["image"] = {"@type": "ImageObject", "url": image} if story.new_layout else image
    if story.kind is not Kind.UNDATED:
        article["datePublished"] = written_moment(story, story.stated_in(state))
        if story.kind is not Kind.DAY_ONLY:
            article["dateModified"] = written_moment(story, _modified_at(story, state))
    document: dict[str, object] = {"@context": "https://schema.org", **article}
    if story.new_layout:
        site = {"@type": "WebSite", "@id": f"{paper}#site", "url": paper, "name": story.paper.title}
        trail = {
            "@type": "BreadcrumbList",
            "itemListElement": [{"@type": "ListItem", "position": 1, "name": story.section}],
        }
        document = {"@context": "https://schema.org", "@graph": [site, trail, article]}
    text = json.dumps(document, ensure_ascii=not story.new_layout).replace("</", "<\\/")
    return (
        f'<link rel="canonical" href="{base_url}{_path(story, state)}">\n'
        f'<script type="application/ld+json">{text}</script>'
    )


def _path(story: Story, state: State) -> str:
    return story.moved_path if state.moved else story.path


def _modified_at(story: Story, state: State) -> datetime:
    return story.stated_at if state.since == story.published_at else state.since


def _opengraph(story: Story, state: State, base_url: str) -> str:
    other, image = embedded_in(story), image_url(story, base_url)
    metas: list[tuple[str, str, str | None]] = [
        ("property", "og:type", "article"),
        ("property", "og:site_name", story.paper.title),
        ("property", "og:title", state.title),
        ("property", "og:description", story.summary),
        ("property", "og:url", base_url + _path(story, state)),
        ("property", "og:image", image),
        ("property", "og:see_also", base_url + other.path if other else None),
        ("property", "article:section", story.section),
        ("name", "keywords", keywords_line(story)),
        ("name", "author", story.authors[0] if story.authors else None),
    ]
    if story.kind is not Kind.UNDATED:
        published = written_moment(story, story.stated_in(state))
        metas.append(("property", "article:published_time", published))
        if state.since != story.published_at:
            metas.append(("property", "article:modified_time", written_moment(story, state.since)))
    lines = [f'<meta {k}="{name}" content="{escape(value)}">' for k, name, value in metas if value]
    return "\n".join([f'<link rel="canonical" href="{base_url}{_path(story, state)}">', *lines])


def _gallery(story: Story) -> str:
    words = _WORDS[story.language]
    video = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": story.title,
        "uploadDate": written_moment(story, story.stated_at),
    }
    machine = f'<script type="application/ld+json">{json.dumps(video, ensure_ascii=False)}</script>'
    body = f"""<main><h1>{escape(story.title)}</h1>
<video controls src="/{story.paper.path}/videos/{story.number}.mp4"></video>
</main>
{_most_read(story)}"""
    return _page(
        story.paper, story.language, f"{words['videos']}: {story.title}", machine, body, story
    )


def _page(
    paper: Paper, language: str, title: str, head: str, main: str, story: Story | None = None
) -> str:
    words = _WORDS[language]
    direction = "rtl" if language == "ar" else "ltr"
    menu = "".join(
        f'<li><a href="/{paper.path}/{slug}/">{name}</a></li>'
        for slug, name in _NAVIGATION[paper.language].items()
    )
    year = f" {paper.local(story.published_at).year}" if story else ""
    # A code page is named by the page's own meta element; two of them would contradict.
    charset = "" if story and story.kind is Kind.CHARSET else '<meta charset="utf-8">\n'
    return f"""<!DOCTYPE html>
<html lang="{language}" dir="{direction}">
<head>
{charset}<title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}
<style>body {{ font-family: serif; max-width: 46rem; margin: auto }}</style>
</head>
<body>
<header class="masthead"><a href="/{paper.path}/">{escape(paper.title)}</a>
<nav class="menu"><ul>{menu}</ul></nav></header>
{main}
<footer><a href="/{paper.path}/about">{words["about"]}</a> \
©{year} {escape(paper.title)}. {words["rights"]}.</footer>
</body>
</html>
"""


def _pdf(story: Story) -> bytes:
    """A PDF of one empty page; its number makes it a different file from every other."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        f"<< /Title ({quote(story.paper.name)} {story.number}) >>".encode(),
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(body))
    )
