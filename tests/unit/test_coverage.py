"""Coverage: the kinds of nothing are never confused."""

import random
from datetime import date
from typing import Any

import pytest

from newsarchive.coverage import count, is_definitive, refused_by_host, verdict
from newsarchive.model import Coverage
from newsarchive.recapture import estimate
from newsarchive.sources.load import Source

DAY = date(2026, 3, 1)
SOURCE = Source.model_validate(
    {
        "name": "paper_a",
        "title": "A",
        "url": "https://a.example/",
        "language": "en",
        "timezone": "UTC",
        "expected": {"min": 2, "max": 9},
        "listing": [{"kind": "feed", "url": "https://a.example/feed"}],
    }
)
OK = ("ok", 200)


def listing(
    status: str = "answered", route: str = "dated", gap: str | None = None, n: int = 1
) -> dict[str, Any]:
    return {
        "listing": f"https://a.example/{route}{n}",
        "status": status,
        "route": route,
        "gap": gap,
    }


def covered(
    listings: list[dict[str, Any]],
    outcomes: list[tuple[str, int | None] | None] | None = None,
    kept: int | None = None,
    rejected: int = 0,
    source: Source | None = SOURCE,
    can_answer: bool = True,
    same_article: bool = False,
) -> Coverage:
    """Count a day whose links ended with `outcomes` (None: never asked), `kept` of them kept."""
    ended = outcomes or []
    links = [{"link_id": f"l{n}", "routes": ["dated"]} for n in range(len(ended))]
    kept = sum(o == OK for o in ended) - rejected if kept is None else kept
    versions = [
        {
            "article_id": "a" if same_article else f"a{n}",
            "link_id": f"l{n}",
            "part": 0,
            "published_day": DAY,
        }
        for n in range(kept)
    ]
    rejects = [
        {"source": "paper_a", "link_id": f"l{kept + n}", "reason": "no_text", "payload_sha256": "x"}
        for n in range(rejected)
    ]
    told = {f"l{n}": o for n, o in enumerate(ended) if o is not None}
    return count(DAY, source, "paper_a", can_answer, listings, links, told, versions, rejects)


CASES = {
    "an index that lacks some hours": (
        [listing(route="gdelt", gap="no file of 3 of 24 hours")],
        [OK, OK],
        "partial",
    ),
    "what an index lacks the publisher has": (
        [listing(route="gdelt", gap="no file of 3 of 24 hours"), listing()],
        [OK, OK],
        "complete",
    ),
    "an index alone, and it said nothing": ([listing(route="gdelt")], [], "empty"),
    "no index reaches to the day": ([listing("not_found", route="ccnews")], [], "not_available"),
    "an index that did not answer": ([listing("failed", route="ccnews")], [], "failed"),
    "WARC files say nothing of the rest": ([listing(route="warc")], [OK, OK], "partial"),
    "all that was listed is here": ([listing()], [OK, OK], "complete"),
    "a reject is an answer too": ([listing()], [OK, OK, ("http_error", 404)], "complete"),
    "one of two dates is outside": ([listing(), listing("not_found", n=2)], [OK, OK], "complete"),
    "nothing was published": ([listing()], [], "empty"),
    "fewer than expected": ([listing()], [OK], "low"),
    "a page is to be had later": ([listing()], [OK, OK, ("http_error", 503)], "partial"),
    "a page was never asked": ([listing()], [OK, OK, None], "partial"),
    "one listing of two failed": ([listing(), listing("failed", n=2)], [OK, OK], "partial"),
    "polls with a gap": ([listing(route="feed", gap="no poll for 9 h")], [OK, OK], "partial"),
    "a section page with a gap": (
        [listing(route="section", gap="1 poll"), listing(route="feed")],
        [OK, OK],
        "partial",
    ),
    "a gap that a dated listing fills": (
        [listing(route="feed", gap="no poll for 9 h"), listing()],
        [OK, OK],
        "complete",
    ),
    "no listing answered": ([listing("failed")], [], "failed"),
    "failed and not found": ([listing("failed"), listing("not_found", n=2)], [], "failed"),
    "it does not reach so far": ([listing("not_found")], [], "not_available"),
}


@pytest.mark.parametrize(("listings", "outcomes", "status"), CASES.values(), ids=CASES)
def test_status(
    listings: list[dict[str, Any]], outcomes: list[tuple[str, int | None] | None], status: str
) -> None:
    row = covered(listings, outcomes)
    assert row.status == status
    assert (row.note is None) == (status == "complete")


def test_a_source_that_cannot_answer_is_not_available_and_one_that_was_not_asked_failed() -> None:
    assert covered([], can_answer=False).status == "not_available"
    row = covered([], can_answer=True)
    assert (row.status, row.listings_asked) == ("failed", 0)


def test_notes_name_what_is_wrong() -> None:
    assert "https://a.example/dated1" in (covered([listing("failed")]).note or "")
    assert (covered([listing()], [OK]).note or "") == "1 articles, at least 2 expected"
    assert (covered([listing()], [OK, OK, None]).note or "").startswith("1 of 3 pages")
    gap = covered([listing(route="feed", gap="no poll for 9 h")], [OK, OK])
    assert gap.note == "no poll for 9 h"


