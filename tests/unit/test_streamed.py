"""Streamed pages: parts that come late lie hidden at the end, for a script to place."""

from datetime import date

import lxml.html
import pytest

from newsarchive.parse.elements import read_elements
from newsarchive.parse.page import read_text
from newsarchive.parse.streamed import place_parts

URL = "https://harbour.example/metro/snow"
HEAD = "<html lang=en><head><title>Library opens late after snow | Harbour Times</title></head>"
STORY = [
    f"The central library opened {n} hours late on Thursday after heavy snow, said its head."
    for n in ("three", "four", "five")
]


def placed(body: str) -> str:
    tree = lxml.html.document_fromstring(f"<html><body>{body}</body></html>")
    place_parts(tree, read_elements(tree).places)
    return str(lxml.html.tostring(tree.body, encoding="unicode"))


def test_an_article_that_came_late_is_read_where_it_is_shown() -> None:
    paragraphs = "".join(f"<p>{p}</p>" for p in STORY)
    page = (
        f"{HEAD}<body><header><a href='/'>Harbour Times</a></header><main>"
        "<!--$?--><template id='B:0'></template><p>Loading</p><!--/$--></main>"
        "<footer><p>Copyright 2026 Harbour Times</p></footer>"
        "<div hidden id='S:0'><article><h1>Library opens late after snow</h1>"
        "<div><p>May 3, 2024<span> · </span>8 min read</p></div>"
        f"<template id='P:1'></template></article></div>"
        '<script>$RC("B:0","S:0")</script>'
        f"<div hidden id='S:1'>{paragraphs}</div>"
        '<script>$RS("S:1","P:1")</script></body></html>'
    )
    reading = read_text(page, URL)
    assert reading.refused is None
    found = reading.founds[0]
    assert found.title == "Library opens late after snow"
    assert found.text.split("\n\n") == STORY
    assert found.published_day == date(2024, 5, 3)


def test_parts_stand_in_their_places() -> None:
    body = "a<template id='B:a1'></template>b<div hidden id='S:a1'><p>x</p></div>c"
    assert placed(body) == '<body>a<div id="S:a1"><p>x</p></div>bc</body>'


def test_a_part_without_a_place_is_shown_where_it_lies() -> None:
    body = "<p>a</p><template id='B:9'></template><div hidden id='S:0'>x</div>b"
    assert placed(body) == (
        '<body><p>a</p><template id="B:9"></template><div id="S:0">x</div>b</body>'
    )


@pytest.mark.parametrize(
    "body",
    [
        '<body><template id="B:0"></template><div hidden="" id="S:x">y</div></body>',
        '<body><template id="P:0"></template><div hidden="" id="menu">y</div></body>',
        '<body><template id="B:0"></template><p hidden="" id="S:0">y</p></body>',
        '<body><template id="T:0"></template><div hidden="" id="S:0">y</div></body>',
        '<body><template id="B:0"></template><div id="S:0">y</div></body>',
    ],
)
def test_what_is_no_part_stays(body: str) -> None:
    assert placed(body.removeprefix("<body>").removesuffix("</body>")) == body


def test_parts_in_one_another_end() -> None:
    body = (
        "<div hidden id='S:0'><template id='P:1'></template>x</div>"
        "<div hidden id='S:1'><template id='P:0'></template>y</div>"
        "<div hidden id='S:2'><template id='B:2'></template>z</div>"
        "<div hidden id='S:2'>again</div>"
    )
    shown = lxml.html.fromstring(placed(body)).text_content()
    assert sorted(shown) == sorted("xyzagain")
