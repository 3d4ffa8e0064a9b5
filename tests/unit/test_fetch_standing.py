"""The standing of a host: what it remembers of answers, at a clock that we set."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from newsarchive.errors import ArchiveError
from newsarchive.fetch.leases import safe_name
from newsarchive.fetch.standing import LONGEST_WAIT, PROBES, Standing, Standings, after
from newsarchive.model import Capture

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0
HOST = "https://paper.example"


def answer(
    status: int | None = 200,
    outcome: str | None = None,
    kind: str = "page",
    retry_after: float | None = None,
) -> Capture:
    return Capture(
        run_day=date(2026, 11, 22),
        capture_id="c",
        source="paper",
        kind=kind,
        url=f"{HOST}/1",
        link_id=None,
        listing=None,
        route=None,
        visit="first",
        attempt=1,
        hop=0,
        outcome=outcome or ("ok" if status == 200 else "http_error"),
        captured_at=datetime(2026, 11, 22, tzinfo=UTC),
        status=status,
        retry_after_s=retry_after,
    )


def told(*answers: Capture, standing: Standing | None = None, now: float = NOON) -> Standing:
    standing = standing or Standing()
    for capture in answers:
        standing = after(standing, capture, now, 1.0, 60.0)
    return standing


def refused_for_a_day(kind: str = "page") -> Standing:
    """Return the standing after 24 refusals, one an hour."""
    standing = Standing()
    for hour in range(24):
        standing = told(answer(403, kind=kind), standing=standing, now=NOON + hour * HOUR)
    return standing


def test_the_delay_doubles_up_to_a_cap_and_shrinks_with_success() -> None:
    delays, standing = [], Standing()
    for status in [503] * 7 + [200] * 6:
        standing = told(answer(status), standing=standing)
        delays.append(standing.delay)
    assert delays == [2, 4, 8, 16, 32, 60, 60, 30, 15, 7.5, 3.75, 1.875, 0]
    assert standing == Standing(), "a host that answers again is as good as any"


@pytest.mark.parametrize(
    ("capture", "bad"),
    [
        (answer(403), True),
        (answer(429), True),
        (answer(500), True),
        (answer(503), True),
        (answer(None, "timeout"), True),
        (answer(None, "connection"), True),
        (answer(None, "tls"), True),
        (answer(200), False),
        (answer(304, "not_modified"), False),
        (answer(404), False),
        (answer(410), False),
        (answer(200, "too_large"), False),
        (answer(302, "redirect"), None),
        (answer(None, "blocked_address"), None),
        (answer(200, "broken"), None),
    ],
)
def test_what_answers_say_of_their_host(capture: Capture, bad: bool | None) -> None:
    before = told(answer(503), answer(503))
    delay = told(capture, standing=before).delay
    assert delay == {True: 8, False: 2, None: 4}[bad]


def test_failures_in_a_row_end_second_tries() -> None:
    assert not told(*[answer(503)] * 4).strained("page")
    assert told(*[answer(503)] * 5).strained("page")
    assert not told(*[answer(503)] * 9, answer(200)).strained("page")


def test_pages_that_are_refused_are_tried_once_though_feeds_answer_between() -> None:
    standing = told(*[answer(403)] * 10, answer(304, "not_modified", kind="feed"))
    assert standing.failures == 0
    assert standing.strained("page") and not standing.strained("feed")


def test_retry_after_is_a_time_before_which_nobody_asks() -> None:
    standing = told(answer(503, retry_after=20 * HOUR))
    assert standing.wait(NOON) == 20 * HOUR
    assert standing.wait(NOON + 19 * HOUR) == HOUR
    assert standing.wait(NOON + 20 * HOUR) == 0
    # A shorter one does not take the longer back, and neither does success.
    both = told(answer(429, retry_after=60), answer(200), standing=standing)
    assert both.wait(NOON) == 20 * HOUR
    # Over, it is forgotten.
    assert told(answer(200), standing=both, now=NOON + DAY).not_before == 0


def test_absurd_times_end_no_source() -> None:
    standing = told(answer(503, retry_after=9e9))
    assert standing.wait(NOON) == LONGEST_WAIT
    assert Standing(not_before=NOON + 400 * DAY).wait(NOON) == 0, "the clock was set back"
    assert told(answer(200, retry_after=60)).wait(NOON) == 0, "only a refusal asks to wait"


def test_a_host_that_refuses_for_a_day_is_probed_only() -> None:
    standing = refused_for_a_day()
    now = NOON + 23 * HOUR
    assert standing.slowed("page", now) is None and standing.may_ask("page", now)
    now = NOON + 24 * HOUR
    words = standing.slowed("page", now) or ""
    assert "hardly any pages since 2026-11-22" in words and "status 403" in words
    for _ in range(PROBES):
        assert standing.may_ask("page", now)
        standing = told(answer(403), standing=standing, now=now)
    assert not standing.may_ask("page", now + 60)
    assert standing.may_ask("page", now + HOUR), "a few more the next hour"
    # Listings are another matter: it may give them.
    assert standing.may_ask("feed", now) and standing.slowed("feed", now) is None


def test_probes_grow_with_each_good_answer_until_it_is_asked_as_before() -> None:
    standing, now, asked = refused_for_a_day(), NOON + 30 * HOUR, 0
    while standing.slowed("page", now):
        assert standing.may_ask("page", now), f"stopped after {asked} good answers"
        standing, asked = told(answer(200), standing=standing, now=now), asked + 1
    assert asked <= 3, "24 refusals are soon outweighed"
    heavy = told(*[answer(403)] * 500, standing=refused_for_a_day(), now=now)
    later, asked = now + HOUR, 0
    while heavy.slowed("page", later):
        assert heavy.may_ask("page", later)
        heavy, asked = told(answer(200), standing=heavy, now=later), asked + 1
    assert asked == 10, "and any number by ten in a row"
    assert told(answer(200), standing=heavy, now=later).spells == {}


def test_a_probe_that_fails_takes_back_what_others_gained() -> None:
    heavy, now = told(*[answer(403)] * 90, standing=refused_for_a_day()), NOON + 30 * HOUR
    good = told(*[answer(200)] * 4, standing=heavy, now=now)
    assert good.spells["pages"].probes == PROBES + 4
    assert told(answer(403), standing=good, now=now).spells["pages"].probes == PROBES - 1


@pytest.mark.parametrize(
    ("good", "slowed"), [(0, True), (1, True), (3, False), (10, False)], ids=lambda v: str(v)
)
def test_a_host_that_refuses_some_is_not_slowed(good: int, slowed: bool) -> None:
    standing = Standing()
    for n in range(25):
        # spread over the day, after the first
        status = 200 if good and n and n % (25 // good) == 0 else 403
        standing = told(answer(status), standing=standing, now=NOON + n * HOUR)
    assert bool(standing.slowed("page", NOON + 24 * HOUR)) == slowed


def test_a_few_failures_over_days_do_not_slow_a_host() -> None:
    standing = Standing()
    for day in range(5):
        standing = told(answer(None, "timeout"), standing=standing, now=NOON + day * DAY)
    assert standing.slowed("page", NOON + 5 * DAY) is None


def test_robots_txt_given_to_all_does_not_whitewash_a_host() -> None:
    standing = told(
        *[answer(200, kind="robots")] * 9, standing=refused_for_a_day(), now=NOON + 24 * HOUR
    )
    assert standing.slowed("page", NOON + 24 * HOUR)


def test_feeds_that_answer_do_not_hide_that_pages_are_refused() -> None:
    standing = Standing()
    for hour in range(25):
        for capture in (answer(403), answer(304, "not_modified", kind="feed")):
            standing = told(capture, standing=standing, now=NOON + hour * HOUR)
    assert standing.slowed("page", NOON + 24 * HOUR)
    assert not standing.slowed("sitemap", NOON + 24 * HOUR)


def test_it_is_kept_between_processes(tmp_path: Path) -> None:
    kept = Standings(tmp_path / "hosts", 60.0)
    assert kept.get(HOST) == Standing()
    kept.observe(HOST, answer(200), 1.0)
    assert list((tmp_path / "hosts").iterdir()) == [], "good standing costs no file"
    for _ in range(3):
        kept.observe(HOST, answer(429, retry_after=30), 1.0)
    other = Standings(tmp_path / "hosts", 60.0).get(HOST)
    assert other == kept.get(HOST)
    assert (other.delay, other.failures) == (8, 3)
    assert other.spells["pages"].weight == 3
    assert Standings(tmp_path / "hosts", 5.0).get(HOST).delay == 5, "the cap may be lowered"
    assert kept.get("https://other.example") == Standing()
    for _ in range(3):
        kept.observe(HOST, answer(200), 1.0)
    assert kept.get(HOST).delay == 0 and kept.get(HOST).wait(other.not_before - 1) == 1


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"delay": "x"}', b'{"delay": 1, "spells": [1]}', b"\xff", b"null"],
)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    kept = Standings(tmp_path, 60.0)
    (tmp_path / f"{safe_name(HOST)}.json").write_bytes(damage)
    assert kept.get(HOST) == Standing()
    kept.observe(HOST, answer(503), 1.0)
    assert kept.get(HOST).delay == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="name another state_dir"):
        Standings(tmp_path / "file" / "hosts", 60.0)
