"""Which visits a link is due, and the history that they tell."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from archives import version

from newsarchive.model import Capture, Reject, Version
from newsarchive.text.identity import version_id
from newsarchive.visits import Due, days_back, due, history, span_of

DAY = date(2026, 3, 1)
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://a.example/1"


def row(hours: float, outcome: str = "ok", status: int | None = 200, **more: Any) -> dict[str, Any]:
    values = {"visit": "first", "attempt": 1, "etag": '"e"', "last_modified": None, "url": URL}
    at = T0 + timedelta(hours=hours)
    return {"outcome": outcome, "status": status, "captured_at": at, **values, **more}


def now(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def test_a_new_link_is_due_its_first_visit() -> None:
    assert due([], ["1d"], None, now(0)) == Due("first")


def test_what_failed_for_now_is_tried_again_and_counts_on() -> None:
    failed = [row(0, "timeout", None), row(0.1, "http_error", 503, attempt=2)]
    assert due(failed, [], None, now(1)) == Due("first", 2)


@pytest.mark.parametrize("end", [("http_error", 404), ("robots", None), ("too_large", 200)])
def test_what_failed_for_good_is_not_asked_again(end: tuple[str, int | None]) -> None:
    assert due([row(0, *end)], ["1d"], None, now(48)) is None


def test_a_refusal_by_a_host_that_refuses_all_ends_no_visit() -> None:
    forbidden = [row(0, "http_error", 403)]
    assert due(forbidden, [], None, now(1)) is None
    assert due(forbidden, [], None, now(1), refused=True) == Due("first", 1)
    assert due([row(0, "http_error", 404)], [], None, now(1), refused=True) is None


@pytest.mark.parametrize(
    ("hours", "visit"),
    [(1, None), (22, None), (23.5, "1d"), (30, "1d"), (24 * 7, "7d"), (24 * 30, "7d")],
)
def test_revisits_are_due_in_their_time(hours: float, visit: str | None) -> None:
    found = due([row(0)], ["1d", "7d"], None, now(hours))
    assert (found and found.visit) == visit
    if found:
        assert found.etag == '"e"', "a revisit is conditional"


def test_a_revisit_is_made_once_and_a_304_is_one() -> None:
    seen = [row(0), row(24, "not_modified", 304, visit="1d")]
    assert due(seen, ["1d", "7d"], None, now(48)) is None
    assert due(seen, ["1d", "7d"], None, now(24 * 7)) == Due("7d", 0, '"e"', None, URL)


def test_a_revisit_that_failed_is_tried_again() -> None:
    assert due([row(0), row(24, "timeout", None, visit="1d")], ["1d"], None, now(25)) == Due(
        "1d", 1, '"e"', None, URL
    )


def test_a_listing_that_says_updated_makes_a_visit_once() -> None:
    changed = now(2)
    found = due([row(0)], [], changed, now(3))
    assert found == Due("updated 2026-03-01T14:00:00Z", 0, '"e"', None, URL)
    after = [row(0), row(3, visit=found.visit)]
    assert due(after, [], changed, now(4)) is None
    assert due([row(3)], [], changed, now(4)) is None, "it was seen after that"


def test_a_page_that_is_gone_is_left_alone() -> None:
    assert due([row(0), row(24, "http_error", 404, visit="1d")], ["7d"], None, now(300)) is None


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("12h", 1), ("25h", 2), ("7d", 7)])
def test_days_back(text: str, days: int) -> None:
    assert days_back([text]) == [days]


def test_nonsense_is_no_revisit() -> None:
    with pytest.raises(ValueError, match="12h or 7d"):
        span_of("soon")


def capture(hours: float, outcome: str = "ok", status: int | None = 200, **more: Any) -> Capture:
    at = T0 + timedelta(hours=hours)
    values: dict[str, Any] = {
        "run_day": DAY,
        "capture_id": f"c{hours}",
        "source": "paper_a",
        "kind": "page",
        "url": URL,
        "link_id": "l",
        "listing": None,
        "route": None,
        "visit": "first",
        "attempt": 1,
        "hop": 0,
        "outcome": outcome,
        "captured_at": at,
        "status": status,
        "warc_path": f"raw/{hours}",
    }
    return Capture(**(values | more))


def seen(hours: float, payload: str = "a", **more: Any) -> tuple[Capture, list[Version | Reject]]:
    c = capture(hours)
    v = version(DAY, URL, payload=payload, captured_at=c.captured_at, capture_id=c.capture_id)
    return c, [replace(v, **more)]


def told(*visits: tuple[Capture, list[Version | Reject]]) -> list[Version]:
    shuffled = random.sample(visits, len(visits))
    found = history(shuffled)
    assert all(isinstance(f, Version) for f in found)
    return [f for f in found if isinstance(f, Version)]


def test_an_unchanged_page_has_one_version_after_five_visits() -> None:
    (only,) = told(
        seen(0, "a"),
        seen(24, "a"),
        (capture(48, "not_modified", 304), []),
        seen(72, "other markup, same article"),
        (capture(96, "timeout", None), []),
    )
    assert only.captured_at == now(0)
    assert only.seen_until == now(72)
    assert only.changes == []


def test_changes_are_named() -> None:
    first, second, third = told(
        seen(0),
        seen(24, "b", title="Another title", text="Another text."),
        seen(48, "c", title="Another title", text="Another text.", published_day=DAY),
    )
    assert [v.changes for v in (first, second, third)] == [[], ["title", "text"], ["date"]]
    assert first.article_id == second.article_id == third.article_id
    assert len({v.version_id for v in (first, second, third)}) == 3


def test_a_page_that_moves_stays_the_same_article() -> None:
    first, second = told(
        seen(0),
        seen(24, "b", canonical_url="https://a.example/2", article_id="another"),
    )
    assert second.article_id == first.article_id
    assert second.version_id == version_id(first.article_id, second.payload_sha256)
    assert second.changes == ["moved"]


def redirected(hours: float, to: str, **more: Any) -> tuple[Capture, list[Version | Reject]]:
    """Return a visit that ended at another address, with an article there."""
    c = capture(hours, hop=1, url=to, visit="1d")
    at = {"captured_at": c.captured_at, "seen_until": c.captured_at}
    v = version(DAY, URL, payload=to, capture_id=c.capture_id, canonical_url=to, **at)
    return c, [replace(v, **more)]


HOME = "https://a.example/"


@pytest.mark.parametrize("to", [HOME, "https://a.example/3"])
def test_a_redirect_to_something_else_is_a_gone_article(to: str) -> None:
    other = {"title": "Something else", "text": "What was here is not here, but this is."}
    first, gone, back = told(
        seen(0), redirected(24, to, **other), redirected(48, to, **other), seen(72)
    )
    assert (gone.state, gone.changes, gone.visit) == ("gone", ["gone"], "1d")
    assert (gone.article_id, gone.title, gone.canonical_url) == (first.article_id, first.title, URL)
    assert (gone.captured_at, gone.seen_until) == (now(24), now(48))
    assert (back.state, back.changes) == ("live", ["back"])


def test_a_home_page_that_shows_the_article_is_not_its_new_address() -> None:
    _, gone = told(seen(0), redirected(24, HOME))
    assert gone.changes == ["gone"]


@pytest.mark.parametrize(
    ("to", "states"), [(HOME, ["live", "gone"]), ("https://a.example/login", ["live"])]
)
def test_a_redirect_to_a_page_without_article(to: str, states: list[str]) -> None:
    """The home page tells that it is gone; what asks for a login, or for consent, tells nothing."""
    found = told(seen(0), (capture(24, hop=1, url=to, visit="1d"), []))
    assert [v.state for v in found] == states


def test_a_redirect_from_the_first_is_no_change() -> None:
    (only,) = told(redirected(0, "https://a.example/3"), redirected(24, "https://a.example/3"))
    assert only.changes == []


def test_gone_and_back() -> None:
    first, gone, back = told(
        seen(0),
        (capture(24, "http_error", 404, visit="1d"), []),
        (capture(48, "http_error", 410, visit="7d"), []),
        seen(72, "a"),
    )
    assert [v.state for v in (first, gone, back)] == ["live", "gone", "live"]
    assert (gone.changes, back.changes) == (["gone"], ["back"])
    assert gone.title == first.title
    assert (gone.captured_at, gone.seen_until) == (now(24), now(48))
    assert gone.version_id not in (first.version_id, back.version_id)


def test_a_failure_after_a_version_changes_nothing() -> None:
    (only,) = told(seen(0), (capture(24, "http_error", 503), []))
    assert only.state == "live"


def test_history_told_twice_is_the_same() -> None:
    visits = [
        seen(0),
        seen(24, "b", title="Another title", article_id="another"),
        (capture(48, "http_error", 404), []),
    ]
    once = told(*visits)
    by_capture = {v.capture_id: [v] for v in once if v.state == "live"}
    again = told(*((c, by_capture.get(c.capture_id, [])) for c, _ in visits))
    assert again == once
