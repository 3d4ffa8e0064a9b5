"""Blocks of a page, what is measured of them, and the networks that choose among them."""

import os
import subprocess
import sys
from types import SimpleNamespace

import lxml.html
import numpy as np
import pytest

from newsarchive.parse import shown
from newsarchive.parse.blocks import Blocks, read_blocks
from newsarchive.parse.features import Claims, Vocabulary, measure
from newsarchive.parse.learned import load_model
from newsarchive.parse.network import REACHES, Network, answer
from newsarchive.parse.tokens import numbers_of

PAGE = """<body><nav><ul><li><a href=/a>Home</a></li><li><a href=/b>World</a></li></ul></nav>
<article class="story storyBody" id=main><h1>Rain <b>stops</b> play</h1>
<p>First line,<br>second   line with <a href=/x>a link</a>.</p>
<div>Loose text <script>no()</script>goes on<p>inner</p> and ends</div>
<div hidden><p>not seen</p></div></article></body>"""


def blocks_of(markup: str) -> Blocks:
    tree = lxml.html.document_fromstring(markup)
    return read_blocks(tree.find("body"))


def test_blocks_are_what_boxes_and_line_breaks_set_apart() -> None:
    texts = [b.text for b in blocks_of(PAGE).blocks]
    assert texts == [
        "Home",
        "World",
        "Rain stops play",
        "First line,",
        "second line with a link.",
        "Loose text goes on",
        "inner",
        "and ends",
        "not seen",
    ]


def test_a_block_knows_its_links_bold_letters_and_boxes() -> None:
    page = blocks_of(PAGE)
    home, _, headline, _, second, *_, hidden = page.blocks
    assert (home.linked, second.linked, headline.bold) == (4, 5, 5)
    boxes = page.boxes
    tags = []
    at = second.box
    while at >= 0:
        tags.append(boxes.tags[at])
        at = boxes.parents[at]
    assert tags == ["p", "article", "body"]
    article = boxes.parents[second.box]
    words = [numbers_of("c")(word) for word in ("story", "body", "main")]
    assert boxes.names[article] == [*words, numbers_of("t")("article")]
    assert [page.blocks[n].text for n in (boxes.firsts[article], boxes.ends[article] - 1)] == [
        "Rain stops play",
        "not seen",
    ]
    assert boxes.hidden[hidden.box]
    assert not boxes.hidden[home.box]


def test_boxes_of_the_same_tags_and_classes_have_one_form() -> None:
    page = blocks_of("<body><p class=a>x</p><p class=a>y</p><p class=b>z</p>")
    forms = [page.boxes.forms[b.box] for b in page.blocks]
    assert forms[0] == forms[1] != forms[2]


@pytest.mark.parametrize("depth", [10, 3000])
def test_deep_nesting_is_read(depth: int) -> None:
    root = body = lxml.html.Element("body")
    for _ in range(depth):
        inner = lxml.html.Element("div")
        body.append(inner)
        body = inner
    body.text = "deep"
    page = read_blocks(root)
    assert [b.text for b in page.blocks] == ["deep"]
    assert len(page.boxes) == depth + 1


def test_measures_are_finite_and_one_row_a_block() -> None:
    page = blocks_of(PAGE)
    found = measure(page, Claims("Rain stops play", 2, "second line", ""))
    assert found.values.shape[0] == len(page.blocks)
    assert np.isfinite(found.values).all()
    assert found.levels.shape == (3, len(page.blocks))
    assert found.tokens.boxes[:, 0].max() < len(page.boxes)


def test_measures_of_texts_without_letters() -> None:
    page = blocks_of("<body>\U0001f600<p>\u2026</p><p>\u3002</p><p>\ud800x</p>")
    assert np.isfinite(measure(page, Claims()).values).all()


def test_measures_do_not_depend_on_what_a_site_calls_its_classes_when_counting() -> None:
    one = measure(blocks_of(PAGE), Claims())
    other = measure(blocks_of(PAGE.replace("storyBody", "xyz")), Claims())
    assert np.array_equal(one.values, other.values)


def test_the_model_is_small_and_tells_text_from_a_menu() -> None:
    paragraphs = "".join(
        f"<p>The council said on day {n} that the bridge would stay closed for repairs, and that"
        " drivers should take the northern road until the work is done.</p>"
        for n in range(5)
    )
    menu = "".join(f"<li><a href=/{n}>Section {n}</a></li>" for n in range(9))
    page = blocks_of(f"<body><ul class=menu>{menu}</ul><article>{paragraphs}</article></body>")
    chances = load_model().probabilities(measure(page, Claims()))
    assert chances.shape == (14,)
    assert chances[:9].max() < 0.5 < chances[9:].min()


