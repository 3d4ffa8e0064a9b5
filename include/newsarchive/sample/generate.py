"""The days of the two sample newspapers: which articles, when, and what is odd about them.

A day is a pure function of seed, newspaper and date. Nothing here knows of HTML or HTTP.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from newsarchive.sample.clock import FIRST_YEAR, LAST_YEAR, has_newspapers
from newsarchive.sample.draw import Draw
from newsarchive.sample.prose import Text, topics, wording, write
from newsarchive.sample.written_dates import STYLES

SEED = 1
_NUMBERS = re.compile(r"\d{3,}")
_LONGEST = 9  # digits of the number of a story
_CYCLE = 5  # days; each kind of oddity comes once in every cycle


@dataclass(frozen=True, slots=True)
class Paper:
    """A sample newspaper; `name` is its source's."""

    name: str
    path: str
    title: str
    language: str
    zone: str
    clock: str
    """How its English dates name their zone."""
    new_layout: date
    """First day of the present layout; pages keep the one that they were published in."""

    def local(self, moment: datetime) -> datetime:
        """Return the moment on the newspaper's own clock."""
        return moment.astimezone(ZoneInfo(self.zone))


ARABIC = Paper("sample_ar", "ar", "صحيفة العينة", "ar", "Africa/Cairo", "", date(2026, 11, 1))
ENGLISH = Paper(
    "sample_en", "en", "The Sample Courier", "en", "America/New_York", "ET", date(2026, 10, 15)
)
PAPERS = (ARABIC, ENGLISH)


class Kind(StrEnum):
    """What is odd about a page; PLAIN is nothing."""

    PLAIN = "plain"
    DAY_ONLY = "day_only"
    """Dated with a day and no time, by its listing too."""
    NO_ZONE = "no_zone"
    """Its machine-readable times have no offset: they are local."""
    UNDATED = "undated"
    """No date of its own, only its listing's; boxes around it have dates of other articles."""
    OLDER = "older"
    """Dated two days before its listing."""
    GONE = "gone"
    """Listed, yet 404 or 410."""
    EMPTY = "empty"
    """200 with no body."""
    TRUNCATED = "truncated"
    """Breaks off behind the article."""
    GALLERY = "gallery"
    """A video gallery: a headline and no article."""
    CHARSET = "charset"
    """In a Windows code page, which its meta says and its header denies."""
    FLAKY = "flaky"
    """503 at the first try, there at the second."""
    FORBIDDEN = "forbidden"
    """Under a path that robots.txt disallows."""
    PDF = "pdf"
    """A PDF, not a page."""
    MOVED = "moved"
    """Listed under an address that redirects to the article's."""


ODDITIES = tuple(k for k in Kind if k is not Kind.PLAIN)
_BY_DATE = {Kind.PLAIN: 0.12, Kind.UNDATED: 0.5}  # how often listings give no time
NO_ARTICLE = frozenset({Kind.GONE, Kind.EMPTY, Kind.GALLERY, Kind.FORBIDDEN, Kind.PDF})


class Markup(StrEnum):
    """Where a page says machines find its fields."""

    JSONLD = "jsonld"
    OPENGRAPH = "opengraph"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class State:
    """How a page is from a moment on, until its next change."""

    since: datetime
    title: str
    paragraphs: tuple[str, ...]
    redated: timedelta = timedelta(0)
    """How much later than before its page then says that it came out."""
    moved: bool = False
    """Its old address redirects to its new one."""
    status: int = 200
    """404 or 410 when it was deleted."""

    @property
    def deleted(self) -> bool:
        """Whether the page is no longer there."""
        return self.status in (404, 410)


