"""Stories: near-duplicate articles, on one site or several, under one id. Pure.

The first article of a story, by day and then by id, is its founder, and gives the id. Each later
one joins the founder whose text it has, if that is at most three days older; else it founds a
story itself. So a story is a function of the articles alone, in whatever order they came, each
member has been compared with its founder, and no chain of small edits joins what is not alike.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from newsarchive.text.duplicates import shared_bands

REACH = timedelta(days=3)
"""How much later than its founder an article of a story may be."""
MOST = 100
"""Articles of a story; the next one founds another."""
_TRIES = 20  # founders that an article is compared with: a template may have hundreds


@dataclass(frozen=True, slots=True)
class Told:
    """An article whose story is known."""

    article_id: str
    story_id: str
    signature: bytes


def story_ids(
    signatures: Mapping[str, bytes],
    before: Collection[Told],
    same: Callable[[str, str], bool],
) -> dict[str, str]:
    """Return the story of each article of a day.

    Args:
        signatures: the day's articles: their signatures (`duplicates.signature`) by article id.
        before: all articles of the three days before, by day and id.
        same: says of two articles' ids whether their texts are the same.
    """
    size: Counter[str] = Counter()
    founders: dict[int, list[str]] = defaultdict(list)
    rank: dict[str, int] = {}
    bands = shared_bands(signatures.values(), _of_founders(before))

    def found(identity: str, signature: bytes) -> None:
        rank[identity] = len(rank)
        for band in bands.get(signature, ()):
            founders[band].append(identity)

    for told in before:
        size[told.story_id] += 1
        if _is_founder(told):
            found(told.article_id, told.signature)
    stories: dict[str, str] = {}
    for identity in sorted(signatures):
        signature = signatures[identity]
        shared = Counter(f for band in bands.get(signature, ()) for f in founders.get(band, ()))
        open_ones = (f for f in shared if size[f] < MOST)
        likely = sorted(open_ones, key=lambda f: (-shared[f], rank[f]))[:_TRIES]
        story = min((f for f in likely if same(f, identity)), key=rank.__getitem__, default=None)
        if story is None:
            story = identity
            found(identity, signature)
        size[story] += 1
        stories[identity] = story
    return stories


def suspects(signatures: Mapping[str, bytes], before: Collection[Told]) -> set[str]:
    """Return the articles whose texts `story_ids` may ask for: those with a band in common."""
    bands = shared_bands(signatures.values(), _of_founders(before))
    found = {identity for identity, signature in signatures.items() if signature in bands}
    return found | {t.article_id for t in before if _is_founder(t) and t.signature in bands}


def _of_founders(before: Iterable[Told]) -> list[bytes]:
    return [told.signature for told in before if _is_founder(told)]


def _is_founder(told: Told) -> bool:
    return told.story_id == told.article_id
