"""From what a site answered to the source file that fits it; pure functions, no sockets here.

`site.look` asks; here it is decided what to ask, what the answers are worth, and what to write.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from statistics import median
from urllib.parse import urljoin, urlsplit

from protego import Protego

from newsarchive.discover import Page, read
from newsarchive.discover.html import FEED_TYPES, base_of, tree_of
from newsarchive.discover.markup import sniff
from newsarchive.model import Entry, Found, Refused
from newsarchive.text.decode import decode
from newsarchive.text.identity import clean_url
from newsarchive.text.language import code_of, language_of

COMMON_FEEDS = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feeds")
COMMON_SITEMAPS = (
    *("news-sitemap.xml", "sitemap-news.xml", "sitemap_news.xml", "google-news-sitemap.xml"),
    *("sitemap.xml", "sitemap_index.xml"),
)
_MOST_DECLARED = 20  # of one kind; a site may name hundreds of feeds
_MOST_FEEDS = 5
_MOST_SHOWN = 300  # characters of a paragraph
_STALE = 60  # days behind the newest listing of the site
# Domains of two letters that are used the world over.
_NO_COUNTRY = frozenset(("ai", "cc", "co", "eu", "fm", "gg", "io", "me", "nu", "to", "tv", "ws"))
_SHARED = frozenset(("ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"))
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_/.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_/.]?)(0[1-9]|1[0-2])(?!\d)")
_FIELDS = re.compile(
    r"(?P<y>y{1,4}|year)=(?P<Y>(?:19|20)\d\d)&(?P<m>m{1,2}|month)=(?P<M>\d\d)&(?P<d>d{1,2}|day)=(?P<D>\d\d)(?!\d)"
)


@dataclass(frozen=True, slots=True)
class Home:
    """What a site's home page says of itself."""

    url: str
    """Where it was found, after redirects."""
    title: str | None = None
    title_from: str = ""
    language: str | None = None
    """ISO 639-1, as the page says."""
    region: str | None = None
    """ISO 3166-1, where the page's language names one (`ar-EG`)."""
    feeds: list[str] = field(default_factory=list)
    """Absolute, in page order."""
    sitemaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may list articles."""

    url: str
    why: str
    """Where it stands, as `robots.txt`; `a common address` for one that stands nowhere."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one candidate answered, as far as it is a listing."""

    candidate: Candidate
    url: str
    """After redirects."""
    kind: str
    """feed or sitemap."""
    page: Page
    below: list[Page] = field(default_factory=list)
    """Children of a sitemap index that were asked too."""

    @property
    def entries(self) -> list[Entry]:
        """Its entries, those of the children included."""
        return [e for page in [self.page, *self.below] for e in page.entries]


@dataclass(frozen=True, slots=True)
class Proposed:
    """One listing of the proposal."""

    kind: str
    url: str
    note: str
    """Where the address stands and what it answered."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source file that is yet to be read by a person."""

    name: str
    title: str
    title_from: str
    url: str
    language: str
    language_from: str
    country: str | None
    timezone: str
    timezone_from: str
    expected: tuple[int, int] | None
    """Fewest and most articles a day."""
    expected_from: str
    found_in: str
    allow_private: bool
    listings: list[Proposed]
    others: list[Proposed]
    """Listings that answered and are left out, with the reason."""
    newest: list[Entry]
    """Entries of the listings, newest first, addresses absolute."""


def read_home(body: bytes, url: str, content_type: str | None) -> Home:
    """Return what a home page says of itself; little where it is no HTML.

    Args:
        body: content coding undone.
        url: where it was found.
        content_type: the header.
    """
    tree = tree_of(decode(body, content_type))
    if tree is None:
        return Home(url)
    base = base_of(tree, url)
    metas: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        value = " ".join((meta.get("content") or "").split())
        if name and value:
            metas.setdefault(name, value)
    title, title_from = None, ""
    for name in ("og:site_name", "application-name", "apple-mobile-web-app-title", "og:title"):
        if name in metas:
            title, title_from = metas[name], name
            break
    else:
        said = " ".join((tree.findtext(".//head/title") or "").split())
        if said:
            title, title_from = said, "the page's title"
    tag = tree.get("lang") or tree.get("xml:lang") or metas.get("og:locale") or ""
    region = re.fullmatch(r"[A-Za-z]{2,3}[-_](?:[A-Za-z]{4}[-_])?([A-Za-z]{2})", tag.strip())
    feeds: list[str] = []
    sitemaps: list[str] = []
    for link in tree.iter("link"):
        rels = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        target = clean_url(link.get("href") or "", base)
        if target is None:
            continue
        if "sitemap" in rels:
            sitemaps.append(target)
        elif ("alternate" in rels and kind in FEED_TYPES) or "feed" in rels:
            feeds.append(target)
    return Home(
        url,
        title[:200] if title else None,
        title_from,
        code_of(tag),
        region.group(1).upper() if region else None,
        list(dict.fromkeys(feeds)),
        list(dict.fromkeys(sitemaps)),
    )