def test_what_is_missing_counts_more_than_what_is_low_or_has_gaps() -> None:
    row = covered([listing(route="feed", gap="gap")], [OK, None])
    assert row.status == "partial" and row.missing == 1
    assert "1 of 2 pages" in (row.note or "")


def test_a_link_is_counted_once_however_many_versions_its_page_has() -> None:
    versions = [
        {"article_id": article, "link_id": link, "part": part, "published_day": None}
        for article, link, part in [
            ("a", "l0", 0), ("a", "l0", 0), ("a", "l1", 0), ("b", "l2", 0), ("c", "l2", 1)
        ]
    ]  # fmt: skip
    links = [{"link_id": f"l{n}", "routes": ["dated"]} for n in range(3)]
    outcomes = {f"l{n}": OK for n in range(3)}
    row = count(DAY, SOURCE, "paper_a", True, [listing()], links, outcomes, versions, [])
    assert (row.listed, row.kept, row.duplicates, row.status) == (3, 3, 1, "complete")
    imports = [{"article_id": i, "link_id": None, "part": 0, "published_day": DAY} for i in "xyy"]
    row = count(DAY, None, "imports", False, [], [], {}, imports, [])
    assert (row.listed, row.kept, row.duplicates) == (3, 3, 1)


def test_numbers() -> None:
    row = covered(
        [listing(), listing("failed", "feed")],
        [OK, OK, OK, ("http_error", 404), ("timeout", None), None],
        rejected=1,
    )
    assert (row.listed, row.captured, row.kept, row.rejected, row.missing) == (6, 3, 2, 1, 2)
    assert row.parsed == 3
    assert (row.listings_asked, row.listings_answered, row.routes) == (2, 1, ["dated"])
    assert (row.expected_min, row.expected_max) == (2, 9)


def test_links_to_one_article_are_duplicates() -> None:
    assert covered([listing()], [OK, OK, OK], same_article=True).duplicates == 2


def test_an_embedded_article_is_not_counted_as_a_link() -> None:
    versions = [
        {"article_id": "a", "link_id": "l0", "part": 0, "published_day": DAY},
        {"article_id": "b", "link_id": "l0", "part": 1, "published_day": DAY},
    ]
    links = [{"link_id": "l0", "routes": ["dated"]}]
    row = count(DAY, None, "x", True, [listing()], links, {"l0": OK}, versions, [])
    assert (row.kept, row.duplicates, row.status) == (1, 0, "complete")


def test_imports_are_complete_though_nobody_lists_them() -> None:
    row = covered([], kept=2, rejected=1, source=None, can_answer=False)
    assert (row.status, row.listed, row.captured, row.kept) == ("complete", 3, 3, 2)


def test_a_source_without_expectation_is_never_low() -> None:
    assert covered([listing()], [OK], source=None).status == "complete"


@pytest.mark.parametrize(
    ("outcome", "status", "over"),
    [
        ("ok", 200, True),
        ("robots", None, True),
        ("blocked_address", None, True),
        ("bad_url", None, True),
        ("too_large", 200, True),
        ("too_many_redirects", 302, True),
        ("http_error", 404, True),
        ("http_error", 410, True),
        ("http_error", 403, True),
        ("http_error", 408, False),
        ("http_error", 425, False),
        ("http_error", 429, False),
        ("http_error", 500, False),
        ("http_error", 503, False),
        ("http_error", None, False),
        ("timeout", None, False),
        ("connection", None, False),
        ("tls", None, False),
        ("broken", 200, False),
    ],
)
def test_which_answers_are_asked_for_again(outcome: str, status: int | None, over: bool) -> None:
    assert is_definitive(outcome, status) is over


def _ended(*ends: tuple[str, str, int | None], source: str = "paper_a") -> dict[str, Any]:
    return {
        f"l{n}": {"source": source, "url": f"{host}/{n}", "outcome": outcome, "status": status}
        for n, (host, outcome, status) in enumerate(ends)
    }


A, B = "https://a.example", "https://b.example"


def test_a_host_that_refuses_nearly_all_is_told_from_a_page_that_is_forbidden() -> None:
    no, ok = (A, "http_error", 403), (A, "ok", 200)
    assert refused_by_host(_ended(*[no] * 9, ok)) == {f"l{n}": A for n in range(9)}
    assert refused_by_host(_ended(*[no] * 8, ok, ok)) == {}
    assert refused_by_host(_ended(*[no] * 4)) == {}, "too few to tell"
    many = (A, "http_error", 429)
    assert len(refused_by_host(_ended(no, no, many, many, many))) == 5
    # Another host of the source that answers does not hide it, what was not asked counts for none.
    elsewhere = [(B, "ok", 200)] * 9
    assert len(refused_by_host(_ended(*[no] * 5, *elsewhere, (A, "robots", None)))) == 5
    assert refused_by_host(_ended(*[(A, "http_error", 404)] * 9)) == {}


