"""Labels, names, agencies, keywords, titles and broken JSON-LD."""

import random
import tracemalloc

import lxml.html
import pytest

from newsarchive.parse.agencies import dateline_origin, is_agency
from newsarchive.parse.body import heading_of, text_of
from newsarchive.parse.borders import Line, separate
from newsarchive.parse.keywords import split_keywords
from newsarchive.parse.labels import is_noise, is_related_header, match_label, match_labels
from newsarchive.parse.marks import Marks
from newsarchive.parse.names import sort_names, split_names
from newsarchive.parse.structured import as_texts, read_json
from newsarchive.parse.title import best_title, without_site_name


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("تاريخ النشر: 27th, December 2023 GMT", "published", "27th, December 2023 GMT"),
        ("تـاريخ النّشر ： 3 مايو 2024", "published", "3 مايو 2024"),
        ("نُشر في الجمعة 1 مارس 2024", "published", "الجمعة 1 مارس 2024"),
        ("آخر تحديث - 2024-05-03 10:00", "modified", "2024-05-03 10:00"),
        ("المصدر: بوابة الوفد", "origin", "بوابة الوفد"),
        ("المصدر؛ رويترز", "origin", "رويترز"),
        ("(المصدر: وكالات)", "origin", "وكالات"),
        ("**المصدر:** رويترز", "origin", "رويترز"),
        ("المصدر", "origin", ""),
        ("كلمات دلالية: موسكو ندعم رغبة", "keywords", "موسكو ندعم رغبة"),
        ("الكلمات المفتاحية：", "keywords", ""),
        ("إقرأ أيضاً:", "related", ""),
        ("«اقرأ أيضًا»", "related", ""),
        ("إقرأ أيضاً.. وزير يصل إلى بغداد", "related", "وزير يصل إلى بغداد"),
        ("اقرأ أيضا وزير الخارجية يصل بغداد", "related", "وزير الخارجية يصل بغداد"),
        ("كتب: أحمد علي", "author", "أحمد علي"),
        ("كتبت - سارة محمد:", "author", "سارة محمد"),
        ("بقلم أحمد الشريف", "author", "أحمد الشريف"),
        ("By John Smith", "author", "John Smith"),
        ("Source : Reuters", "origin", "Reuters"),
        ("Read more: Minister goes", "related", "Minister goes"),
        ("Quelle: dpa", "origin", "dpa"),
        ("Mots-clés : vélo, ville", "keywords", "vélo, ville"),
        ("Veröffentlicht am 4. Mai 2024", "published", "4. Mai 2024"),
        ("بیشتر بخوانید:", "related", ""),
        ("Читайте также:", "related", ""),
        ("关键词：经济，贸易", "keywords", "经济，贸易"),
    ],
)
def test_labels(line: str, kind: str, value: str) -> None:
    label = match_label(line)
    assert label is not None
    assert (label.kind, label.value) == (kind, value)


@pytest.mark.parametrize(
    "line",
    [
        "المصدر الأمني قال إن الوضع هادئ.",
        "المصدر: قال مسؤول كبير في الحكومة يوم أمس إن الوضع هادئ تماما في المدينة.",
        "كتب الرئيس على حسابه في تويتر رسالة",
        "تاريخ مصر القديم",
        "المزيد من القتلى",
        "By the time he arrived, all had left.",
        "Source code was published on Monday by the agency.",
        "Date palms grow well here, farmers say.",
        "تقرير: الأمم المتحدة تحذر من مجاعة",
        "Published 3 books that year",
        "Updated: Nurses doubt the van",
        "",
        ":",
        "x" * 5000,
    ],
)
def test_sentences_are_no_labels(line: str) -> None:
    assert match_label(line) is None


