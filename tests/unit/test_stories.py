"""Near-duplicate articles are one story; reports made of one template are not."""

import random
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from archives import DAY, archive_of, files, publish, version
from days import settings_for

from newsarchive.articles import merge
from newsarchive.model import Article
from newsarchive.outcome import Outcome
from newsarchive.schema import ARTICLES, STORIES, Table
from newsarchive.steps.place import place_of
from newsarchive.steps.publishing import show_day
from newsarchive.steps.stories import group_stories
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive, rows_of
from newsarchive.stories import MOST, Told, story_ids
from newsarchive.text.duplicates import (
    SIGNATURE_BYTES,
    is_same_text,
    shared_bands,
    shingled,
    signature,
)

SAME, OTHER = bytes(range(SIGNATURE_BYTES)), bytes(range(100, 100 + SIGNATURE_BYTES))

RELAYED = {
    "ar": (
        "قالت وزارة النقل يوم الأحد إن العمل في الجسر الجديد سيبدأ في 14 مارس بكلفة تبلغ 320 مليون "
        "جنيه، وأوضح المتحدث باسم الوزارة أن المشروع يربط ضفتي النهر ويخفف الزحام عن وسط المدينة. "
        "وأضاف أن الشركات المنفذة تعهدت بإنهاء المرحلة الأولى قبل نهاية العام، فيما طالب سكان الحي "
        "المجاور بتعويضات عادلة عن المنازل التي ستزال، ووعد المحافظ بالرد على الطلبات خلال شهر.",
        [("أوضح", "ذكر"), ("الزحام", "الازدحام"), ("المدينة", "المَدينَة")],
    ),
    "en": (
        "The transport ministry said on Sunday that work on the new bridge would begin on March 14 "
        "at a cost of 320 million pounds. A spokesman explained that the project links both banks "
        "of the river and takes traffic away from the old centre. He added that the builders had "
        "promised to finish the first stage before the end of the year, while people who live "
        "nearby asked for fair payment for 46 houses that have to go; the governor promised an "
        "answer within a month.",
        [("explained", "stated"), ("pounds.", "pounds (Agency)."), ("nearby", "near by")],
    ),
    "zh": (
        "交通部周日表示,新大桥将于3月14日开工,总投资3.2亿元。发言人介绍,该项目连接河流两岸,将缓解老城区的"
        "交通拥堵。他还说,施工企业承诺年底前完成一期工程,附近居民则要求对需要拆除的46座房屋给予合理补偿,"
        "省长答应在一个月之内作出答复。专家认为,桥梁建成以后,两岸居民上班所需时间有望明显缩短。",
        [("介绍", "指出"), ("老城区", "旧城区")],
    ),
}
TEMPLATES = {
    "ar": "تتوقع هيئة الأرصاد أن يكون الطقس يوم {0} مارس حارا نهارا ومعتدلا ليلا على أغلب الأنحاء، "
    "وتبلغ درجة الحرارة العظمى في العاصمة {1} درجة والصغرى {2} درجة، "
    "وتصل الرطوبة إلى {3} في المئة، "
    "وتهب رياح شمالية غربية بسرعة {4} كيلومترا في الساعة، وينصح المواطنون بشرب الماء وتجنب الشمس.",
    "en": "The exchange closed the session of March {0} with the main index at {1} points after "
    "trading of {2} million pounds in shares of {3} companies, of which {4} rose while the others "
    "fell or stayed where they had been the day before, as figures of the exchange showed; the "
    "market is open again tomorrow from ten in the morning until half past two in the afternoon.",
    "zh": "气象台预计,3月{0}日白天晴间多云,夜间转阴,最高气温{1}度,最低气温{2}度,"
    "相对湿度百分之{3},北风每小时{4}公里,"
    "请市民外出注意防晒,及时补充水分,老人和儿童尽量避免在中午时段外出活动。",
}


def one(text: str, title: str = "Title") -> Any:
    return shingled(title, text)


def share_a_band(text: str, other: str) -> bool:
    signatures = [signature(one(t)) for t in (text, other)]
    return bool(shared_bands(signatures[:1], signatures[1:]))


@pytest.mark.parametrize("language", RELAYED)
def test_a_relayed_text_with_small_edits_is_the_same(language: str) -> None:
    text, edits = RELAYED[language]
    edited = text
    for before, after in edits:
        assert before in edited
        edited = edited.replace(before, after, 1)
    assert is_same_text(one(text), one(edited))
    assert share_a_band(text, edited)


@pytest.mark.parametrize("language", TEMPLATES)
def test_a_template_with_other_facts_is_not(language: str) -> None:
    first = TEMPLATES[language].format(11, 31, 18, 45, 22)
    second = TEMPLATES[language].format(12, 34, 20, 38, 15)
    assert not is_same_text(one(first), one(second))


