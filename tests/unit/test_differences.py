"""What differs between two parses of the same bytes."""

from datetime import UTC, date, datetime
from typing import Any

from newsarchive.differences import MOST_SAMPLES, NOT_PARSED, Differences, compare

DAY, OTHER = date(2026, 11, 22), date(2026, 11, 20)
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def version(url: str = "a", part: int = 0, hour: int = 9, **more: Any) -> dict[str, Any]:
    at = AT.replace(hour=hour)
    row = {"run_day": DAY, "source": "s", "url": url, "part": part, "title": "T", "text": "Text."}
    row |= {"published_day": DAY, "captured_at": at, "seen_until": at, "authors": []}
    return row | more


def reject(url: str, reason: str, source: str = "s") -> dict[str, Any]:
    return {"run_day": DAY, "source": source, "url": url, "reason": reason}


def test_the_same_rows_differ_in_nothing() -> None:
    rows = [version(), version("b", authors=["A"])], [reject("c", "listing")]
    found = compare(*rows, *rows)
    assert found.counts == {"before": 2, "after": 2, "changed": 0}
    assert not (found.fields or found.lost or found.gained or found.rejected_otherwise)
    assert not found.samples


def test_articles_gained_and_lost_with_the_reason() -> None:
    found = compare([version("a")], [reject("b", "no_text")], [version("b")], [reject("a", "paid")])
    assert (found.gained, found.lost) == ({"no_text": 1}, {"paid": 1})
    assert [(s.url, s.before, s.after) for s in found.samples["lost"]] == [("a", "T", "paid")]
    assert [(s.url, s.before, s.after) for s in found.samples["gained"]] == [("b", "no_text", "T")]
    assert found.rejected_otherwise == {}


def test_a_page_that_was_never_parsed_and_an_article_that_is_embedded_no_more() -> None:
    found = compare([version("a"), version("a", 1)], [], [version("a"), version("b")], [])
    assert found.gained == {NOT_PARSED: 1}
    assert found.lost == {"embedded": 1}


def test_an_article_moves_to_another_day_also_where_it_loses_its_date() -> None:
    before = [version("a"), version("b", published_day=OTHER), version("c", published_day=None)]
    after = [version("a", published_day=OTHER), version("b", published_day=None), version("c")]
    found = compare(before, [], after, [])
    assert found.counts["moved"] == 2
    assert {s.before for s in found.samples["moved"]} == {str(DAY), str(OTHER)}
    assert found.fields["published_day"] == 3


def test_the_state_found_last_is_compared() -> None:
    first, second = version(hour=8, title="Old"), version(hour=10, title="New")
    assert compare([first, second], [], [second, first], []).counts["changed"] == 0
    found = compare([second], [], [first, second | {"title": "Newest"}], [])
    assert found.fields == {"title": 1}


def test_rows_of_before_a_column_was_kept_have_nothing_in_it() -> None:
    found = compare([version(authors=None)], [], [version(authors=[])], [])
    assert found.counts["changed"] == 0


def test_pages_rejected_for_another_reason() -> None:
    found = compare([], [reject("a", "no_text"), reject("b", "x")], [], [reject("a", "paid")])
    assert found.rejected_otherwise == {"no_text → paid": 1}


def test_samples_of_long_texts_begin_shortly_before_the_difference() -> None:
    same = "word " * 200
    found = compare([version(text=f"{same}one")], [], [version(text=f"{same}two more")], [])
    [sample] = found.samples["text"]
    assert sample.before is not None and sample.before.startswith("…") and "one" in sample.before
    assert sample.after is not None and sample.after.endswith("two more")
    assert len(sample.before) < 60


def test_sums_and_few_samples_whatever_the_order() -> None:
    parts = [
        compare([version(str(n))], [], [version(str(n), title=f"T{n}")], []) for n in range(20)
    ]
    one, other = Differences(), Differences()
    for part in parts:
        one.add(part)
    for part in reversed(parts):
        other.add(part)
    assert one == other
    assert one.counts["changed"] == 20
    assert len(one.samples["title"]) == MOST_SAMPLES
    assert one.in_words() == ["20 articles before, 20 after", "20 changed: 20 title"]