def test_labels_side_by_side() -> None:
    found = match_labels("By Jane Doe | Published: 3 May 2024")
    assert [(f.kind, f.value) for f in found] == [
        ("author", "Jane Doe"),
        ("published", "3 May 2024"),
    ]
    assert [f.kind for f in match_labels("كتب: أحمد علي | 3 مايو 2024")] == ["author", "published"]
    assert match_labels("Cats | Dogs") == []


def test_headers_and_noise() -> None:
    assert is_related_header("Related articles")
    assert is_related_header("إقرأ أيضاً :")
    assert not is_related_header("Most read")
    assert is_noise("Advertisement")
    assert is_noise("شارك الخبر")
    assert not is_noise("شارك الخبراء في المؤتمر")


@pytest.mark.parametrize(
    ("raw", "entries"),
    [
        ("موسكو ندعم رغبة باكو", ["موسكو ندعم رغبة باكو"]),
        ("a, b ,a", ["a", "b"]),
        ("غزة، لبنان؛ سوريا | العراق", ["غزة", "لبنان", "سوريا", "العراق"]),
        ("#غزة #لبنان_الجنوبي", ["غزة", "لبنان الجنوبي"]),
        ("one\ntwo", ["one", "two"]),
        (" , ", []),
    ],
)
def test_keywords(raw: str, entries: list[str]) -> None:
    assert split_keywords(raw) == entries


def test_names() -> None:
    assert split_names("By Ann Lee and Bo Ek") == ["Ann Lee", "Bo Ek"]
    assert split_names("كتب: أحمد علي") == ["أحمد علي"]
    assert split_names("Ann Lee, ann@paper.example") == ["Ann Lee"]
    assert split_names("https://facebook.com/paper") == []
    assert split_names("x" * 10_000) == []
    for said in (
        "Posted by Ann Lee",
        "Autorin: Ann Lee",
        "Text von Ann Lee",
        "Ann Lee (spokeswoman)",
        "Ann Lee, MD, PhD",
        "Ann Lee for Harbour Radio",
        "By: Ann Lee -",
    ):
        assert split_names(said) == ["Ann Lee"], said
    assert split_names("作者：李安") == ["李安"]
    assert sort_names(
        ["Ann Lee", "Reuters", "Harbour Times", "admin", "ann lee", "Staff"], ["Harbour Times"]
    ) == (
        ["Ann Lee"],
        ["Reuters", "Harbour Times", "Staff"],
    )


def test_agencies() -> None:
    for name in (
        "رويترز",
        "أ ف ب",
        "AFP",
        "Associated Press",
        "وكالة أنباء الضفة",
        "رويترز، أ ف ب",
    ):
        assert is_agency(name)
    for name in ("أحمد علي", "Ann Lee", "Harbour Times"):
        assert not is_agency(name)
    assert dateline_origin(["القاهرة (رويترز) - قال الوزير."]) == "رويترز"
    assert dateline_origin(["LONDON (Reuters) - A minister said."]) == "Reuters"
    assert dateline_origin(["أنقرة/ الأناضول"]) == "الأناضول"
    assert dateline_origin(["قال الوزير.", "وانتهى اللقاء. (أ ف ب)"]) == "أ ف ب"
    assert dateline_origin(["قالت رويترز إن الوزير وصل."]) is None
    assert dateline_origin([]) is None


def test_titles() -> None:
    assert without_site_name("Snow | Harbour Times", ["Harbour Times"]) == "Snow"
    assert without_site_name("Snow - Ice | Harbour Times", ["harbour times"]) == "Snow - Ice"
    assert without_site_name("Harbour Times", ["Harbour Times"]) == "Harbour Times"
    headings = [("Weather", 2), ("Snow closes the city library", 1), ("Snow closes", 3)]
    best = best_title(headings, ["Snow closes city library"], None, [])
    assert best == ("Snow closes the city library", "heuristic")
    assert best_title([("Other", 1)], ["Snow closes library"], None, []) == (
        "Snow closes library",
        "meta",
    )
    assert best_title([], [], None, []) is None