def test_what_is_told_of_a_page_does_not_depend_on_the_process() -> None:
    """Sets of words come in another order in each process, and sums of floats with them."""
    code = (
        "import hashlib, lxml.html\n"
        "from newsarchive.parse.blocks import read_blocks\n"
        "from newsarchive.parse.features import Claims, measure\n"
        "from newsarchive.parse.learned import load_model\n"
        f"page = read_blocks(lxml.html.document_fromstring({PAGE!r}).find('body'))\n"
        "features = measure(page, Claims('Rain stops play', 2))\n"
        "parts = (features.tokens.boxes, features.tokens.blocks,"
        " load_model().probabilities(features))\n"
        "print(hashlib.sha256(b''.join(p.tobytes() for p in parts)).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(told) == 1


def test_what_is_like_the_core_of_an_article_is_told_however_far_away() -> None:
    def nothing(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    # Of each block: whether it is surely text, and its form, A or B.
    eye = np.eye(3, dtype=np.float32)
    alike = np.concatenate([nothing(6, 3), eye])
    network = Network(
        boxes=nothing(1, 2),
        inside=nothing(1, 1),
        first=(np.concatenate([eye, nothing(3, 3)]), nothing(3)),
        convolutions=((nothing(3, 9), nothing(3)),) * len(REACHES),
        page=nothing(6, 3),
        core=np.array([[9], [0], [0]], np.float32),
        alike=alike,
        last=(np.array([[0], [1], [1]], np.float32), np.array([-1.2], np.float32)),
    )
    page = np.zeros((200, 3), np.float32)
    page[::2, 1] = 1
    page[1::2, 2] = 1
    page[0, 0] = 1
    none = np.zeros((0, 2), np.int32)
    chances = answer(network, page, none, none, np.full((3, 200), -1, np.int32), none)
    assert (chances[::2] > 0.5).all()  # of the same form as the sure block
    assert (chances[1::2] < 0.5).all()


def test_known_tokens_have_their_places_among_the_hashes() -> None:
    chance = np.random.default_rng(0)
    crowded = np.arange(7 << 15, (7 << 15) + 40)  # of the same upper bits
    hashes = np.unique(np.concatenate([chance.integers(0, 2**31, 5000), crowded]))
    asked = np.concatenate([hashes[::3], hashes[::5] + 1, [0, 2**31 - 1]])
    tokens = np.stack([np.arange(len(asked)), asked], axis=1).astype(np.int32)
    place = {number: n for n, number in enumerate(hashes.tolist())}
    wanted = [(n, place[number]) for n, number in enumerate(asked.tolist()) if number in place]
    found = Vocabulary(hashes.astype(np.int32)).known(tokens)
    assert [tuple(row) for row in found.tolist()] == wanted


@pytest.mark.parametrize(("headings", "taken"), [(2, False), (3, True)])
def test_what_is_doubtful_between_parts_of_a_guide_is_taken(
    monkeypatch: pytest.MonkeyPatch, headings: int, taken: bool
) -> None:
    parts = "".join(f"<h2>Step {n}</h2><p>{'Mix it well. ' * 9}</p>" for n in range(headings))
    page = blocks_of(f"<body>{parts}<ul><li>two eggs</li></ul><p>Serve.</p><p>Share</p></body>")
    texts = [b.text for b in page.blocks]
    chances = np.full(len(texts), 0.9, np.float32)
    chances[texts.index("two eggs")] = chances[texts.index("Share")] = 0.4
    model = SimpleNamespace(probabilities=lambda _: chances)
    monkeypatch.setattr(shown, "load_model", lambda: model)
    lines = [line.text for line in shown.text_of(shown.Shown(page, Claims())).lines]
    assert ("two eggs" in lines) == taken
    assert "Serve." in lines and "Share" not in lines


BEGINNING = "<p>" + "The ferry stayed in port for a third day. " * 4 + "</p>"
OTHER = "I was on board, and nobody told us anything."


@pytest.mark.parametrize(
    ("markup", "taken"),
    [
        (f"{BEGINNING}<div id=comments>{OTHER}</div>", False),
        (f"{BEGINNING}<div class='story-commentsBox'><ul><li>{OTHER}</li></ul></div>", False),
        (f"{BEGINNING}<section class='related articles'>{OTHER}</section>", False),
        (f"{BEGINNING}<figure><figcaption>{OTHER}</figcaption></figure>", False),
        (f"{BEGINNING}<aside>{OTHER}</aside>", False),
        (f"{BEGINNING}<div class='part no-comments'>{OTHER}</div>", True),
        (f"{BEGINNING}<div class=commentary>{OTHER}</div>", True),
        (f"<div class='page related'>{BEGINNING}<p>{OTHER}</div>", True),
        (f"<p>At sea.</p><div id=comments>{OTHER}</div>", True),
        (f"{BEGINNING}<div id=comments><h1>The ferry</h1>{OTHER}</div>", True),
    ],
)
def test_what_is_marked_as_of_others_behind_a_beginning_is_no_text(
    monkeypatch: pytest.MonkeyPatch, markup: str, taken: bool
) -> None:
    page = blocks_of(f"<body>{markup}</body>")
    texts = [b.text for b in page.blocks]
    model = SimpleNamespace(probabilities=lambda _: np.full(len(texts), 0.9, np.float32))
    monkeypatch.setattr(shown, "load_model", lambda: model)
    title = texts.index("The ferry") if "The ferry" in texts else -1
    text = shown.text_of(shown.Shown(page, Claims("The ferry", title)))
    assert (OTHER in [line.text for line in text.lines]) == taken


@pytest.mark.parametrize(
    ("chance", "links", "taken"), [(0.6, 11, False), (0.6, 9, True), (0.8, 11, True)]
)
def test_what_stands_apart_from_the_text_must_be_surer(
    monkeypatch: pytest.MonkeyPatch, chance: float, links: int, taken: bool
) -> None:
    menu = "".join(f"<li><a href=/{n}>Sea {n}</a></li>" for n in range(links))
    page = blocks_of(f"<body>{BEGINNING}<ul>{menu}</ul><p>{OTHER}</p></body>")
    chances = np.array([0.9, *[0.1] * links, chance], np.float32)
    model = SimpleNamespace(probabilities=lambda _: chances)
    monkeypatch.setattr(shown, "load_model", lambda: model)
    lines = [line.text for line in shown.text_of(shown.Shown(page, Claims())).lines]
    assert (OTHER in lines) == taken and len(lines) == 1 + taken