def test_pages_that_a_host_refuses_are_missing_and_the_note_names_it() -> None:
    outcomes: list[tuple[str, int | None] | None] = [OK, ("http_error", 403), None]
    links = [{"link_id": f"l{n}", "routes": ["dated"]} for n in range(3)]
    told = {f"l{n}": o for n, o in enumerate(outcomes) if o}
    row = count(DAY, SOURCE, "paper_a", True, [listing()], links, told, [], [], {"l1": A})
    assert (row.status, row.missing) == ("partial", 2)
    assert row.note == (
        f"2 of 3 pages could not be had: {A} refuses nearly all of them (status 403 or 429), "
        "1 were not asked; running the day again asks for them"
    )
    row = count(DAY, SOURCE, "paper_a", True, [listing()], links, told, [], [], {}, "budget used")
    assert row.note == "1 of 3 pages could not be had: 1 were not asked, budget used"


def test_a_listing_that_was_not_asked_is_said_to_be_so() -> None:
    failed = listing("failed") | {"problem": "not asked"}
    row = count(DAY, SOURCE, "paper_a", True, [failed], [], {}, [], [], None, "budget used")
    assert row.status == "failed"
    assert row.note == "no answer from https://a.example/dated1 (not asked); budget used"


def recaptured(both: int, own: int, others: int, **changes: Any) -> Coverage:
    """Count a day of articles that both, only the publisher, or only an index listed."""
    routes = [["feed", "gdelt"]] * both + [["feed"]] * own + [["gdelt"]] * others
    links = [{"link_id": f"l{n}", "routes": r} for n, r in enumerate(routes)]
    versions = [
        {"article_id": f"a{n}", "link_id": f"l{n}", "part": 0, "published_day": DAY} | changes
        for n in range(len(routes))
    ]
    told: dict[str, tuple[str, int | None]] = {link["link_id"]: OK for link in links}
    listings = [listing(route="feed"), listing(route="gdelt")]
    return count(
        DAY, SOURCE, "paper_a", True, listings, links, told, versions, [], providers=["live"]
    )


def test_what_each_route_alone_would_have_missed() -> None:
    found = recaptured(5, 3, 2)
    assert found.missed == {"feed": 2, "gdelt": 3}
    assert found.providers == ["live"]


def test_articles_that_nobody_listed_are_estimated() -> None:
    found = recaptured(40, 20, 10)
    # (61 * 51 / 41) - 1
    assert found.estimated == 75
    assert found.estimated_error == 3.0


@pytest.mark.parametrize(
    ("seen", "changes"),
    [
        ((6, 20, 10), {}),  # too few in both
        ((0, 20, 0), {}),  # one route only
        ((40, 20, 10), {"published_day": None}),  # of which day they are nobody knows
        ((40, 20, 10), {"published_day": date(2026, 2, 28)}),
        ((40, 20, 10), {"part": 1}),
    ],
)
def test_no_estimate_where_it_would_be_dishonest(
    seen: tuple[int, int, int], changes: dict[str, Any]
) -> None:
    assert recaptured(*seen, **changes).estimated is None


def test_routes_that_depend_on_each_other_are_no_two() -> None:
    assert estimate([{"feed", "ccnews"}] * 50) is None
    assert estimate([{"gdelt", "wayback"}] * 50) is None
    assert estimate([{"warc", "feed"}] * 50) is None


def test_the_estimate_finds_the_truth_of_independent_routes() -> None:
    chance = random.Random(7)
    guesses = []
    for _ in range(200):
        draws = [(chance.random() < 0.6, chance.random() < 0.5) for _ in range(150)]
        seen = [{r for r, had in zip(("feed", "gdelt"), d, strict=True) if had} for d in draws]
        guess = estimate(s for s in seen if s)
        assert guess is not None
        guesses.append(guess)
    assert abs(sum(g.articles for g in guesses) / len(guesses) - 150) < 2
    near = sum(abs(g.articles - 150) <= 2 * g.error for g in guesses)
    assert near >= 0.9 * len(guesses)


@pytest.mark.parametrize(
    ("statuses", "required", "most", "fails", "words"),
    [
        (["complete", "partial", "low", "empty", "not_available"], [], 0.1, False, None),
        (["failed"] + ["complete"] * 9, [], 0.1, False, "1 of 10 sources failed: s0"),
        (["failed"] + ["complete"] * 8, [], 0.1, True, "1 of 9 sources failed: s0"),
        (["failed"] + ["complete"] * 9, ["s0"], 0.1, True, "required: s0"),
        (["failed"] + ["complete"] * 9, ["s1"], 0.1, False, "s0"),
        (["failed"] * 9 + ["complete"], [], 1.0, False, "s0, s1, s2, s3, s4 and 4 more"),
        (["failed", "complete"], [], 0.0, True, "s0"),
        (["not_available"], ["s0"], 0.0, False, None),
        ([], [], 0.0, False, None),
    ],
)
def test_when_a_run_has_failed(
    statuses: list[str], required: list[str], most: float, fails: bool, words: str | None
) -> None:
    failed, said = verdict({f"s{n}": s for n, s in enumerate(statuses)}, required, most)
    assert failed is fails
    assert (said is None) if words is None else (words in (said or ""))