def test_numbers_that_differ_tell_long_templates_apart() -> None:
    """However long its standing text is."""
    standing = RELAYED["en"][0].replace("14", "").replace("320", "").replace("46", "")
    first, second = (
        f"{standing} It was {a} degrees, {b} at night." for a, b in ((31, 18), (34, 20))
    )
    assert not is_same_text(one(first), one(second))
    assert is_same_text(one(first), one(f"{first} More."))


@pytest.mark.parametrize("language", RELAYED)
def test_other_texts_of_the_language_are_far_apart(language: str) -> None:
    """What a Latin-only tokenizer would make equal: nothing would be left of either."""
    other = TEMPLATES[language].format(11, 31, 18, 45, 22)
    assert not is_same_text(one(RELAYED[language][0]), one(other))
    assert not share_a_band(RELAYED[language][0], other)


def test_short_texts_need_the_same_headline() -> None:
    assert not is_same_text(one("Watch the video.", "A fire"), one("Watch the video.", "A flood"))
    assert is_same_text(one("Watch the video.", "A fire"), one("Watch the video", "A FIRE"))


def test_texts_without_words_are_like_none() -> None:
    assert signature(one("…")) == b""
    assert not is_same_text(one("…"), one("…"))


def test_signatures_stay_what_they_are() -> None:
    """They are kept: another one would never meet those of days before."""
    made = signature(one(RELAYED["en"][0]))
    assert len(made) == SIGNATURE_BYTES
    assert made[:8].hex() == "f754aec6a6f2e128"


def test_a_story_ends_at_its_cap() -> None:
    ids = [f"{n:04}" for n in range(MOST + 2)]
    told = story_ids(dict.fromkeys(ids, SAME), [], lambda *_: True)
    assert list(told.values()) == [ids[0]] * MOST + [ids[MOST]] * 2


def test_the_earliest_founder_that_is_the_same_gives_the_id() -> None:
    before = [Told("z", "z", SAME), Told("y", "z", SAME), Told("x", "x", SAME)]
    assert story_ids({"a": SAME}, before, lambda *_: True) == {"a": "z"}
    assert story_ids({"a": SAME}, before, lambda one, _: one == "x") == {"a": "x"}
    assert story_ids({"a": OTHER}, before, lambda *_: True) == {"a": "a"}


def article(day: date, name: str, text: str, source: str = "paper_a") -> Article:
    made = version(day, f"https://a.example/{name}", source=source, text=text, payload=text)
    return replace(merge([asdict(made)], {})[0], article_id=name)


def sixty_days(seed: int) -> list[Article]:
    """Return articles of 60 days: relayed texts, their edits, templates and texts of their own."""
    draw = random.Random(seed)
    words = [f"w{n}" for n in range(400)]
    texts: list[list[str]] = []
    found = []
    for number in range(60):
        for n in range(draw.randint(3, 8)):
            if texts and draw.random() < 0.6:
                text = list(draw.choice(texts[-12:]))
                for _ in range(draw.randint(0, 5)):
                    text[draw.randrange(len(text))] = draw.choice(words)
            else:
                text = draw.choices(words, k=80)
            texts.append(text)
            day = DAY + timedelta(days=number)
            name = f"{draw.getrandbits(32):08x}{n}"
            found.append(article(day, name, " ".join(text), draw.choice(["paper_a", "paper_b"])))
    return found


class Memory:
    """A table that keeps its days in memory: an archive's commits wait for the disk."""

    def __init__(self, table: Table) -> None:
        self.schema = table.arrow
        self.partition = table.partition
        self.kept: dict[date, pa.Table] = {}

    def read(self, days: Any, columns: Any = None, where: Any = None) -> pa.Table:
        parts = [self.kept[d] for d in days if d in self.kept]
        rows = pa.concat_tables([self.schema.empty_table(), *parts])
        rows = rows if where is None else rows.filter(where)
        return rows.select(columns or rows.column_names)

    def replace(self, rows: pa.Table, days: Any) -> None:
        for day in days:
            self.kept[day] = rows.filter(pc.field(self.partition) == day)


def grouped(targets: dict[str, Any], articles: list[Article], order: list[date]) -> dict[str, str]:
    for day in order:
        rows = rows_of([a for a in articles if a.article_day == day], ARTICLES)
        targets["articles"].replace(rows, [day])
        group_stories(targets, [day])
    told = targets["stories"].read(sorted({DAY + timedelta(days=n) for n in range(60)}))
    return dict(zip(told["article_id"].to_pylist(), told["story_id"].to_pylist(), strict=True))


def in_memory() -> dict[str, Any]:
    return {"articles": Memory(ARTICLES), "stories": Memory(STORIES)}


