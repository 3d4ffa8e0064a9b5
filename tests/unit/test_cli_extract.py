"""Command `extract`: pages in, fields out, line by line."""

import json
import subprocess
from typing import Any

import pytest
from command_line import Program
from command_line import program as _program

run = pytest.fixture(_program)

TEXT = "<p>The central library opened three hours late on Thursday after heavy snow.</p>" * 3
PAGE = (
    '<html lang=en><head><title>Library opens late | Harbour News</title><meta name="author"'
    ' content="Ann Lee"></head><body><article><h1>Library opens late</h1>'
    f'<time datetime="2024-05-03T23:30:00-05:00">3 May 2024</time>{TEXT}</article></body></html>'
)
EMPTY = {"title": "", "text": "", "published": "", "authors": [], "language": ""}


def lines(*items: Any) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def answers(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_page_is_answered_with_its_fields(run: Program) -> None:
    ran = run("extract", stdin=lines({"url": "https://harbour.example/a", "html": PAGE}))
    assert (ran.code, ran.err) == (0, "")
    (answer,) = answers(ran.out)
    assert answer.pop("text").startswith("The central library opened")
    # The day is the one that the page writes, not that of UTC.
    assert answer == {
        "title": "Library opens late",
        "published": "2024-05-03",
        "authors": ["Ann Lee"],
        "language": "en",
    }


def test_every_line_has_its_answer_in_order(run: Program) -> None:
    bad = [
        b"no json\n",
        b"[" * 100_000 + b"\n",
        b'{"url": 7, "html": null}\n',
        b"\xff\xfe\n",
        b'{"html": "\\ud800", "url": "http://["}\n',
        lines({"html": PAGE, "url": "http://[broken"}),
    ]
    stdin = b"".join(b + lines({"url": "https://harbour.example/a", "html": PAGE}) for b in bad)
    ran = run("extract", stdin=stdin)
    got = answers(ran.out)
    assert ran.code == 0 and len(got) == 2 * len(bad)
    assert all(a["title"] == "Library opens late" for a in got[1::2])
    assert all(a == EMPTY for a in got[0:-2:2])


def test_what_the_archive_would_refuse_is_answered_with_what_can_be_told(run: Program) -> None:
    page = PAGE.replace(TEXT, "<p>Subscribe.</p>")
    (answer,) = answers(run("extract", stdin=lines({"url": "", "html": page})).out)
    assert (answer["title"], answer["published"]) == ("Library opens late", "2024-05-03")
    assert answer["authors"] == ["Ann Lee"]


def test_an_answer_comes_before_the_next_page_is_asked_for(run: Program) -> None:
    with run.process("extract", stdin=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        for _ in range(2):
            process.stdin.write(lines({"url": "https://harbour.example/a", "html": PAGE}).decode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["title"] == "Library opens late"
        process.stdin.close()
        assert process.wait(60) == 0