@pytest.mark.parametrize("place", [0, 7, 19])
def test_the_most_like_of_many_headings_is_the_title_wherever_it_stands(place: int) -> None:
    claim = "Snow closes the city library for two days"
    like = [
        f"Snow closes the {w} library for three days" for w in ("town", "old", "new", "law")
    ] * 5
    headings = [(h, 2) for h in like]
    headings[place] = ("Snow closes the city's library for two days", 2)
    assert best_title(headings, [claim, "Rain opens it"], f"{claim} | Site", ["Site"]) == (
        "Snow closes the city's library for two days",
        "heuristic",
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "b"}',
        '{"a": "b",}',
        '<!-- {"a": "b"} -->',
        '//<![CDATA[\n{"a": "b"}\n//]]>',
        '{"a": "b"};',
        '{"a": "b"} {"c": 1}',
        '{"a": "b", "c": {"d": [1, 2',
        '{"a": "b", "c": "cut off in the mid',
        "{&quot;a&quot;: &quot;b&quot;}",
        '/* x */ {"a": "b"}',
    ],
)
def test_broken_json_is_read(text: str) -> None:
    assert read_json(text)["a"] == "b"


def test_json_that_cannot_be_read() -> None:
    assert read_json("nonsense") is None
    assert read_json("[" * 100_000) is None
    assert read_json('{"a": "line\nend \\x"}')["a"].startswith("line")
    assert as_texts([{"name": "A"}, "B", None, 3, {"@value": "C"}]) == ["A", "B", "3", "C"]


def test_the_only_h1_is_the_headline_that_search_engines_are_not_told() -> None:
    h1 = ("Nurses of three towns doubt the new van", 1)
    other = ("Questions that readers asked us about vans", 2)
    claims = ["Van doubts: what nurses say"]
    assert best_title([h1, other], claims, None, []) == (h1[0], "heuristic")
    # Nor is a lower heading that happens to be like what they are told.
    like = ("Van doubts: what the nurses say", 2)
    assert best_title([h1, like], claims, None, []) == (h1[0], "heuristic")
    # What JSON-LD calls the headline is not overruled, nor anything by a section's name.
    assert best_title([h1], claims, None, [], claims[0]) == (claims[0], "meta")
    assert best_title([("All our van stories", 1)], ["Bridge opens"], None, [])[0] == "Bridge opens"
    assert best_title([("Van news", 1)], claims, None, []) == (claims[0], "meta")


def test_an_h1_that_is_like_the_sites_name_alone_is_no_headline() -> None:
    headline = "Port workers end their long strike"
    headings = [("Harbour News Online Life Health", 1), (headline, 2)]
    title = f"{headline} | Harbour News Online | All of the coast"
    assert best_title(headings, [headline], title, []) == (headline, "heuristic")


def test_an_h1_below_the_headline_is_a_heading_of_the_text() -> None:
    said = "What do people like about ferries? | Quay Blog"
    headings = [("What do people like about ferries?", 2), ("But people like quiet more", 1)]
    assert best_title(headings, [said], said, []) == (headings[0][0], "heuristic")
    assert best_title(headings[::-1], [said], said, []) == (headings[1][0], "heuristic")


def test_a_kicker_is_no_part_of_a_headline_but_what_a_colon_joins_is() -> None:
    claims = ["Port workers end their strike"]
    behind = best_title([("Harbour Port workers end their strike", 1)], claims, None, [])
    assert behind == (claims[0], "heuristic")
    before = ("Sponsored by Harbour Port workers end their strike", 1)
    title = f"{claims[0]} - Local - Harbour Today"
    assert best_title([before], [], title, []) == (claims[0], "heuristic")
    for part in ("A full list of those who say", "The", "What is the"):
        whole = f"{part} Port workers end their strike"
        assert best_title([(whole, 1)], claims, None, []) == (whole, "heuristic")
    joined = "After six weeks: Port workers end their strike"
    assert best_title([(joined, 1)], claims, None, []) == (joined, "heuristic")


