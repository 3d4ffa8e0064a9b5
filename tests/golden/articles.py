"""Articles of our own (`articles.toml`), as parts from which documents are composed."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    title: str
    paragraphs: tuple[str, ...]
    language: str
    subheads: tuple[str, ...]
    """Headings that may stand before the second and third paragraph."""


def _parts(language: str) -> tuple[Part, ...]:
    data = tomllib.loads(Path(__file__).with_name("articles.toml").read_text("utf-8"))
    return tuple(
        Part(a["title"], tuple(a["paragraphs"]), a["language"], tuple(a.get("subheads", ())))
        for a in data["article"]
        if a["language"] == language
    )


ARABIC = _parts("ar")
ENGLISH = _parts("en")
PERSIAN = _parts("fa")
