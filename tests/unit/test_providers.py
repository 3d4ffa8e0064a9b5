"""Who is asked for a page's bytes next."""

from typing import Any

import pytest

from newsarchive.providers import next_provider, takes_over

ALL = ["live", "wayback", "ccnews"]


def row(provider: str, outcome: str = "ok", status: int | None = None) -> dict[str, Any]:
    return {"provider": provider, "outcome": outcome, "status": status}


GONE = row("live", "http_error", 404)
BUSY = row("live", "http_error", 503)
REFUSED = row("live", "http_error", 403)
NOT_THERE = row("wayback", "http_error", 404)


@pytest.mark.parametrize(
    ("bodies", "rows", "provider"),
    [
        (ALL, [], "live"),
        (["wayback", "live"], [], "wayback"),
        (["ccnews", "live"], [], "live"),
        (ALL, [row("live")], None),
        (ALL, [GONE], "wayback"),
        (ALL, [BUSY], "live"),
        (ALL, [BUSY, NOT_THERE], "live"),
        (ALL, [BUSY, row("wayback")], "live"),
        (ALL, [GONE, NOT_THERE], None),
        (ALL, [GONE, row("wayback", "timeout")], "wayback"),
        (["live"], [GONE], None),
        (ALL, [row("ccnews")], "live"),
        (["ccnews", "live"], [row("ccnews")], None),
        (["live"], [row("ccnews")], None),
        (["live"], [row("warc")], None),
        (ALL, [row("live", "robots")], None),
        (ALL, [row("live", "bad_url")], None),
    ],
)
def test_who_is_next(bodies: list[str], rows: list[dict[str, Any]], provider: str | None) -> None:
    assert next_provider(bodies, rows) == provider


def test_a_refusal_of_a_host_that_refuses_all_is_not_final() -> None:
    assert next_provider(ALL, [REFUSED]) == "wayback"
    assert next_provider(ALL, [REFUSED], refused=True) == "live"


@pytest.mark.parametrize(
    ("outcome", "why", "over"),
    [
        ("ok", None, False),
        ("timeout", None, True),
        ("http_error", None, True),
        ("robots", None, False),
        (None, "host left alone", True),
        (None, "budget", False),
        (None, "host busy", False),
    ],
)
def test_whether_another_is_asked_at_once(outcome: str | None, why: str | None, over: bool) -> None:
    assert takes_over(outcome, why) is over