def declared(home: Home, robots: str | None) -> list[Candidate]:
    """Return the listings that a site names itself: in robots.txt, then in its home page.

    Args:
        home: what the home page says.
        robots: text of robots.txt; None where there is none.
    """
    named = [clean_url(s, home.url) for s in Protego.parse(robots).sitemaps] if robots else []
    found = [Candidate(url, "robots.txt") for url in named if url][:_MOST_DECLARED]
    found += [Candidate(url, "the home page") for url in home.sitemaps[:_MOST_DECLARED]]
    found += [Candidate(url, "the home page") for url in home.feeds[:_MOST_DECLARED]]
    return _unlike(found)


def common(url: str, answers: Iterable[Answer]) -> list[Candidate]:
    """Return the addresses at which sites often list articles, of the kinds not found yet.

    Args:
        url: of the site; where it has a path, addresses below that come first.
        answers: to what the site names itself.
    """
    answers = list(answers)
    names: list[str] = []
    if not any(a.kind == "feed" and a.entries and not _is_comments(a) for a in answers):
        names += COMMON_FEEDS
    if not any(a.kind == "sitemap" and (_is_news(a) or _dated(a)) for a in answers):
        names += COMMON_SITEMAPS
    root = urljoin(url, "/")
    path = urlsplit(url).path
    bases = [url if path.endswith("/") else f"{url.partition('?')[0]}/"] if path != "/" else []
    found = [Candidate(urljoin(b, n), "a common address") for b in [*bases, root] for n in names]
    asked = {a.candidate.url for a in answers}
    return [c for c in _unlike(found) if c.url not in asked]


def read_answer(
    candidate: Candidate, body: bytes, url: str, content_type: str | None
) -> Answer | None:
    """Return an address's answer as a listing; None where it is none, or has nothing in it.

    Args:
        candidate: what was asked.
        body: content coding undone.
        url: after redirects.
        content_type: the header.
    """
    root = sniff(body, content_type).root
    page = read(body, url, content_type)
    if not page.entries and not page.children:
        return None
    kind = "sitemap" if root in ("urlset", "sitemapindex", "text") else "feed"
    return Answer(candidate, url, kind, page)


def newest_day(answers: Iterable[Answer]) -> date | None:
    """Return the newest day that an entry, or the address of a child, of some listings names."""
    days = [d for a in answers for e in a.entries if (d := _day_of(e)) is not None]
    days += [
        made[1] for a in answers for c in a.page.children if (made := _template_of(c.url, _DAY))
    ]
    return max(days, default=None)


