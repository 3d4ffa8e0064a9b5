"""Wire agencies that a text names."""

import pytest

from newsarchive.parse.wires import cited_agencies


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The minister told Reuters that talks would go on.", ["Reuters"]),
        ("LONDON, AP - The bridge is open.", ["AP"]),
        ("LONDON (AP) — The bridge is open, the Associated Press reported.", ["AP"]),
        ("It is the AP test of the school, and no more.", []),
        ("قال الوزير لرويترز إن المحادثات ستستمر.", ["Reuters"]),
        ("وذكرت وكالة فرانس برس، نقلاً عن رويترز، أن الجسر مفتوح.", ["AFP", "Reuters"]),
        ("القاهرة (أ.ف.ب) - قال الوزير", ["AFP"]),
        ("القاهرة - أ ف ب: قال الوزير", ["AFP"]),
        ("ونقلت وكالة الأنباء الفلسطينية (وفا) عن الوزير", ["WAFA"]),
        ("وأفادت وكالة الأناضول بأن", ["AA"]),
        ("تقع المدينة في هضبة الأناضول، ونحن معا هنا، وفارس من مهر بنا.", []),
        ("وقالت وكالة معاً الإخبارية", ["Maan"]),
        ("وكالة أنباء الإمارات «وام»", ["WAM"]),
        ("بحسب وكالة الصحافة الفرنسية", ["AFP"]),
        ("قالت الصحافة الفرنسية اليوم إن الحكومة", []),
        ("نقلت أسوشيتد برس عن مسؤول، وأكدته أسوشييتد برس", ["AP"]),
        ("selon l'AFP et l’agence Reuters", ["AFP", "Reuters"]),
        ("sagte der Minister der dpa am Montag", ["dpa"]),
        ("according to EFE, and a report by Xinhua", ["EFE", "Xinhua"]),
        ("The Sputnik satellite flew over Petra and the MENA region.", []),
        ("the Russian news agency TASS said", ["ITAR-TASS"]),
        ("Sputnik news agency reported", ["Sputnik"]),
        ("Michael Bloomberg was mayor.", []),
        ("she told Bloomberg on Monday", ["Bloomberg"]),
        ("сообщает ТАСС со ссылкой на Рейтер", ["ITAR-TASS", "Reuters"]),
        ("新华社北京电", ["Xinhua"]),
        ("It was reported by REUTERS; Reutersberg is a village.", ["Reuters"]),
        ("رُويتـرز قالت", ["Reuters"]),
        ("", []),
        ("No agency is named here.", []),
    ],
)
def test_agencies_are_named_or_not(text: str, named: list[str]) -> None:
    assert cited_agencies(text) == named
    assert cited_agencies(f"Before.\n\n{text}\n\nAfter.") == named


def test_each_is_told_once_in_the_order_of_the_text() -> None:
    text = "Xinhua and Reuters.\n\nفرانس برس، ورويترز، وشينخوا."
    assert cited_agencies(text) == ["Xinhua", "Reuters", "AFP"]