@dataclass(frozen=True, slots=True)
class Story:
    """One listed page of a newspaper."""

    paper: Paper
    seed: int
    number: int
    """Unique in the newspaper: the date's ordinal times 100, plus a count."""
    kind: Kind
    markup: Markup
    topic: str
    section: str
    title: str
    """As first published; a correction may change it (`State.title`)."""
    summary: str
    language: str
    authors: tuple[str, ...]
    origin: str | None
    keywords: tuple[str, ...]
    separator: str
    """What stands between the keywords."""
    illustrated: bool
    embeds: bool
    """Whether a whole other article of the day before is embedded in its page."""
    published_at: datetime
    """When it came out, as listings say; UTC, whole seconds."""
    listed_by_date: bool
    """Listings that give dates give it a date without a time."""
    states: tuple[State, ...]
    """In order of time; the first begins at publication."""
    status: int
    style: int
    levantine: bool
    in_utc: bool
    """Its machine-readable times are in UTC instead of local time."""

    @property
    def local_date(self) -> date:
        """The date it came out, on the newspaper's clock."""
        return self.paper.local(self.published_at).date()

    @property
    def run_day(self) -> date:
        """The run day its listings put it in: UTC day of a time, or a date as it stands."""
        return self.local_date if self.listed_by_date else self.published_at.date()

    @property
    def stated_at(self) -> datetime:
        """When its own page says at first that it came out, UTC, to the second."""
        return self.published_at - timedelta(days=2 if self.kind is Kind.OLDER else 0)

    @property
    def new_layout(self) -> bool:
        """Whether its page has the present layout: by the day that it states, else its run day."""
        if self.kind is Kind.UNDATED:
            return self.run_day >= self.paper.new_layout
        moment = self.stated_at if self.in_utc else self.paper.local(self.stated_at)
        return moment.date() >= self.paper.new_layout

    @property
    def path(self) -> str:
        """Path of the article's first own address, percent-encoded."""
        root, slug = f"/{self.paper.path}", quote(_slug(self.title))
        if self.kind is Kind.PDF:
            return f"{root}/files/{self.number}.pdf"
        if self.kind is Kind.FORBIDDEN:
            return f"{root}/private/{self.number}-{slug}"
        if self.kind is Kind.GALLERY:
            return f"{root}/videos/{self.number}-{slug}"
        if self.paper is ARABIC or self.kind is Kind.UNDATED:
            return f"{root}/{self.topic}/{self.number}-{slug}"
        return f"{root}/{self.paper.local(self.stated_at):%Y/%m/%d}/{slug}-{self.number}.html"

    @property
    def moved_path(self) -> str:
        """Path of the address that it has once it moved, percent-encoded."""
        return f"/{self.paper.path}/stories/{self.number}-{quote(_slug(self.title))}"

    def path_at(self, now: datetime) -> str:
        """Return the path of its own address at a time, percent-encoded."""
        return self.moved_path if self.state(now).moved else self.path

    def listed_path(self, now: datetime) -> str:
        """Return the path that listings give at a time, percent-encoded."""
        if self.kind is Kind.MOVED:
            return f"/{self.paper.path}/go/{self.number}"
        return self.path_at(now)

    @property
    def paths(self) -> frozenset[str]:
        """Every path that it ever has, percent-encoded."""
        ever = [(self.path_at(s.since), self.listed_path(s.since)) for s in self.states]
        return frozenset(path for both in ever for path in both)

    def stated_in(self, state: State) -> datetime:
        """Return when its own page says in a state that it came out, UTC, to the second."""
        return self.stated_at + state.redated

    def state(self, now: datetime) -> State:
        """Return how it is at a time."""
        return next((s for s in reversed(self.states) if s.since <= now), self.states[0])


@lru_cache(maxsize=1024)
def day(paper: Paper, on: date, seed: int = SEED) -> tuple[Story, ...]:
    """Return what a newspaper publishes on a UTC day, earliest first: 8 to 12 pages.

    Raises:
        ValueError: a year in which there are no newspapers (`clock`).
    """
    if not has_newspapers(on):
        raise ValueError(f"no newspapers on {on}: there are some from {FIRST_YEAR} to {LAST_YEAR}")
    draw = Draw(seed, paper.name, on)
    subjects = draw.shuffled(topics(paper.language))
    odd = _oddities(paper, on, seed)
    stories = [
        _story(
            paper,
            on,
            seed,
            count,
            odd[count] if count < len(odd) else Kind.PLAIN,
            subjects[count % len(subjects)],
        )
        for count in range(draw.number(8, 11))
    ]
    carried = _carried(on, seed)
    if carried is not None:
        stories.append(_agency_story(paper, on, seed, len(stories), *carried))
    stories = _changed_later(paper, on, seed, stories)
    return tuple(sorted(stories, key=lambda s: (s.published_at, s.number)))


def find(paper: Paper, number: int, seed: int = SEED) -> Story | None:
    """Return the story of a number, if there is one."""
    ordinal = number // 100
    if not date.min.toordinal() <= ordinal <= date.max.toordinal():
        return None
    on = date.fromordinal(ordinal)
    stories = day(paper, on, seed) if has_newspapers(on) else ()
    return next((s for s in stories if s.number == number), None)


def of_path(paper: Paper, path: str, seed: int = SEED) -> Story | None:
    """Return the story whose page has, had, or will have an address with this path."""
    wanted = quote(unquote(path, errors="replace"))
    for digits in _NUMBERS.findall(path):
        story = find(paper, int(digits), seed) if len(digits) <= _LONGEST else None
        if story and wanted in story.paths:
            return story
    return None


