"""The boosted trees that tell which blocks of a page are the text of its article.

They see a block by itself, and the networks of newsarchive.parse.network see what is around it: the
two err on different pages.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsarchive.parse.features import Features, Floats, Ints, spread

NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
"""Blocks before and behind whose size, links, last sign and words a tree sees too."""
_SIZE, _LINKS, _ENDS = 0, 2, 5
"""Places of these measures in Features.values."""


@dataclass(frozen=True, slots=True)
class Trees:
    """The numbers of all trees, each padded to the same depth."""

    words: Floats
    """Shape (3, vocabulary): weight of a token among names of the three innermost boxes, of all
    boxes around, and among a block's own words."""
    columns: NDArray[np.intp]
    """Shape (trees, 2^depth - 1): the column that a node asks for, top first."""
    thresholds: Floats
    """The same shape: what is above goes right."""
    leaves: Floats
    """Shape (trees, 2^depth): the log odds that each leaf adds."""

    def log_odds(
        self, features: Features, boxes: Ints, blocks: Ints, asked: NDArray[np.intp]
    ) -> Floats:
        """Return the log odds that blocks are text of the article.

        Args:
            features: of the page.
            boxes: tokens of boxes by their place in the vocabulary, shape (k, 2).
            blocks: the same of blocks.
            asked: places of the blocks.
        """
        values = inputs(features, token_scores(self.words, features, boxes, blocks))[asked]
        n, width = values.shape
        trees, leaves = self.leaves.shape
        nodes = leaves - 1  # of a tree, its leaves not among them
        # All arrays are read as one row: by one index at a time, which is twice as fast as by two.
        row = np.arange(0, n * width, width)[:, None]
        root = np.arange(0, trees * nodes, nodes)
        at = np.tile(root, (n, 1))
        for _ in range(leaves.bit_length() - 1):
            asks = self.columns.take(at)
            asks += row
            above = values.take(asks) > self.thresholds.take(at)
            at += at  # the left one below a node, counted from the root, is at twice its place + 1
            at += 1 - root
            at += above
        at += np.arange(0, trees * leaves, leaves) - nodes - root
        odds: Floats = self.leaves.take(at).sum(axis=1)
        return odds


def token_scores(words: Floats, features: Features, boxes: Ints, blocks: Ints) -> Floats:
    """Return what the tokens say, shape (blocks, 6): three boxes, all around, own words, their sum.

    Args:
        words: as Trees.words.
        features: of the page.
        boxes: tokens of boxes by their place in the vocabulary, shape (k, 2).
        blocks: the same of blocks.
    """
    n, count = len(features.values), len(features.spans)
    near = np.bincount(boxes[:, 0], words[0][boxes[:, 1]], minlength=count + 1)[: count + 1]
    around = np.bincount(boxes[:, 0], words[1][boxes[:, 1]], minlength=count)[:count].astype(float)
    near[count] = 0  # what stands above the top, as level -1
    scores = np.empty((n, 6), np.float32)
    scores[:, :3] = near[features.levels].T
    scores[:, 3] = spread(around, features.spans, n)
    scores[:, 4] = np.bincount(blocks[:, 0], words[2][blocks[:, 1]], minlength=n)[:n]
    scores[:, 5] = scores[:, :5].sum(axis=1)
    return scores


def inputs(features: Features, scores: Floats) -> Floats:
    """Return what the trees see of each block: its measures and scores, and some of its neighbours.

    Args:
        features: of the page.
        scores: as `token_scores` gives them.
    """
    own = np.hstack([features.values, scores])
    seen = np.column_stack([features.values[:, [_SIZE, _LINKS, _ENDS]], scores[:, 5]])
    n = len(own)
    wide = np.full((n + 6, seen.shape[1]), -1, np.float32)
    wide[3 : n + 3] = seen
    near: list[NDArray[np.float32]] = [wide[3 + step : 3 + step + n] for step in NEIGHBOURS]
    both: Floats = np.hstack([own, *near]).astype(np.float32)
    return both