def name_of(url: str, taken: Collection[str] = ()) -> str:
    """Return a name for the source of a site, made of its host: `aawsat` of `https://aawsat.com`.

    Args:
        url: of the site.
        taken: names that other sources have.
    """
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    labels = host.split(".")
    if not labels[-1].isdigit() and len(labels) > 1:
        labels = labels[:-1]
        if len(labels) > 1 and labels[-1] in _SHARED:
            labels = labels[:-1]
    name = re.sub(r"[^a-z0-9]+", "_", "_".join(labels).lower()).strip("_")[:50]
    if not re.fullmatch(r"[a-z][a-z0-9_]+", name):
        name = f"site_{name}".rstrip("_")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def propose(
    home: Home,
    answers: Sequence[Answer],
    *,
    today: date,
    zones: Mapping[str, str],
    taken: Collection[str] = (),
    allow_private: bool = False,
) -> Proposal | None:
    """Return the source file that fits a site; None where nothing lists its articles.

    Args:
        home: what the site says of itself.
        answers: its listings, in the order asked.
        today: for the note of when it was looked at.
        zones: a time zone by country, ISO 3166-1.
        taken: names that other sources have.
        allow_private: whether the addresses may be private ones.
    """
    listings, others = _chosen(answers, urlsplit(home.url).path)
    if not listings:
        return None
    used = {p.url for p in listings}
    sources = [a for a in answers if a.candidate.url in used or _dated(a) in used]
    entries = _newest(sources)
    titles = " ".join(e.title for e in entries[:40] if e.title)
    language = language_of(titles, home.language)
    if language is None:
        language, language_from = "en", "not known: write its own"
    elif language == home.language:
        language_from = "as its home page says"
    else:
        language_from = "of its headlines"
        if home.language:
            language_from += f", though its home page says {home.language}"
    title = home.title or urlsplit(home.url).hostname or home.url
    country, country_from = _country(home)
    zone = zones.get(country or "")
    expected, expected_from = _expected(entries)
    return Proposal(
        name=name_of(home.url, taken),
        title=title,
        title_from=home.title_from or "not found: write its own",
        url=home.url,
        language=language,
        language_from=language_from,
        country=country,
        timezone=zone or "UTC",
        timezone_from=f"a guess from {country_from}" if zone else "not known: write its own",
        expected=expected,
        expected_from=expected_from,
        found_in=f"{home.url}, looked at on {today}",
        allow_private=allow_private,
        listings=listings,
        others=others,
        newest=entries,
    )


def to_toml(proposal: Proposal, delay: float) -> str:
    """Return a proposal as the text of a source file.

    Args:
        proposal: what to write.
        delay: seconds between requests to a host.
    """
    p = proposal
    fewest, most = p.expected or (0, None)
    expected = f"min = {fewest}" + (f", max = {most}" if most is not None else "")
    lines = [
        "# Proposed by `newsarchive sources add`: read it, mend it, then check it.",
        f"name = {_quoted(p.name)}",
        _noted(f"title = {_quoted(p.title)}", p.title_from),
        f"url = {_quoted(p.url)}",
        _noted(f"language = {_quoted(p.language)}", p.language_from),
        f"country = {_quoted(p.country)}" if p.country else '# country = "EG"  # if you know it',
        _noted(f"timezone = {_quoted(p.timezone)}", p.timezone_from),
        _noted(f"expected = {{ {expected} }}", f"articles a day: {p.expected_from}"),
        f"found_in = {_quoted(p.found_in)}",
    ]
    if p.country:
        lines.append(f"tags = [{_quoted(p.country)}]")
    if p.allow_private:
        lines.append("allow_private = true")
    for listing in p.listings:
        lines += ["", f"[[listing]]  # {_comment(listing.note)}"]
        lines += [f"kind = {_quoted(listing.kind)}", f"url = {_quoted(listing.url)}"]
    if p.others:
        lines += ["", "# Left out:"]
        lines += [f"# {o.kind} {_comment(o.url)}: {_comment(o.note)}" for o in p.others]
    lines += ["", "[politeness]", f"delay = {float(delay)}  # seconds between requests to a host"]
    return "\n".join(lines) + "\n"


def page_as_comments(url: str, found: Found | Refused) -> str:
    """Return what parsing found in a page as comments for below a source file.

    Args:
        url: of the page.
        found: its article, or why there is none.
    """
    lines = [f"a page of the site: {url}"]
    if isinstance(found, Refused):
        lines.append(f"no article: {found.reason}" + (f" ({found.detail})" if found.detail else ""))
    else:
        when = found.published_at or found.published_day
        first = found.text.partition("\n\n")[0]
        values = {
            "title": found.title,
            "published": str(when) if when else "",
            "authors": ", ".join(found.authors),
            "section": found.section or "",
            "language": found.language or "",
            "text": first if len(first) <= _MOST_SHOWN else first[:_MOST_SHOWN] + "…",
        }
        from_where = found.evidence | {"published": _evidence_of(found)}
        for name, value in values.items():
            source = from_where.get(name)
            lines.append(f"{name}: {value or 'not found'}" + (f"  [{source}]" if source else ""))
    return "\n" + "".join(f"# {_comment(line)}\n" for line in lines)


# What the answers are worth


