"""Plain-text documents: golden ones, composed ones, the same in every charset, and the seed."""

import codecs
import random
from datetime import date
from pathlib import Path

import pytest
from golden.compose import compose
from golden.expected import as_json, expected

from newsarchive.model import Found, Refused
from newsarchive.parse.document import parse_document

HERE = Path(__file__).parent
DOCUMENTS = sorted((HERE / "documents").glob("*.txt"))
SEED = HERE.parents[2] / "shared" / "seed" / "article.txt"


def found_in(text: str | bytes, **options: str) -> list[Found]:
    body = text if isinstance(text, bytes) else text.encode()
    result = parse_document(body, name="test.txt", **options)
    assert isinstance(result, list), result
    return result


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda f: f.stem)
def test_golden_document(file: Path) -> None:
    result = parse_document(file.read_bytes(), name=file.name)
    assert as_json(result) == expected(file)


def test_every_charset_gives_the_same_articles() -> None:
    rows = {
        name: as_json(parse_document((HERE / "documents" / name).read_bytes(), name=name))
        for name in (
            "aggregator.txt",
            "windows_1256.txt",
            "utf8_as_cp1252.txt",
            "utf8_as_latin1_twice.txt",
            "utf8_as_cp1256.txt",
            "cp1256_as_latin1.txt",
        )
    }
    assert all(r == rows["aggregator.txt"] for r in rows.values())
    assert len(rows["aggregator.txt"]) == 2


def check(text: str | bytes, wanted: list, *, whole: bool = True) -> None:
    founds = found_in(text)
    assert [f.title for f in founds] == [w.title for w in wanted]
    for found, want in zip(founds, wanted, strict=True):
        assert found.text.split("\n\n") == want.paragraphs
        assert (found.published_day == date(2023, 12, 27)) == want.dated
        assert found.published_at is None
        assert found.origin == want.origin
        assert found.keywords_raw == want.keywords
        assert found.related == want.related
    assert [f.part for f in founds] == list(range(len(founds)))


@pytest.mark.parametrize("seed", range(150))
def test_composed_documents_come_apart_exactly(seed: int) -> None:
    text, wanted = compose(seed)
    check(text, wanted)


@pytest.mark.parametrize("seed", range(1000, 1100))
def test_headings_within_articles_are_no_headlines(seed: int) -> None:
    text, wanted = compose(seed, subheads=True)
    check(text, wanted)


def sloppy(text: str, charset: str) -> str:
    """Read UTF-8 as another charset, as software does that never fails."""
    return "".join(bytes([b]).decode(charset, "ignore") or chr(b) for b in text.encode())


DAMAGES = {
    "crlf": lambda t: t.replace("\n", "\r\n").encode(),
    "cr": lambda t: t.replace("\n", "\r").encode(),
    "utf-8 bom": lambda t: codecs.BOM_UTF8 + t.encode(),
    "utf-16": lambda t: t.encode("utf-16"),
    "utf-16 be": lambda t: codecs.BOM_UTF16_BE + t.encode("utf-16-be"),
    "utf-16 without bom": lambda t: t.encode("utf-16-le"),
    "nbsp": lambda t: t.replace(" ", "\u00a0").encode(),
    "bidi marks": lambda t: "\n".join(f"\u202b{x}\u202c\u200f" for x in t.split("\n")).encode(),
    "zero width": lambda t: t.replace(" ", "\u200b ").encode(),
    "indented": lambda t: "\n".join(f" \t{x}  " for x in t.split("\n")).encode(),
    "read as cp1252": lambda t: sloppy(t, "cp1252").encode(),
    "read as latin-1": lambda t: t.encode().decode("latin-1").encode(),
    "read as latin-1 twice": lambda t: (
        t.encode().decode("latin-1").encode().decode("latin-1").encode()
    ),
    "read as cp1256": lambda t: sloppy(t, "cp1256").encode(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("seed", range(2000, 2008))
def test_damaged_documents_give_the_same(damage: str, seed: int) -> None:
    text, wanted = compose(seed)
    check(DAMAGES[damage](text), wanted)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (codecs.BOM_UTF16_LE, "empty"),
        (b"%PDF-1.7\n...", "not_html"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not_html"),
        (bytes(random.Random(1).randbytes(4000)), "not_html"),
        (b"<!DOCTYPE html><html><body><p>x</p></body></html>", "not_html"),
        ("عنوان بلا نص".encode(), "no_text"),
        ("عنوان الخبر الأول\nنص قصير جدا.".encode(), "too_short"),
        (("كلمة " * 80 + ".").encode(), "no_title"),
    ],
)
def test_refusals(body: bytes, reason: str) -> None:
    result = parse_document(body, name="x.txt")
    assert isinstance(result, Refused)
    assert result.reason == reason
    assert result.detail
    assert "x.txt" in result.detail


def test_no_invented_date_and_keywords_stay_whole() -> None:
    founds = found_in((HERE / "documents" / "aggregator.txt").read_bytes())
    assert founds[0].published_precision == "day"
    assert founds[0].published_at is None
    assert founds[1].published_day is None
    assert founds[1].published_precision is None
    assert founds[0].keywords == [founds[0].keywords_raw]


@pytest.mark.parametrize(
    "title", ["Updated: Nurses doubt", "Source: Apple to cut two thousand jobs"]
)
def test_headlines_that_read_as_labels(title: str) -> None:
    text = f"{title}\nPublished: 3 May 2024\nNurses at the harbour doubt that the van will come.\n"
    found = found_in(text)[0]
    assert found.title == title
    assert found.published_day == date(2024, 5, 3)


def test_hint_decides_for_few_words() -> None:
    text = "Nova casa\nA casa nova de Ana custa pouco e fica no centro.\n"
    assert found_in(text, language_hint="pt")[0].language == "pt"


def test_never_raises_on_spliced_documents() -> None:
    draw = random.Random(7)
    raw = [f.read_bytes() for f in DOCUMENTS]
    for _ in range(200):
        a, b = draw.choice(raw), draw.choice(raw)
        body = bytearray(a[: draw.randrange(len(a))] + b[draw.randrange(len(b)) :])
        for _ in range(draw.randrange(20)):
            if body:
                body[draw.randrange(len(body))] = draw.randrange(256)
        result = parse_document(bytes(body), name="spliced")
        if isinstance(result, list):
            for found in result:
                found.text.encode()  # no lone surrogates: Arrow refuses them
                found.title.encode()


def test_long_documents_take_linear_time() -> None:
    line = "خبر قصير عن مدينة بعيدة لا نقطة في آخره\n"
    body = ("عنوان\nاقرأ أيضا:\n" + line * 5_000).encode()
    assert parse_document(body, name="long")


@pytest.mark.skipif(not SEED.exists(), reason="the seed document is not on this machine")
def test_seed_document() -> None:
    first, second = found_in(SEED.read_bytes())
    lines = SEED.read_text("utf-8").split("\n")
    assert first.title == lines[0]
    assert first.text.split("\n\n") == lines[2:8]
    assert first.published_day == date(2023, 12, 27)
    assert first.published_precision == "day"
    assert first.published_at is None
    assert first.origin == "بوابة الوفد"
    assert first.language == second.language == "ar"
    assert first.keywords_raw == lines[9].partition(": ")[2]
    assert first.keywords == [first.keywords_raw]
    assert first.related == [second.title]
    assert second.title == lines[11]
    assert second.text.split("\n\n") == [line for line in lines[12:] if line]
    assert len(second.text.split("\n\n")) == 6
    assert second.part == 1
    assert second.published_day is second.published_at is None
