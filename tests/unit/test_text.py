"""Folding, repair, decoding, words and language: what must come out of which spelling."""

import random
import subprocess
import sys
from collections.abc import Iterator

import ftfy.badness
import pytest

from newsarchive.text.decode import decode
from newsarchive.text.folding import bare, fold, is_same, may_begin
from newsarchive.text.language import code_of, language_of
from newsarchive.text.repair import _MAY_BE_BAD, mend_letters, repair, tidy, tidy_line
from newsarchive.text.words import count_words, has_words

ARABIC = "موسكو: ندعم رغبة المدينتين في إبرام معاهدة السلام، 25 مارس"


def sloppy(text: str, charset: str) -> str:
    return "".join(bytes([b]).decode(charset, "ignore") or chr(b) for b in text.encode())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("إقرأ أيضاً", "اقرا ايضا"),
        ("اقـــرأ أيـضًا", "اقرأ ايضا"),
        ("مُحَمَّد", "محمد"),
        ("مدرسة", "مدرسه"),
        ("مستشفى", "مستشفي"),
        ("مسؤول", "مسوول"),
        ("شاطئ", "شاطي"),
        ("٢٠٢٤ ۲۰۲۴", "2024 2024"),
        ("کتاب یک", "كتاب يك"),
        ("ﻻ ﷲ", "لا الله"),
        ("\u202bنص\u202c\u00a0 نص\n", "نص نص"),
        ("STRASSE Straße", "strasse strasse"),
        ("ﬁne １２", "fine 12"),
    ],
)
def test_spellings_fold_together(a: str, b: str) -> None:
    assert fold(a) == fold(b)
    assert fold(fold(a)) == fold(a)


def test_fold_keeps_letters_apart() -> None:
    assert len({fold(x) for x in ("حال", "خال", "جال", "قال", "فال")}) == 5


def test_bare_is_words_alone() -> None:
    assert bare("«Café»: ready – go!") == "cafe ready go"
    assert bare(" ... ") == ""
    assert bare("one_two हिन्दी, रात") == "one two हिन्दी रात"  # vowel signs are no punctuation


def test_a_headline_is_told_from_a_paragraph() -> None:
    assert is_same("« Café »: READY – go!", "cafe ready, go")
    assert not is_same("cafe ready to go", "cafe ready, go")
    assert is_same("...", "")
    assert not is_same("cafe ready go " + "and on it goes " * 40, "cafe ready, go")


@pytest.mark.parametrize(
    "text",
    [
        "Élan vital",
        "e\u0301lan",
        "\ufb01nal",
        "\u0640الخبر",
        "أخبار",
        "ﾞab",
        "ｶﾞス",
        "각하",
        "Ⅳ b",
        "x",
        "",
    ],
)
def test_no_text_is_told_apart_by_its_first_letter_from_what_it_is_bare(text: str) -> None:
    assert may_begin(text, bare(text))


def test_texts_of_other_first_letters_are_told_apart_without_folding() -> None:
    assert not may_begin("World news", "cafe ready")
    assert not may_begin("اخبار", "cafe ready")


@pytest.mark.parametrize("seed", range(20))
def test_short_ways_come_out_the_same(seed: int) -> None:
    rng = random.Random(seed)
    signs = "aZ9 _-.\t\n\r\x00\x1c\x1f\x7f\x85\xa0\u2028\u200c\u200d\u200f\u00adéẞلأىـ\u064e٣中"
    for _ in range(300):
        text = "".join(rng.choices(signs, k=rng.randint(0, 12)))
        assert tidy_line(text) == " ".join(tidy(text).split())
        assert fold(text + " é").removesuffix("é").strip() == fold(text)
        assert bare(text + " ل").removesuffix("ل").strip() == bare(text)