def _chosen(answers: Sequence[Answer], path: str) -> tuple[list[Proposed], list[Proposed]]:
    listings: list[Proposed] = []
    others: list[Proposed] = []
    below = [a for a in answers if _is_below(a, path)]
    if below:  # else the path is no part of the addresses of its articles
        others += [
            Proposed(a.kind, a.candidate.url, f"of other parts of the site than {path}")
            for a in answers
            if a not in below
        ]
        answers = below
    newest = newest_day(answers)
    seen: set[str] = set()
    plain: list[Answer] = []
    for answer in sorted(answers, key=lambda a: (a.kind != "feed", not _is_news(a))):
        why = _objection(answer, newest, seen, sum(p.kind == "feed" for p in listings))
        if why is not None:
            others.append(Proposed(answer.kind, answer.candidate.url, why))
        elif template := _dated(answer):
            note = f"the days of {answer.candidate.url} ({answer.candidate.why})"
            if not any(p.kind != "dated" for p in listings):  # the index tells the present too
                listings.append(Proposed(answer.kind, answer.candidate.url, _note(answer)))
            listings.append(Proposed("dated", template, note))
        elif answer.kind == "feed" or _is_news(answer):
            listings.append(Proposed(answer.kind, answer.candidate.url, _note(answer)))
        else:
            plain.append(answer)
            continue
        seen |= _urls(answer)
    for answer in plain:
        if listings:
            why = "does not say when its pages were published, others do"
            others.append(Proposed(answer.kind, answer.candidate.url, why))
    if not listings:
        listings = [Proposed(a.kind, a.candidate.url, _note(a)) for a in plain]
    return listings, others


def _is_below(answer: Answer, path: str) -> bool:
    """Whether a listing is of the part of a site that has this path."""
    part = path.rstrip("/")
    urls = _urls(answer)
    inside = sum(f"{urlsplit(u).path}/".startswith(f"{part}/") for u in urls)
    own = f"{urlsplit(answer.candidate.url).path}/".startswith(f"{part}/")
    return not part or own or inside * 2 > len(urls)


def _objection(answer: Answer, newest: date | None, seen: set[str], feeds: int) -> str | None:
    """Say why an answer is left out; None for one that is worth asking."""
    urls = _urls(answer)
    own = max((d for e in answer.entries if (d := _day_of(e))), default=None)
    if not urls:
        return "no web address in it"
    if answer.kind == "feed" and _is_comments(answer):
        return "comments of readers"
    if own and newest and (newest - own).days > _STALE:
        return f"its newest entry is of {own}"
    if urls <= seen:
        return "nothing in it that the others do not have"
    if answer.kind == "feed" and feeds >= _MOST_FEEDS:
        return f"more than {_MOST_FEEDS} feeds"
    return None


def _note(answer: Answer) -> str:
    entries = answer.entries
    newest = max((d for e in entries if (d := _day_of(e))), default=None)
    files = len(answer.page.children)
    what = _number(files, "file", "files") if files else _number(len(entries), "entry", "entries")
    return f"{answer.candidate.why}; {what}" + (f", the newest of {newest}" if newest else "")


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _urls(answer: Answer) -> set[str]:
    found = (clean_url(e.url, answer.url) for e in answer.entries)
    return {url for url in found if url} | {c.url for c in answer.page.children}


def _is_news(answer: Answer) -> bool:
    """Whether a sitemap says when its pages were published: what news sitemaps add."""
    entries = answer.entries
    dated = sum(e.listed_at is not None or e.listed_day is not None for e in entries)
    return answer.kind == "sitemap" and bool(entries) and dated * 2 > len(entries)


def _is_comments(answer: Answer) -> bool:
    marked = sum("#comment" in e.url for e in answer.entries)
    return marked * 2 > len(answer.entries) or "/comments/feed" in answer.candidate.url


def _dated(answer: Answer) -> str | None:
    """Return the template of an index's children where each names one day, or one month."""
    if answer.kind != "sitemap" or "{" in answer.url or "}" in answer.url:
        return None
    for pattern, fewest in ((_FIELDS, 1), (_DAY, 1), (_MONTH, 2)):
        found: dict[str, set[date]] = defaultdict(set)
        shapes: dict[str, set[str]] = defaultdict(set)
        for child in answer.page.children:
            made = _template_of(child.url, pattern)
            if made is not None:
                found[made[0]].add(made[1])
                shapes[re.sub(r"\d+", "0", made[0])].add(made[0])
        # Several files a day or month (…-1.xml, …-2.xml) are no template.
        fit = {t: d for t, d in found.items() if len(shapes[re.sub(r"\d+", "0", t)]) == 1}
        if fit:
            best = max(fit, key=lambda t: (max(fit[t]), len(fit[t])))
            if len(fit[best]) >= fewest:
                return best
    return None


