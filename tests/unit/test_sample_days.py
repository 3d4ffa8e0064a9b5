"""What the sample newspapers publish: the same for a seed, for any date, in all its oddity."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from re import findall

import pytest

from newsarchive.sample import generate
from newsarchive.sample.draw import Draw
from newsarchive.sample.generate import ARABIC, ENGLISH, PAPERS, Kind, Markup, State, Story, day
from newsarchive.sample.prose import expand, topics, wording, write
from newsarchive.sample.written_dates import months, written_day, written_time
from newsarchive.sources.load import BUNDLED, load_file

FIRST = date(2026, 10, 5)
NUMBERS = [357, 29, 878, 602]
TITLE = "هدف قاتل ينهي نهائي الكأس"


def published(paper: generate.Paper, days: int, first: date = FIRST) -> list[Story]:
    return [s for n in range(days) for s in day(paper, first + timedelta(days=n))]


def text_of(story: Story) -> str:
    return "\n".join(story.states[0].paragraphs)


def shingles(text: str) -> set[tuple[str, ...]]:
    words = findall(r"\w+", text)
    return {tuple(words[i : i + 4]) for i in range(len(words) - 3)}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
def test_a_day_is_a_function_of_seed_newspaper_and_date(paper):
    made = day(paper, FIRST)
    day.cache_clear()
    assert day(paper, FIRST) == made
    assert day(paper, FIRST, seed=2) != made
    assert day(paper, FIRST + timedelta(days=1)) != made


def test_the_draws_of_a_key_never_change():
    draw = Draw(1, "sample_ar", FIRST)
    # Written down once: another Python must make the same newspapers.
    assert [draw.number(0, 999) for _ in range(4)] == NUMBERS
    assert day(ARABIC, FIRST)[0].title == TITLE


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
@pytest.mark.parametrize(
    "on",
    [
        date(1902, 1, 1),
        date(1990, 2, 28),
        date(2024, 2, 29),
        date(2100, 12, 31),
        date(8999, 12, 31),
    ],
)
def test_any_date_has_a_newspaper(paper, on):
    stories = [s for s in day(paper, on) if s.published_at.date() == on]
    assert 8 <= len(stories) <= 12
    for story in stories:
        assert 4 <= len(story.states[0].paragraphs) <= 8
        assert not {"{", "}", "[", "]", "|"} & set(text_of(story) + story.title)
        assert generate.find(paper, story.number) == story
        assert len(generate.most_read(story)) <= 5


def test_beyond_the_calendar_there_are_none():
    for on in (date.min, date.max):
        with pytest.raises(ValueError, match="no newspapers"):
            day(ARABIC, on)
    assert generate.find(ARABIC, 0) is None
    assert generate.find(ARABIC, 100) is None
    assert generate.find(ARABIC, 10**12) is None
    assert generate.find(ARABIC, FIRST.toordinal() * 100 + 99) is None


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
def test_about_ten_pages_a_day_spread_over_it(paper):
    stories = published(paper, 60)
    assert 540 <= len(stories) <= 660
    assert {s.published_at.hour for s in stories} == set(range(24))
    assert any(s.local_date != s.published_at.date() for s in stories)
    assert all(s.published_at.second for s in stories)
    assert len({s.number for s in stories}) == len({s.path for s in stories}) == len(stories)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
@pytest.mark.parametrize("first", [date(1990, 1, 1), FIRST, FIRST + timedelta(days=3)])
def test_every_oddity_comes_within_ten_days_and_no_day_is_mostly_odd(paper, first):
    stories = published(paper, 10, first)
    assert {s.kind for s in stories} == set(Kind)
    odd = Counter(s.published_at.date() for s in stories if s.kind is not Kind.PLAIN)
    assert max(odd.values()) <= 3


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
def test_a_month_has_all_that_is_worth_testing(paper):
    stories = published(paper, 30)
    delays = [s.states[1].since - s.published_at for s in stories if len(s.states) > 1]
    assert any(d < timedelta(hours=10) for d in delays)
    assert any(d > timedelta(days=1) for d in delays)
    assert {s.markup for s in stories} == set(Markup)
    assert {s.new_layout for s in stories} == {True, False}
    assert {len(s.authors) for s in stories} == {0, 1, 2}
    assert {s.listed_by_date for s in stories if s.kind is Kind.PLAIN} == {True, False}
    assert any(s.listed_by_date and s.run_day != s.published_at.date() for s in stories)
    assert {s.origin for s in stories if s.language == paper.language} == {
        None,
        *wording(paper.language)["agencies"],
    }
    embedded = [generate.embedded_in(s) for s in stories]
    assert any(embedded) == (paper is ARABIC)
    assert all(e.published_at < s.published_at for s, e in zip(stories, embedded, strict=True) if e)


def changes(days: int) -> list[tuple[Story, State, State]]:
    """Return every change of some days' pages: which, as it was, as it is then."""
    return [
        (story, before, after)
        for paper in PAPERS
        for story in published(paper, days)
        for before, after in pairwise(story.states)
    ]