@pytest.mark.parametrize(
    "damaged",
    [
        sloppy(ARABIC, "cp1252"),
        ARABIC.encode().decode("latin-1"),
        ARABIC.encode().decode("cp1252", "replace"),
        sloppy(ARABIC, "cp1256"),
        ARABIC.encode("cp1256").decode("latin-1"),
        ARABIC.encode("cp1256").decode("cp1252"),
        sloppy(sloppy(ARABIC, "cp1252"), "cp1252"),
        ARABIC.encode().decode("latin-1").encode().decode("latin-1"),
        sloppy(sloppy(ARABIC, "cp1256"), "cp1256"),
        ARABIC.encode("cp1256").decode("latin-1").encode().decode("latin-1"),
    ],
)
def test_wrongly_decoded_arabic_is_mended(damaged: str) -> None:
    assert damaged != ARABIC
    assert repair(damaged) == ARABIC
    assert repair(f"A plain line\n{damaged}") == f"A plain line\n{ARABIC}"


def test_wrongly_decoded_latin_is_mended() -> None:
    assert repair("The cafÃ© is Ã  louer â€“ â€œnowâ€\x9d") == "The café is à louer – “now”"


@pytest.mark.parametrize(
    "text",
    [
        "L'été à Besançon, l'élève déjà là où ça naît",
        "ÉLÈVE À ÉCRIRE, ÀÈÌÒÙ àèìòù",
        "Þórður Ævar Örn í Þórsmörk",
        "Đặng Văn Lâm được",
        "Ελληνικά νέα",
        "Привет, мир",
        "日本語のニュース",
        "طظ طالب ظرف أ»",
        ARABIC,
    ],
)
def test_right_text_stays(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize("seed", range(20))
def test_no_bad_text_is_passed_over(seed: int) -> None:
    rng = random.Random(seed)
    classes = "".join(ftfy.badness.MOJIBAKE_CATEGORIES.values())
    signs = classes + "aZ1 .,\n$" + "ÃÂÎÐØÙŒœ€×²√‚Äâó¢°вЂΓΞβā" * 4
    for _ in range(2000):
        text = "".join(rng.choices(signs, k=rng.randint(1, 5)))
        assert not ftfy.badness.is_bad(text) or _MAY_BE_BAD.search(text), ascii(text)


def test_invisible_characters() -> None:
    assert repair("a\x00b\u200bc\u00add\u200e\ufeff\u00a0 e\r\nf\u2028g") == "abcd e\nf\ng"
    assert repair("می\u200cخواهم") == "می\u200cخواهم"  # Persian writes it between letters
    assert repair("خبر\u200c \u200cخبر") == "خبر خبر"
    assert repair("x\ud800y") == "xy"
    assert tidy_line("  two \n lines\t") == "two lines"


def test_what_is_repaired_without_a_look_at_its_parts_is_tidied_all_the_same() -> None:
    for code in range(0x10000):
        text = f"a{chr(code)}b"
        assert repair(text) == tidy(mend_letters(text)), hex(code)


@pytest.mark.parametrize(
    ("charset", "header"),
    [
        ("utf-8", None),
        ("utf-8", "text/html; charset=windows-1256"),
        ("utf-8", "text/html; charset=iso-8859-1"),
        ("cp1256", None),
        ("cp1256", "text/html; charset=utf-8"),
        ("cp1256", "text/html; charset=iso-8859-1"),
        ("cp1256", "text/html; charset=windows-1256"),
        ("iso8859-6", "text/html; charset=iso-8859-6"),
        ("utf-16", None),
        ("utf-16-le", None),
        ("utf-16-be", "text/html"),
        ("utf-8-sig", "text/html; charset=no-such"),
    ],
)
def test_charset_lies(charset: str, header: str | None) -> None:
    assert decode(ARABIC.replace("،", ",").encode(charset), header) == ARABIC.replace("،", ",")


@pytest.mark.parametrize(
    ("text", "charset", "header"),
    [
        ("Привет, как дела сегодня в городе", "cp1251", None),
        ("Привет, как дела", "koi8-r", "text/html; charset=koi8-r"),
        ("今天的天气很好，我们去公园玩", "gb18030", "text/html; charset=gb2312"),
        ("これはテストです。東京", "cp932", None),
        ("これはテストです。東京", "euc_jp", None),
        ("これはテスト", "iso2022_jp", "text/html; charset=iso-2022-jp"),
        ("안녕하세요 세계 여러분", "cp949", None),
        ("Ελληνικά νέα σήμερα", "cp1253", None),
        ("L'été à Besançon, élève déjà", "cp1252", None),
        ("Müller größte Übung", "cp1252", "text/html; charset=utf-8"),
        ("Türkiye'de güneşli ağaç", "cp1254", "text/html; charset=iso-8859-9"),
    ],
)
def test_charsets(text: str, charset: str, header: str | None) -> None:
    assert decode(text.encode(charset), header) == text


def test_meta_and_faults() -> None:
    page = '<meta http-equiv=x content="text/html; charset=windows-1251"><p>Новости дня</p>'
    assert decode(page.encode("cp1251")) == page
    broken = ("خبر عاجل من المدينة " * 20).encode() + b"\xff" + "نهاية".encode()
    assert decode(broken, "text/html; charset=windows-1256").endswith("\ufffdنهاية")
    assert decode("خبر عاجل".encode()[:-1]).startswith("خبر عاج")
    for hostile in (b"\xff\xfe", b"\x00", b"\xff" * 50, bytes(range(256))):
        for name in ("utf-7", "rot13", "idna", "zlib", "undefined", "unicode_escape", "x" * 99):
            assert isinstance(decode(hostile, f"text/html; charset={name}"), str)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" ... – «» ", 0),
        ("مُحَمَّد قال: «نعم»، ثم 1,200 و3.5% ذهب", 7),
        ("it's a well-known word/phrase, yes—no", 7),
        ("今天天气", 4),
        ("सरकार ने कहा", 3),
        ("می\u200cخواهم بروم", 2),
        ("one two今天", 4),
        ("1,200 1,x a,b x.y x..y _ -_-a- 12,,3", 11),
    ],
)
def test_words(text: str, words: int) -> None:
    assert count_words(text) == words