def _template_of(url: str, pattern: re.Pattern[str]) -> tuple[str, date] | None:
    found = list(pattern.finditer(url))
    if len(found) != 1 or "{" in url or "}" in url:
        return None
    whole = found[0]
    try:
        if pattern is _FIELDS:
            day = date(int(whole["Y"]), int(whole["M"]), int(whole["D"]))
            made = "&".join(
                f"{whole[n]}={{date:%{code}}}" for n, code in (("y", "Y"), ("m", "m"), ("d", "d"))
            )
        else:
            day = date(int(whole[1]), int(whole[3]), int(whole[4]) if pattern is _DAY else 1)
            parts = ("%Y", "%m", "%d") if pattern is _DAY else ("%Y", "%m")
            made = "{date:" + whole[2].join(parts) + "}"
    except ValueError:  # the 31st of February is none
        return None
    return url[: whole.start()] + made + url[whole.end() :], day


def _day_of(entry: Entry) -> date | None:
    if entry.listed_day is not None:
        return entry.listed_day
    when = entry.listed_at or entry.updated_at
    return when.date() if when else entry.updated_day


def _newest(answers: Iterable[Answer]) -> list[Entry]:
    found: dict[str, Entry] = {}
    for answer in answers:
        for entry in answer.entries:
            url = clean_url(entry.url, answer.url)
            if url and (url not in found or (entry.title and not found[url].title)):
                found[url] = Entry(
                    url,
                    entry.title,
                    entry.listed_at,
                    entry.listed_day,
                    entry.updated_at,
                    entry.updated_day,
                )
    epoch = datetime.min.replace(tzinfo=UTC)

    def key(entry: Entry) -> tuple[date, datetime]:
        at = entry.listed_at or epoch
        return _day_of(entry) or date.min, at if at.tzinfo else at.replace(tzinfo=UTC)

    return sorted(found.values(), key=key, reverse=True)  # stable: else as listed


def _expected(entries: Sequence[Entry]) -> tuple[tuple[int, int] | None, str]:
    days = Counter(
        d for e in entries if (d := e.listed_day or (e.listed_at.date() if e.listed_at else None))
    )
    if not days:
        return None, "nothing is dated: write what you expect"
    counts = [days[d] for d in sorted(days)]
    times = [e.listed_at for e in entries if e.listed_at and e.listed_at.tzinfo]
    hours = (max(times) - min(times)).total_seconds() / 3600 if times else 0
    if 0.5 <= hours < 24 and len(times) >= 10:  # a list that ends within the day
        usual, most = 24 * len(times) / hours, 24 * len(times) / hours
    else:
        # The last day is not over, and the list may begin in the middle of the first.
        whole = counts[1:-1] if len(counts) > 2 else counts
        usual, most = median(whole), max(counts)
    dated = _number(sum(counts), "dated entry", "dated entries")
    of = f"a wide guess from {dated} of {_number(len(counts), 'day', 'days')}"
    return (max(1, int(usual * 0.3)), max(10, int(most * 3))), of


def _country(home: Home) -> tuple[str | None, str]:
    host = urlsplit(home.url).hostname or ""
    last = host.rpartition(".")[2]
    if len(last) == 2 and last.isalpha() and last not in _NO_COUNTRY:
        return {"uk": "GB"}.get(last, last.upper()), f"the address, .{last}"
    if home.region:
        return home.region, "the language of the page"
    return None, ""


def _unlike(candidates: Iterable[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.url.rstrip("/"), candidate)
    return list(found.values())


def _evidence_of(found: Found) -> str:
    names = ("published_at", "published_day", "published")
    return next((found.evidence[n] for n in names if n in found.evidence), "")


# TOML


def _quoted(text: str) -> str:
    # What JSON writes is a TOML string too, but for the one control letter that JSON leaves.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _noted(line: str, note: str) -> str:
    return f"{line}  # {_comment(note)}" if note else line


def _comment(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