def test_sixty_days_in_any_order_give_the_same_stories() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    articles = sixty_days(seed)
    days = sorted({a.article_day for a in articles})
    told = grouped(in_memory(), articles, days)
    assert told.keys() == {a.article_id for a in articles}
    filed = {a.article_id: a.article_day for a in articles}
    assert len(set(told.values())) < len(told), "no story of two"
    for identity, story in told.items():
        assert timedelta(0) <= filed[identity] - filed[story] <= timedelta(days=3)
        assert told[story] == story
    for n in range(3):
        shuffled = random.Random(seed + n).sample(days, len(days))
        assert grouped(in_memory(), articles, shuffled) == told


def test_an_article_that_goes_or_changes_frees_its_story(tmp_path: Path) -> None:
    text = RELAYED["en"][0]
    first, second, third = (article(DAY + timedelta(days=n), f"{n}", text) for n in (0, 2, 5))
    days = [a.article_day for a in (first, second, third)]
    targets = Archive(tmp_path).open_all("articles", "stories")
    told = grouped(targets, [first, second, third], days)
    assert told == {"0": "0", "2": "0", "5": "5"}, (
        "three days after one of the story, not its first"
    )
    other = replace(first, text=TEMPLATES["en"].format(1, 2, 3, 4, 5), text_sha256="other")
    assert grouped(targets, [other], [days[0]]) == {"0": "0", "2": "2", "5": "2"}
    assert grouped(targets, [], [days[1]]) == {"0": "0", "5": "5"}


def test_rows_of_articles_that_are_no_more_are_told_anew() -> None:
    """A publish that died had moved the founder to another day, and had not got to its story."""
    text = RELAYED["en"][0]
    first, second = article(DAY, "0", text), article(DAY + timedelta(days=1), "1", text)
    targets = in_memory()
    assert grouped(targets, [first, second], [DAY, second.article_day]) == {"0": "0", "1": "0"}
    targets["articles"].replace(rows_of([], ARTICLES), [DAY])
    third = article(DAY + timedelta(days=2), "2", text)
    assert grouped(targets, [third], [third.article_day]) == {"1": "1", "2": "1"}


def test_only_days_within_reach_are_read() -> None:
    articles = sixty_days(1)
    days = sorted({a.article_day for a in articles})
    targets = in_memory()
    grouped(targets, articles, days)
    read: set[date] = set()

    class Watched(Memory):
        def read(self, days: Any, columns: Any = None, where: Any = None) -> pa.Table:
            read.update(days)
            return super().read(days, columns, where)

    for name, table in (("articles", ARTICLES), ("stories", STORIES)):
        kept = targets[name].kept
        targets[name] = Watched(table)
        targets[name].kept = kept
    assert group_stories(targets, [days[-1]]) == []
    assert read == {days[-1]}, "nothing changed"
    read.clear()
    fresh = article(days[-1], "new", articles[-1].text)
    targets["articles"].replace(rows_of([fresh], ARTICLES), [days[-1]])
    assert group_stories(targets, [days[-1]]) == [days[-1]]
    assert read == {days[-1] + timedelta(days=n) for n in range(-3, 4)}


def test_the_next_publish_shows_what_one_that_died_had_grouped(tmp_path: Path) -> None:
    """Of a day after its own, too."""
    days = [DAY, DAY + timedelta(days=1)]
    text = RELAYED["en"][0]
    made = [version(day, f"https://a.example/{day}", text=text) for day in days]
    place = place_of(settings_for(tmp_path, 1))
    archive_of(place.root, made)
    group_stories(place.archive.open_all("articles", "stories"), days)
    show_day(place, DAY, Outcome("publish", []))
    with snapshot.reading(place.root) as connection:
        told = connection.execute("SELECT DISTINCT story_id FROM articles").fetchall()
    assert told == [(made[0].article_id,)]


def test_the_view_shows_stories_and_null_where_none_is_told(tmp_path: Path) -> None:
    text = RELAYED["ar"][0]
    made = [
        version(DAY, "https://a.example/1", text=text),
        version(DAY, "https://b.example/1", source="paper_b", text=text),
    ]
    archive_of(tmp_path, made)
    query = "SELECT story_id, count(*) FROM articles GROUP BY ALL"
    with snapshot.reading(tmp_path) as connection:
        assert connection.execute(query).fetchall() == [(None, 2)]
    group_stories(Archive(tmp_path).open_all("articles", "stories"), [DAY])
    publish(tmp_path, {"stories": files(tmp_path, "stories", [DAY])})
    with snapshot.reading(tmp_path) as connection:
        assert connection.execute(query).fetchall() == [(min(v.article_id for v in made), 2)]