def test_thai_words_are_near() -> None:
    assert 3 <= count_words("รัฐบาลประกาศวันนี้") <= 7


def test_words_are_counted_until_there_are_enough() -> None:
    def texts() -> Iterator[str]:
        yield "one two"
        yield "three"
        raise AssertionError("one more is counted")

    assert has_words(texts(), 3)
    assert not has_words(["one two", "–"], 3)
    assert not has_words([], 1)


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        (ARABIC, None, "ar"),
        (ARABIC, "fa", "ar"),
        ("این خبر را امروز از تهران گزارش می‌کنیم که دولت برنامه تازه‌ای دارد", "ar", "fa"),
        ("یہ خبر آج لاہور سے آئی ہے اور لوگوں نے اسے بہت پسند کیا ہے", None, "ur"),
        ("Правительство объявило в понедельник о новых мерах поддержки экономики", None, "ru"),
        ("Уряд оголосив у понеділок про нові заходи підтримки економіки країни", "ru", "uk"),
        (
            "Die Regierung hat am Montag neue Maßnahmen für die Wirtschaft des Landes angekündigt",
            "en",
            "de",
        ),
        (
            "The government said on Monday that it would help those who had lost their homes",
            "de",
            "en",
        ),
        (
            "Le gouvernement a annoncé lundi de nouvelles mesures pour aider les familles du pays",
            None,
            "fr",
        ),
        ("政府は月曜日に新しい対策を発表しました", None, "ja"),
        ("政府周一宣布了新的措施", None, "zh"),
        ("정부는 월요일에 새로운 대책을 발표했다", None, "ko"),
        ("Η κυβέρνηση ανακοίνωσε νέα μέτρα", "en", "el"),
        ("הממשלה הודיעה על צעדים חדשים", None, "he"),
        ("OK", "sv", "sv"),
        ("12345", "ar", "ar"),
        ("", None, None),
    ],
)
def test_language(text: str, hint: str | None, language: str | None) -> None:
    assert language_of(text, hint) == language


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("ar-EG", "ar"),
        ("en_US", "en"),
        ("ara", "ar"),
        ("NB", "no"),
        ("", None),
        ("x-default", None),
        ("zxx", None),
        (None, None),
    ],
)
def test_language_tags(tag: str | None, code: str | None) -> None:
    assert code_of(tag) == code


def test_arabic_and_hinted_english_need_no_model() -> None:
    code = (
        "import sys; from newsarchive.text.language import language_of as of;"
        f"assert of({ARABIC!r}) == 'ar';"
        "assert of('The minister said on Monday that it was not the end of the talks in the city'"
        " ' and that they would go on with it at the end of the week', 'en') == 'en';"
        "assert 'py3langid' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