def embedded_in(story: Story) -> Story | None:
    """Return the other article that a story's page holds whole, as first published; or None."""
    if not story.embeds:
        return None
    ordinary = [
        s for s in before(story, 1) if s.kind is Kind.PLAIN and s.language == story.language
    ]
    return (
        Draw(story.seed, story.paper.name, "embedded", story.number).pick(ordinary)
        if ordinary
        else None
    )


def most_read(story: Story) -> list[Story]:
    """Return up to five older pages that a story's page links to with their dates."""
    embedded = embedded_in(story)
    older = [
        s for back in (1, 2) for s in before(story, back) if s != embedded and s.kind is Kind.PLAIN
    ]
    return Draw(story.seed, story.paper.name, "most read", story.number).shuffled(older)[:5]


def before(story: Story, days: int) -> tuple[Story, ...]:
    """Return what its newspaper published some days before it."""
    on = date.fromordinal(story.number // 100 - days)
    return day(story.paper, on, story.seed) if has_newspapers(on) else ()


def _oddities(paper: Paper, on: date, seed: int) -> list[Kind]:
    """The oddities of a day: two or three, dealt out so that each comes once in a cycle."""
    cycle, place = divmod(on.toordinal(), _CYCLE)
    dealt = Draw(seed, paper.name, "oddities", cycle).shuffled(ODDITIES)
    return [kind for i, kind in enumerate(dealt) if i % _CYCLE == place]


def _story(paper: Paper, on: date, seed: int, count: int, kind: Kind, topic: int) -> Story:
    draw = Draw(seed, paper.name, on, count)
    published_at = _moment(paper, on, draw)
    text = write(paper.language, topic, paper.local(published_at).date(), draw)
    markup = _markup(kind, draw)
    origin = draw.pick(wording(paper.language)["agencies"]) if draw.chance(0.2) else None
    signed = 0 if origin else draw.number(0, 1 if markup is Markup.OPENGRAPH else 2)
    plain = kind is Kind.PLAIN
    return Story(
        paper=paper,
        seed=seed,
        number=on.toordinal() * 100 + count,
        kind=kind,
        markup=markup,
        topic=text.topic,
        section=text.section,
        title=text.title,
        summary=text.summary,
        language=paper.language,
        authors=tuple(dict.fromkeys(text.people[:signed])),
        origin=origin,
        keywords=text.keywords,
        separator=draw.pick(("، ", "، ", "; ") if paper.language == "ar" else (", ", ", ", "; ")),
        illustrated=markup is not Markup.LABELS and draw.chance(0.8),
        embeds=plain and paper is ARABIC and draw.chance(0.25),
        published_at=published_at,
        listed_by_date=kind is Kind.DAY_ONLY or draw.chance(_BY_DATE.get(kind, 0)),
        states=_states(paper, published_at, text, draw)
        if plain
        else _states(paper, published_at, text),
        status=draw.pick((404, 404, 410)) if kind is Kind.GONE else 200,
        style=draw.number(0, STYLES - 1),
        levantine=draw.chance(0.35),
        in_utc=plain and paper is ENGLISH and markup is Markup.JSONLD and draw.chance(0.25),
    )


def _carried(on: date, seed: int) -> tuple[Text, str] | None:
    """Return the agency text that both newspapers carry on a day, and its agency; or None."""
    draw = Draw(seed, "carried", on)
    if not draw.chance(0.4):
        return None
    language = draw.pick(("ar", "en"))
    text = write(language, draw.pick(topics(language)), on, draw)
    return text, draw.pick(wording(language)["agencies"])


def _agency_story(paper: Paper, on: date, seed: int, count: int, text: Text, agency: str) -> Story:
    """Return a newspaper's own page of the text that both carry with the same title."""
    draw = Draw(seed, paper.name, "agency", on)
    base = _story(paper, on, seed, count, Kind.PLAIN, 0)
    published_at = _moment(paper, on, draw)
    separator = "، " if text.language == "ar" else ", "
    return replace(
        base,
        topic=text.topic,
        section=text.section,
        title=text.title,
        summary=text.summary,
        language=text.language,
        authors=(),
        origin=agency,
        keywords=text.keywords,
        separator=separator,
        embeds=False,
        published_at=published_at,
        listed_by_date=False,
        states=_states(paper, published_at, text),
    )


def _markup(kind: Kind, draw: Draw) -> Markup:
    fits = {
        # A reader of JSON-LD, or of a canonical link, is all that can tell what these mean.
        Kind.NO_ZONE: (Markup.JSONLD, Markup.OPENGRAPH),
        Kind.MOVED: (Markup.JSONLD, Markup.OPENGRAPH),
        # Characters that a code page lacks are written as references, which scripts do not read.
        Kind.CHARSET: (Markup.OPENGRAPH, Markup.LABELS),
    }
    every = (
        Markup.JSONLD,
        Markup.JSONLD,
        Markup.JSONLD,
        Markup.OPENGRAPH,
        Markup.OPENGRAPH,
        Markup.LABELS,
    )
    return draw.pick(fits.get(kind, every))


def _moment(paper: Paper, on: date, draw: Draw) -> datetime:
    """A moment of a UTC day; never on a full minute, as that looks like no seconds."""
    second = draw.number(0, 24 * 60 - 1) * 60 + draw.number(1, 59)
    return _told_once(
        paper, datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(seconds=second)
    )


def _states(
    paper: Paper, published_at: datetime, text: Text, draw: Draw | None = None
) -> tuple[State, ...]:
    first = State(published_at, text.title, tuple(" ".join(p) for p in text.paragraphs))
    if draw is None:
        return (first,)
    if draw.chance(0.2):
        later = timedelta(seconds=draw.number(2 * 3600, 9 * 3600))
    elif draw.chance(0.1):
        later = timedelta(seconds=draw.number(26 * 3600, 60 * 3600))
    else:
        return (first,)
    return first, _corrected(paper, first, _change_moment(paper, published_at + later), text)


def _corrected(paper: Paper, first: State, since: datetime, text: Text) -> State:
    """Return the state after a correction: one sentence; at times the title or the date as well."""
    draw = Draw(paper.name, "correction", first.since)
    title, redated = first.title, timedelta(0)
    if draw.chance(0.4):
        title = draw.pick(wording(text.language)["corrected_titles"]).format(title=title)
    if draw.chance(0.4):
        redated = timedelta(minutes=draw.pick((-40, -25, 25, 40)))
        moment = first.since + redated
        same_day = paper.local(moment).date() == paper.local(first.since).date()
        # Neither into another day's layout nor into an hour that clocks show twice.
        if not same_day or moment.date() != first.since.date() or moment >= since:
            redated = timedelta(0)
        if moment != _told_once(paper, moment):
            redated = timedelta(0)
    return State(since, title, tuple(" ".join(p) for p in text.corrected), redated)


def _changed_later(paper: Paper, on: date, seed: int, stories: list[Story]) -> list[Story]:
    """Return the stories of a day, one deleted later and another moved later in every cycle.

    Some change within hours, some after more than a day: so revisits of either kind find them.
    """
    cycle, place = divmod(on.toordinal(), _CYCLE)
    changed = {s.number: s for s in stories}
    untouched = [s.number for s in stories if s.kind is Kind.PLAIN]
    for what in ("deleted", "moved"):
        draw = Draw(seed, paper.name, what, cycle)
        if draw.number(0, _CYCLE - 1) != place:
            continue
        early = draw.chance(0.5)
        hours = (1, 9) if early else (25, 96)
        later = timedelta(seconds=draw.number(hours[0] * 3600, hours[1] * 3600))
        status = draw.pick((404, 410))
        # Without a canonical link, a page that moved would be another.
        fit = [n for n in untouched if what == "deleted" or changed[n].markup is not Markup.LABELS]
        if not fit:
            continue
        number = draw.pick(fit)
        untouched.remove(number)
        story = changed[number]
        since = _change_moment(paper, story.published_at + later)
        # Events come in order; a correction that would follow a deletion is never made.
        before = [s for s in story.states if s.since < since]
        after = [s for s in story.states if s.since >= since]
        if what == "deleted":
            states = [*before, replace(before[-1], since=since, status=status)]
        else:
            moved = [replace(s, moved=True) for s in after]
            states = [*before, replace(before[-1], since=since, moved=True), *moved]
        changed[number] = replace(story, states=tuple(states))
    return list(changed.values())


def _change_moment(paper: Paper, moment: datetime) -> datetime:
    """Return a moment of a change: told once, never earlier than wanted, not on a full minute."""
    since = moment if moment == _told_once(paper, moment) else moment + timedelta(hours=4)
    return since + timedelta(seconds=7) if since.second == 0 else since


def _told_once(paper: Paper, moment: datetime) -> datetime:
    """Move a moment out of the hour that clocks show twice: without offset none could tell."""
    local = paper.local(moment)
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return moment
    return moment + timedelta(hours=-4 if moment.hour > 12 else 4)


def _slug(title: str) -> str:
    """The title's first words as newspapers write them into addresses: letters and hyphens."""
    bare = "".join(c for c in unicodedata.normalize("NFC", title) if not unicodedata.combining(c))
    words = re.findall(r"[^\W\d_]+", bare.replace("’", "").lower())
    return "-".join(words[:8])
