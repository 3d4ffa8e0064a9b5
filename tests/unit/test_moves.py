"""Which ids are one article once pages moved: a pure rule, whatever order things arrive in."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from archives import version

from newsarchive.articles import merge
from newsarchive.model import Alias, Capture, Version
from newsarchive.moves import aliases_of, is_replaced, leads_above, remaining
from newsarchive.text.identity import article_id
from newsarchive.text.likeness import likeness

DAY = date(2026, 3, 1)
HOST = "https://a.example"
OLD, NEW = f"{HOST}/news/1-first", f"{HOST}/stories/1-first"
TEXT = (
    "The bridge over the river was closed on Monday after engineers found cracks in two of its "
    "piers, the council said. Buses will take another way until the work is done, which may last "
    "into the summer. Shopkeepers on the east bank asked for help."
)
OTHER = (
    "A museum of clocks opened its doors in the old station hall. Its keeper wound three hundred "
    "of them by hand on the eve, and says that no two will ever agree. Visitors may bring their "
    "own to be mended on the first Saturday of each month."
)


def seen(url: str, **more: Any) -> Version:
    """Return a version of the link OLD whose page says that its address is `url`."""
    values = {"title": "Bridge closed", "text": TEXT, "canonical_url": url}
    return version(DAY, OLD, **(values | more))


def found(before: Version, after: Version) -> set[tuple[str, str, str | None]]:
    """Return the aliases that a move tells of, the new id by its address."""
    names = {article_id("paper_a", u): u for u in (OLD, NEW, f"{HOST}/", f"{HOST}/news")}
    told = aliases_of([before, replace(after, changes=["moved"], article_id=before.article_id)])
    return {(names[a.alias_id], names[a.article_id], a.reason) for a in told}


def test_a_new_address_of_the_same_article_is_an_alias_of_the_old_one() -> None:
    assert found(seen(OLD), seen(NEW)) == {(NEW, OLD, "moved")}
    corrected = seen(NEW, text=TEXT.replace("Monday", "Sunday"))
    assert found(seen(OLD), corrected) == {(NEW, OLD, "moved")}
    assert found(seen(OLD), seen(NEW, title="Cracks found")) == {(NEW, OLD, "retitled")}


def test_another_article_or_the_home_page_is_none() -> None:
    assert not found(seen(OLD), seen(NEW, text=OTHER))
    assert not found(seen(OLD), seen(NEW, text=OTHER, title="Clocks"))
    assert not found(seen(OLD), seen(f"{HOST}/"))
    assert not aliases_of([seen(OLD)])
    unmoved = replace(seen(NEW), changes=["text"])
    assert not aliases_of([seen(OLD), unmoved])


@pytest.mark.parametrize(
    "same", [OLD.replace("https", "http"), OLD.replace("//a.", "//www.a."), OLD + "/"]
)
def test_a_site_that_changes_its_scheme_keeps_its_articles(same: str) -> None:
    """Not even a text that was written anew makes another article of the same path."""
    told = aliases_of([seen(OLD), replace(seen(same, text=OTHER), changes=["text", "moved"])])
    assert [(a.alias_id, a.reason) for a in told] == [(article_id("paper_a", same), "moved")]


def test_an_article_in_another_page_moves_with_it() -> None:
    first = [seen(OLD), seen(OLD, part=1, text=OTHER, article_id=article_id("paper_a", OLD, 1))]
    then = [
        replace(v, canonical_url=NEW, changes=["moved"], version_id=f"v{v.part}") for v in first
    ]
    told = aliases_of([*first, *then])
    assert {(a.alias_id, a.article_id) for a in told} == {
        (article_id("paper_a", NEW, n), article_id("paper_a", OLD, n)) for n in (0, 1)
    }


def ended(url: str, hop: int = 1) -> Capture:
    values: dict[str, Any] = dict.fromkeys(("link_id", "listing", "route"))
    values |= {"run_day": DAY, "capture_id": "c", "source": "paper_a", "kind": "page", "url": url}
    values |= {"visit": "1d", "attempt": 1, "hop": hop, "outcome": "ok"}
    return Capture(**values, captured_at=seen(OLD).captured_at)


def test_only_a_redirect_to_another_article_replaces_one() -> None:
    other = seen(NEW, text=OTHER, title="Clocks")
    assert is_replaced(seen(OLD), other, ended(NEW))
    assert not is_replaced(seen(OLD), other, ended(OLD, hop=0)), "the page itself was written anew"
    assert not is_replaced(seen(OLD), seen(NEW), ended(NEW))
    assert not is_replaced(seen(OLD), seen(OLD, text=OTHER), ended(OLD)), "it always redirected"
    assert is_replaced(seen(OLD), seen(f"{HOST}/"), ended(f"{HOST}/"))


@pytest.mark.parametrize(
    ("end", "above"),
    [
        (f"{HOST}/", True),
        (f"{HOST}/?utm_source=gone", True),
        (f"{HOST}/news/", True),
        (f"{HOST}/news", True),
        (f"{HOST}/ne", False),
        (f"{HOST}/news?page=2", False),
        (f"{HOST}/consent", False),
        ("https://login.example/", True),
        ("https://login.example/news/", False),
        (OLD + "/amp", False),
    ],
)
def test_home_and_section_pages_are_above(end: str, above: bool) -> None:
    assert leads_above(seen(OLD), ended(end)) is above
    assert not leads_above(seen(OLD), ended(end, hop=0))


def test_likeness() -> None:
    assert likeness(TEXT, TEXT.upper()) == 1.0
    assert likeness(TEXT, TEXT.replace("Monday", "Sunday")) > 0.85
    assert likeness(TEXT, OTHER) < 0.1
    assert likeness("", TEXT) == likeness("", "") == 0.0
    assert likeness("نص", "نص") == 1.0


# ------------------------------------------------------------------------------ which id remains


def rows(*edges: tuple[str, str] | tuple[str, str, str]) -> list[dict[str, Any]]:
    """Return rows of aliases: (what it would be now, what it was, reason)."""
    return [
        {"alias_id": new, "article_id": old, "reason": why[0] if why else "moved"}
        for new, old, *why in edges
    ]


def first_days(ids: str, **days: int) -> dict[str, date]:
    """Return the first run day of each id (a letter); day 0 where nothing else is said."""
    return {i: DAY + timedelta(days=days.get(i, 0)) for i in ids}


def test_what_nothing_moved_to_stays_as_it_is() -> None:
    assert remaining(first_days("ab"), []) == {}


def test_the_old_id_remains_whichever_day_is_earlier_or_id_smaller() -> None:
    assert remaining(first_days("ab", b=3), rows(("a", "b"))) == {"a": "b"}
    assert remaining(first_days("ab"), rows(("b", "a"))) == {"b": "a"}


def test_an_address_that_is_never_listed_is_known_as_well() -> None:
    assert remaining(first_days("a"), rows(("x", "a"))) == {"x": "a"}


def test_chains_end_at_the_first() -> None:
    chain = rows(("c", "b"), ("b", "d"), ("a", "c"))
    assert remaining(first_days("abcd"), chain) == dict.fromkeys("abc", "d")


def test_circles_end_at_the_earliest_run_day_then_the_smallest_id() -> None:
    circle = rows(("a", "b"), ("b", "c"), ("c", "a"))
    assert remaining(first_days("abc", a=2, b=1, c=1), circle) == dict.fromkeys("ac", "b")
    assert remaining(first_days("abc"), circle) == dict.fromkeys("bc", "a")
    assert remaining(first_days("a"), rows(("a", "a"))) == {}


def test_two_that_moved_to_one_are_one() -> None:
    both = rows(("z", "b"), ("z", "a"))
    assert remaining(first_days("abz"), both) == dict.fromkeys("bz", "a")
    assert remaining(first_days("abz", a=1), both) == dict.fromkeys("az", "b")


def test_several_whose_headline_became_another_one_did_not_move_there() -> None:
    page = rows(("z", "a", "retitled"), ("z", "b", "retitled"))
    assert remaining(first_days("abz"), page) == {}
    assert remaining(first_days("az"), page[:1]) == {"z": "a"}
    kept = [*page, *rows(("z", "c"))]
    assert remaining(first_days("abcz"), kept) == {"z": "c"}, "the one that kept its headline did"
    one = [*page, *rows(("b", "a"))]
    assert remaining(first_days("abz"), one) == dict.fromkeys("bz", "a"), "they are one article"


def test_what_an_older_parser_said_merges_nothing() -> None:
    former = [*rows(("a", "b", "parser")), {**rows(("a", "c"))[0], "reason": None}]
    assert remaining(first_days("abc"), former) == {}


def test_an_id_without_versions_never_remains() -> None:
    assert remaining(first_days("b"), rows(("b", "a"))) == {"a": "b"}
    assert remaining({}, rows(("b", "a"))) == {}


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)
    ids = "abcdefgh"
    days = first_days(ids, **{i: chance.randrange(3) for i in ids})
    edges = rows(
        *(
            (chance.choice(ids), chance.choice(ids), chance.choice(("moved", "retitled")))
            for _ in range(chance.randrange(10))
        )
    )
    wanted = remaining(days, edges)
    for _ in range(5):
        shuffled = chance.sample(edges + edges[:2], len(edges) + len(edges[:2]))
        mixed = dict(chance.sample(list(days.items()), len(days)))
        assert remaining(mixed, shuffled) == wanted
    assert not set(wanted.values()) & set(wanted), "no shown id is itself shown as another"


@pytest.mark.parametrize("seed", range(10))
def test_parts_that_nothing_joins_can_be_worked_on_alone(seed: int) -> None:
    """What lets `publish` look at the articles of a day alone."""
    chance = random.Random(seed)

    def some(ids: str) -> list[dict[str, Any]]:
        return rows(
            *(
                (chance.choice(ids), chance.choice(ids), chance.choice(("moved", "retitled")))
                for _ in range(5)
            )
        )

    one, two = some("abcd"), some("efgh")
    whole = remaining(first_days("abcdefgh"), chance.sample([*one, *two], 10))
    assert whole == remaining(first_days("abcd"), one) | remaining(first_days("efgh"), two)


# ------------------------------------------------------------------------------- the article then


def as_rows(versions: Iterable[Version]) -> list[dict[str, Any]]:
    return [{n: getattr(v, n) for n in v.__slots__} for v in versions]


def hours(number: float) -> Any:
    return seen(OLD).captured_at + timedelta(hours=number)


def moved_story() -> tuple[list[Version], list[Alias]]:
    """Return the versions of a story that moved: two at the old link, one at the new."""
    first = seen(OLD, payload="as it was", seen_until=hours(2))
    moved = seen(
        NEW,
        payload="as it is",
        article_id=first.article_id,
        changes=["moved"],
        visit="1d",
        captured_at=hours(24),
        seen_until=hours(24),
    )
    relisted = version(
        DAY + timedelta(days=1),
        NEW,
        title="Bridge closed",
        text=TEXT,
        payload="as it is",
        captured_at=hours(20),
        seen_until=hours(20),
    )
    return [first, moved, relisted], aliases_of([first, moved])


def test_the_versions_of_both_addresses_make_one_article() -> None:
    versions, aliases = moved_story()
    days = {v.article_id: v.run_day for v in reversed(versions)}
    shown_as = remaining(days, as_rows(aliases))
    results = []
    for _ in range(6):
        random.shuffle(versions)
        (article,) = merge(as_rows(versions), {}, shown_as)
        results.append(article)
    assert len({repr(a) for a in results}) == 1
    article = results[0]
    assert article.article_id == article_id("paper_a", OLD)
    assert article.url == NEW
    assert article.versions == 2, "the same page at both links is one"
    assert (article.first_run_day, article.last_run_day) == (DAY, DAY + timedelta(days=1))
    assert (article.first_seen, article.last_seen) == (hours(0), hours(24))
    assert len(merge(as_rows(versions), {})) == 2


def test_it_does_not_matter_which_address_was_asked_last() -> None:
    versions, aliases = moved_story()
    first, moved, relisted = versions
    shown_as = remaining(
        {first.article_id: DAY, relisted.article_id: relisted.run_day}, as_rows(aliases)
    )
    shown = {
        merge(
            as_rows([first, moved, replace(relisted, captured_at=at, seen_until=at)]), {}, shown_as
        )[0].version_id
        for at in (hours(20), hours(30))
    }
    assert shown == {relisted.version_id}


def test_an_old_address_that_is_dropped_later_leaves_the_article_live() -> None:
    versions, aliases = moved_story()
    first, moved, relisted = versions
    shown_as = remaining(
        {first.article_id: DAY, relisted.article_id: relisted.run_day}, as_rows(aliases)
    )
    gone = replace(
        moved, state="gone", version_id="gone", captured_at=hours(100), seen_until=hours(100)
    )
    seen_later = replace(relisted, seen_until=hours(120))
    (article,) = merge(as_rows([first, moved, gone, seen_later]), {}, shown_as)
    assert (article.state, article.gone_at) == ("live", None)
    (article,) = merge(as_rows([first, moved, gone, relisted]), {}, shown_as)
    assert (article.state, article.gone_at) == ("gone", hours(100))


def test_an_embedded_article_names_the_parent_that_is_shown() -> None:
    inner = version(DAY, NEW, part=1, article_id="inner", parent_article_id="new")
    (article,) = merge(as_rows([inner]), {}, {"new": "old"})
    assert article.parent_article_id == "old"