def test_two_kickers_that_disagree_are_no_part_of_a_headline() -> None:
    headline = "Port workers end their long strike"
    claims = [f"Harbour dispute: {headline}"]
    best = best_title([(f"News from the port - {headline}", 1)], claims, None, [])
    assert best == (headline, "heuristic")
    # What both say is no kicker, nor are parts of a headline that differ within it.
    both = [f"News from the port: {headline}"]
    best = best_title([(f"News from the port - {headline}", 1)], both, None, [])
    assert best == (f"News from the port - {headline}", "heuristic")
    colon = f"News from the port: {headline}"
    assert best_title([(colon, 1)], claims, None, []) == (colon, "heuristic")
    longer = "Port workers of two towns and a village end their long strike"
    assert best_title([(longer, 1)], claims, None, []) == (longer, "heuristic")


@pytest.mark.parametrize("genre", ["Opinion", "EDITORIAL", "Leserbriefe", "رأي"])
def test_a_genre_behind_a_bar_is_no_part_of_a_headline(genre: str) -> None:
    headline = "Port workers end their long strike"
    assert without_site_name(f"{headline} | {genre}", []) == headline
    assert without_site_name(f"{headline} | {genre} | Harbour Times", ["Harbour Times"]) == headline
    assert without_site_name(f"{genre} | {headline}", []) == headline
    for kept in (f"{headline} - {genre}", f"{headline} | Their {genre}", f"{genre}: {headline}"):
        assert without_site_name(kept, []) == kept


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("A <em>very <b>big</b> old</em> van", "A very big old van"),
        ("<a><time>Dec <b>18</b> 2025</time> The van stands</a>", "The van stands"),
        ("The van stands <time>Dec 18</time> ", "The van stands"),
        ("From <time>May 2</time> the van stands", "From May 2 the van stands"),
        ("<!-- x -->The <!-- y --><span>van</span><span>Stands</span>", "The van Stands"),
        ("The van<br>stands<script>x()</script> here", "The van stands here"),
        ("Vans &amp;#x26; boats", "Vans & boats"),
        ("<time>May 2</time>", ""),
    ],
)
def test_the_text_of_a_heading(markup: str, text: str) -> None:
    assert heading_of(lxml.html.fromstring(f"<div><h1>{markup}</h1>tail</div>").find("h1")) == text


def test_lines_near_the_headline_keep_their_parts_apart() -> None:
    byline = "<div><p>Ann Lee</p><p>Seen by Bo Kim</p><p><time>May 3, 2024</time></p></div>"
    tree = lxml.html.fromstring(f"<html><body><h1>Snow</h1>{byline}</body></html>")
    lines = list(Marks(tree, tree.find(".//h1")).lines())
    assert lines == ["Ann Lee Seen by Bo Kim May 3, 2024"]


def test_a_heading_may_be_deep() -> None:
    tree = lxml.html.fromstring("<h1>" + "<i>" * 200 + "The van" + "</i>" * 200 + "</h1>")
    assert text_of(tree) == "The van"


def test_site_names_behind_marks_without_spaces() -> None:
    assert without_site_name("港口会议开幕-港口网", ["港口网"]) == "港口会议开幕"
    assert without_site_name("港が開く：港新聞Web", ["港新聞Web"]) == "港が開く"
    assert without_site_name("Van-driver", ["driver"]) == "Van-driver"


def test_what_is_remembered_of_old_paragraphs_stays_small() -> None:
    chance = random.Random("paragraphs")

    def words(count: int) -> str:
        return " ".join("".join(chance.choices("abcdefghijklmnop", k=7)) for _ in range(count))

    tracemalloc.start()
    try:
        for _ in range(300):
            below = [Line(words(200) + ".") for _ in range(3)]
            lines = [Line(words(200) + "."), Line("Read also:"), Line(words(8)), *below]
            assert separate(lines, title=words(6))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 12e6
