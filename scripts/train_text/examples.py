"""Labelled pages as examples: the measures of their blocks, and which blocks are the text."""

import bisect
import gzip
import hashlib
import importlib.util
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from newsarchive.parse.features import Features, measure
from newsarchive.parse.page import read_shown
from newsarchive.parse.shown import Shown

YES, NO, UNKNOWN = 1, 0, -1
_RUN = 4
"""Tokens that are compared at a time, as the yardstick does."""
_SURE = 8
"""A block of so many tokens is text wherever in the labelled text they stand; shorter ones only in
their turn."""
_MOST_PLACES = 6


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled page."""

    name: str
    dataset: str
    host: str
    label: dict[str, Any]
    texts: list[str]
    features: Features
    labels: np.ndarray
    """Shape (blocks,): YES, NO or UNKNOWN."""
    weights: np.ndarray
    """Shape (blocks,): tokens of a block as a share of the text's, 0.3 at most."""

    @property
    def importance(self) -> float:
        """How much the page counts: the largest set is not to outweigh all others."""
        return 0.5 if self.dataset == "daniel" else 1.0


def fold_of(host: str, folds: int) -> int:
    """Return the fold of a host: pages of one host are never on both sides."""
    return hashlib.sha256(f"fold {host}".encode()).digest()[0] % folds


@cache
def yardstick(shared: Path) -> ModuleType:
    """Return the yardstick as a module: its tokens and scores are what we are measured by."""
    spec = importlib.util.spec_from_file_location("extraction", shared / "bench/extraction.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no yardstick in {shared}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def labelled_pages(shared: Path) -> Iterator[dict[str, Any]]:
    """Yield the labelled pages: id, set, url, html and label.

    Args:
        shared: the folder with `newspaper/pages.jsonl.gz` and `bench/`.
    """
    for name in ("newspaper/pages.jsonl.gz", "bench/labelled-pages.jsonl.gz"):
        with gzip.open(shared / name, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def host_of(page: dict[str, Any]) -> str:
    """Return the host of a labelled page; its id where it has none."""
    return str((urlsplit(page["url"]).hostname or page["id"]).removeprefix("www."))


def read_examples(shared: Path) -> Iterator[Example]:
    """Yield the labelled pages that have text labels.

    Args:
        shared: as for `labelled_pages`.
    """
    tokens = yardstick(shared).tokens
    for page in labelled_pages(shared):
        label = page["label"]
        if "text" in label or "chunks" in label:
            shown = read_shown(page["html"], page["url"])
            if shown is not None:
                yield _example(page, label, shown, tokens)


def _example(page: dict[str, Any], label: dict[str, Any], shown: Shown, tokens: Any) -> Example:
    texts = [b.text for b in shown.blocks.blocks]
    if "text" in label:
        labels, weights = _by_text(label["text"], texts, tokens)
    else:
        labels, weights = _by_chunks(label["chunks"], texts), np.full(len(texts), 0.1, np.float32)
    measured = measure(shown.blocks, shown.claims)
    return Example(page["id"], page["set"], host_of(page), label, texts, measured, labels, weights)


def _by_chunks(chunks: Sequence[Sequence[str]], texts: Sequence[str]) -> np.ndarray:
    wanted, unwanted = ([" ".join(c.split()) for c in group] for group in chunks)
    labels = np.full(len(texts), UNKNOWN, np.int8)
    for k, text in enumerate(texts):
        if any(c and c in text for c in wanted):
            labels[k] = YES
        elif any(c and c in text for c in unwanted):
            labels[k] = NO
    return labels


def _by_text(text: str, texts: Sequence[str], tokens: Any) -> tuple[np.ndarray, np.ndarray]:
    wanted = tokens(text)
    blocks = [tokens(t) for t in texts]
    sizes = np.array([len(b) for b in blocks], np.float32)
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for size in range(1, _RUN + 1):
        for at in range(len(wanted) - size + 1):
            places[wanted[at : at + size]].append(at)
    labels = np.full(len(texts), NO, np.int8)
    candidates: list[tuple[int, int, int]] = []  # block, place in the labelled text, tokens
    for k, block in enumerate(blocks):
        if not block:
            labels[k] = UNKNOWN
            continue
        runs = [block[i : i + _RUN] for i in range(max(1, len(block) - _RUN + 1))]
        found = [run in places for run in runs]
        if sum(found) < 0.5 * len(runs):
            continue
        first = runs[found.index(True)]
        ats = places[first]
        if len(block) < _RUN:
            ats = [a for a in ats if wanted[a : a + len(block)] == block]
        candidates += ((k, a, len(block)) for a in ats[:_MOST_PLACES])
    chain = _in_turn(candidates)
    for k, _, size in candidates:
        if k in chain or size >= _SURE:
            labels[k] = YES
    _once(labels, blocks, wanted, chain)
    total = max(len(wanted), 1)
    return labels, np.minimum((sizes + 2) / total, 0.3).astype(np.float32)


def _in_turn(candidates: Sequence[tuple[int, int, int]]) -> set[int]:
    """Return the blocks of the heaviest chain that keeps both orders."""
    if not candidates:
        return set()
    rows = sorted(candidates)
    block = np.array([r[0] for r in rows])
    begin = np.array([r[1] for r in rows])
    size = np.array([r[2] for r in rows])
    end = begin + size
    best = size.astype(np.float64)
    before = np.full(len(rows), -1)
    for n in range(1, len(rows)):
        low = bisect.bisect_left(block, block[n])
        if not low:
            continue
        # A little overlap is allowed: blocks and labels do not cut at the same places.
        near = np.abs(begin[n] - end[:low]) / 1e4
        ok = end[:low] <= begin[n] + 1
        if not ok.any():
            continue
        gain = np.where(ok, best[:low] - near, -1)
        top = int(np.argmax(gain))
        if gain[top] > 0:
            best[n] += gain[top]
            before[n] = top
    chain: set[int] = set()
    at = int(np.argmax(best))
    while at >= 0:
        chain.add(int(block[at]))
        at = int(before[at])
    return chain


def _once(
    labels: np.ndarray, blocks: list[tuple[str, ...]], wanted: tuple[str, ...], chain: set[int]
) -> None:
    """Unlabel copies of a block beyond as often as the labelled text has it, out of turn first."""
    copies: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for k, block in enumerate(blocks):
        if labels[k] == YES:
            copies[block].append(k)
    flat = " ".join(wanted)
    for block, at in copies.items():
        if len(at) > 1:
            times = max(1, flat.count(" ".join(block)))
            for k in sorted(at, key=lambda k: (k not in chain, k))[times:]:
                labels[k] = NO
