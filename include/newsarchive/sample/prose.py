"""Write articles: the sentences of wording_*.toml, their choices made by seeded draws."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from newsarchive.sample.draw import Draw
from newsarchive.sample.written_dates import ARABIC_INDIC, WEEKDAYS, months

Slots = Mapping[str, str | Callable[[], str]]

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([^{}]*)\}")
_SPACES = re.compile(r" {2,}")
_FEMININE = "ت"
_VERBS = [
    "قال",
    "أضاف",
    "أكد",
    "أشار",
    "أوضح",
    "أعلن",
    "ذكر",
    "أجاب",
    "غاب",
    "نشأ",
    "عمل",
    "عزف",
    "رسم",
    "قلب",
    "حسم",
    "أشعل",
    "قرأ",
    "رصد",
    "ترافع",
    "اعترض",
    "شهد",
]


@dataclass(frozen=True, slots=True)
class Text:
    """An article as it was written, before it has a page."""

    language: str
    topic: str
    section: str
    title: str
    paragraphs: tuple[tuple[str, ...], ...]
    """Sentences by paragraph."""
    corrected: tuple[tuple[str, ...], ...]
    """The same with one sentence changed."""
    people: tuple[str, ...]
    """Names that may sign it."""
    keywords: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The first sentence."""
        return self.paragraphs[0][0]


@cache
def wording(language: str) -> dict[str, Any]:
    """Return what articles of a language (ar, en) are written with."""
    resource = files("newsarchive.sample").joinpath(f"wording_{language}.toml")
    return tomllib.loads(resource.read_text(encoding="utf-8"))


def expand(sentence: str, slots: Slots, draw: Draw) -> str:
    """Return the sentence with a choice made at each `[a|b|c]` and each `{name}` filled in."""
    chosen = _CHOICE.sub(lambda m: draw.pick(m[1].split("|")), sentence)

    def fill(match: re.Match[str]) -> str:
        value = slots[match[1]]
        return value if isinstance(value, str) else value()

    filled = _SPACES.sub(" ", _SLOT.sub(fill, chosen)).strip()
    return filled[:1].upper() + filled[1:]


def topics(language: str) -> list[int]:
    """Return the numbers of the topics that a language has."""
    return list(range(len(wording(language)["topics"])))


def write(language: str, topic: int, day: date, draw: Draw) -> Text:
    """Write one article of 4 to 8 paragraphs.

    Args:
        language: ar or en.
        topic: number of the topic, as `topics` counts them.
        day: the day of the news; its weekday is in the text.
        draw: where every choice comes from.
    """
    words = wording(language)
    about = words["topics"][topic]
    slots = _slots(language, words, about, day, draw)
    facts = draw.shuffled(about["facts"])
    general = draw.shuffled(words["facts"])
    quotes = draw.shuffled(about["quotes"])
    attributions = draw.shuffled(words["attributions"])

    def say(sentence: str) -> str:
        return expand(sentence, slots, draw)

    def quoted() -> str:
        quote = expand(quotes.pop(), slots, draw)
        return expand(attributions.pop(), {**slots, "quote": quote}, draw)

    def told() -> str:
        return say(facts.pop() if facts and draw.chance(0.65) else general.pop())

    paragraphs: list[tuple[str, ...]] = [(say(draw.pick(about["leads"])), told())]
    for place in range(draw.number(2, 6)):
        if len(quotes) > 2 and place % 2 == 0:
            paragraphs.append((quoted(), told()) if draw.chance(0.5) else (told(), quoted()))
        else:
            paragraphs.append(tuple(told() for _ in range(draw.number(1, 3))))
    paragraphs.append((told(), say(draw.pick(words["outlooks"]))))
    title = say(draw.pick(about["titles"]))
    spare = say(general.pop())
    if language == "ar" and draw.chance(0.6):
        title, spare = title.translate(ARABIC_INDIC), spare.translate(ARABIC_INDIC)
        paragraphs = [tuple(s.translate(ARABIC_INDIC) for s in p) for p in paragraphs]
    at = draw.number(1, len(paragraphs) - 1)
    corrected = list(paragraphs)
    corrected[at] = (*paragraphs[at][:-1], spare)
    keywords = [*draw.shuffled(about["keywords"])[: draw.number(2, 4)], _string(slots["place"])]
    return Text(
        language,
        about["slug"],
        about["section"],
        title,
        tuple(paragraphs),
        tuple(corrected),
        tuple(_name(words, draw)[0] for _ in range(2)),
        tuple(keywords),
    )


def _slots(
    language: str, words: dict[str, Any], about: dict[str, Any], day: date, draw: Draw
) -> Slots:
    place, place2 = draw.shuffled(words["places"])[:2]
    org, org2 = draw.shuffled(about["bodies"])[:2]
    roles = draw.shuffled(about["roles"])
    slots: dict[str, str | Callable[[], str]] = {
        "place": place,
        "place2": place2,
        "org": org,
        "org2": org2,
        "thing": draw.pick(about["things"]),
        "weekday": WEEKDAYS[language][day.weekday()],
        "n": lambda: str(draw.number(11, 98)),
        "month": lambda: draw.pick(months(language)),
        "year": lambda: str(max(1, day.year - draw.number(2, 28))),
        "pct": lambda: str(draw.number(11, 98)),
    }
    if language == "ar":
        slots["hundreds"] = lambda: str(draw.number(3, 98) * 100)
        slots["money"] = lambda: f"{draw.number(11, 98)} مليون جنيه"
    else:
        slots["hundreds"] = lambda: f"{draw.number(110, 9899):,}"
        slots["money"] = lambda: f"${draw.number(11, 989) / 10} million"
    for suffix in ("", "2"):
        name, family, feminine = _name(words, draw)
        slots["who" + suffix] = f"{roles.pop()[feminine]} {name}"
        slots["last" + suffix] = family
        if language == "ar":
            for verb in _VERBS:
                slots[verb + suffix] = verb + (_FEMININE if feminine else "")
    return slots


def _name(words: dict[str, Any], draw: Draw) -> tuple[str, str, bool]:
    feminine = draw.chance(0.45)
    given, family = (
        draw.pick(words["given_f" if feminine else "given_m"]),
        draw.pick(words["families"]),
    )
    return f"{given} {family}", family, feminine


def _string(value: str | Callable[[], str]) -> str:
    return value if isinstance(value, str) else value()