def test_a_correction_changes_one_sentence_later_and_at_times_title_or_date():
    seen = set()
    for story, before, after in changes(30):
        if before.paragraphs == after.paragraphs:
            continue
        pairs = zip(before.paragraphs, after.paragraphs, strict=True)
        changed = [i for i, (one, other) in enumerate(pairs) if one != other]
        assert len(changed) == 1
        assert changed != [0]
        assert after.since >= story.published_at + timedelta(hours=2)
        assert story.state(after.since - timedelta(seconds=1)) == before
        assert story.state(after.since) == after
        assert before.title in after.title
        stated = story.stated_in(after)
        assert story.paper.local(stated).date() == story.paper.local(story.stated_at).date()
        assert stated < after.since
        seen.add((before.title != after.title, bool(after.redated)))
    assert len(seen) == 4


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
@pytest.mark.parametrize("what", ["deleted", "moved"])
def test_one_page_in_five_days_is_deleted_and_one_moves(paper, what):
    delays = []
    for story in published(paper, 200):
        for before, after in pairwise(story.states):
            if getattr(after, what) and not getattr(before, what):
                delays.append(after.since - story.published_at)
                assert story.kind is Kind.PLAIN
                assert after.since > before.since
                assert (story.path_at(after.since) != story.path) == after.moved
                assert what == "deleted" or story.markup is not Markup.LABELS
                assert what == "moved" or after.status in (404, 410)
                assert what == "moved" or after is story.states[-1]
    assert 35 <= len(delays) <= 41
    assert sum(d < timedelta(hours=10) for d in delays) >= 10
    assert sum(d > timedelta(days=1) for d in delays) >= 10


def test_a_page_is_found_by_every_address_it_ever_has():
    for story, _, after in changes(15):
        for path in (story.path, story.listed_path(story.published_at), story.path_at(after.since)):
            assert generate.of_path(story.paper, path) == story
    assert generate.of_path(ENGLISH, "/en/nothing-7400000") is None
    assert generate.of_path(ENGLISH, f"/en/x/{10**12}-y") is None


def test_both_carry_the_same_agency_text_in_either_language():
    arabic = {text_of(s): s for s in published(ARABIC, 30)}
    english = {text_of(s): s for s in published(ENGLISH, 30)}
    both = arabic.keys() & english.keys()
    assert len(both) >= 5
    assert {arabic[t].language for t in both} == {"ar", "en"}
    for text in both:
        one, other = arabic[text], english[text]
        assert one.title == other.title
        assert one.origin == other.origin in wording(one.language)["agencies"]
        assert one.published_at != other.published_at


def test_no_two_articles_are_alike_by_accident():
    stories = published(ARABIC, 25) + published(ENGLISH, 25)
    texts = {text_of(s): s for s in stories}  # what both carry counts once
    cut = [shingles(t) for t in texts]
    most = max(len(a & b) / len(a | b) for a, b in combinations(cut, 2))
    assert most < 0.25


def test_no_time_falls_into_the_hour_that_clocks_show_twice():
    for paper, on in ((ARABIC, date(2026, 10, 29)), (ENGLISH, date(2026, 11, 1))):
        moments = [
            state.since
            for seed in range(40)
            for n in (-1, 0, 1)
            for story in day(paper, on + timedelta(days=n), seed)
            for state in story.states
        ]
        for moment in moments:
            local = paper.local(moment).replace(tzinfo=None)
            naive = local.replace(tzinfo=paper.local(moment).tzinfo, fold=0)
            assert naive.astimezone(UTC) == moment


def test_the_source_files_say_what_the_newspapers_are():
    for paper in PAPERS:
        source = load_file(BUNDLED / f"{paper.name}.toml")
        assert (source.name, source.title) == (paper.name, paper.title)
        assert (source.language, source.timezone) == (paper.language, paper.zone)
        assert [r.since for r in source.rules] == [date.min, paper.new_layout]


@pytest.mark.parametrize("language", ["ar", "en"])
def test_every_sentence_can_be_written(language):
    words = wording(language)
    for topic in topics(language):
        for turn in range(30):
            text = write(language, topic, FIRST, Draw(language, topic, turn))
            assert text.corrected != text.paragraphs
            assert len(set(text.keywords)) == len(text.keywords)
    about = words["topics"][0]
    for sentence in (*words["facts"], *words["attributions"], *about["facts"]):
        assert sentence.count("[") == sentence.count("]")
        assert sentence.count("{") == sentence.count("}")


def test_a_sentence_is_filled_in():
    slots = {"n": lambda: "12", "who": "someone"}
    assert expand("{who} [] saw {n}[|]  trees.", slots, Draw("x")) == "Someone saw 12 trees."
    assert {expand("[a|b]", {}, Draw(n)) for n in range(20)} == {"A", "B"}
    with pytest.raises(KeyError):
        expand("{nobody}", slots, Draw("x"))


def test_dates_are_written_as_newspapers_do():
    moment = datetime(2026, 11, 22, 21, 5)
    assert written_day(moment.date(), "ar", 1) == "٢٢ نوفمبر ٢٠٢٦"
    assert written_day(moment.date(), "ar", 0, levantine=True) == "الأحد ٢٢ تشرين الثاني ٢٠٢٦"
    assert written_time(moment, "ar", 0) == "الأحد ٢٢ نوفمبر ٢٠٢٦ - ٢١:٠٥"
    assert written_time(moment, "ar", 1) == "٢٢ نوفمبر ٢٠٢٦ - ٠٩:٠٥ م"
    assert written_time(moment, "ar", 2) == "الأحد، ٢٢ نوفمبر ٢٠٢٦، ٩:٠٥ مساءً"
    assert written_time(moment, "en", 0, zone="ET") == "November 22, 2026 at 9:05 p.m. ET"
    assert written_time(moment, "en", 1) == "Nov. 22, 2026 9:05 PM"
    assert written_time(moment.replace(hour=0), "en", 1) == "Nov. 22, 2026 12:05 AM"
    assert written_time(moment, "en", 2) == "Sunday, November 22, 2026, 21:05"
    assert [len(months(language)) for language in ("ar", "en")] == [12, 12]
