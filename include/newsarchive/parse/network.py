"""The trained network that tells which blocks of a page are the text of its article.

It is small, and runs in NumPy. It sees a block's measures, the hashed names and words of
Features.tokens, and through four convolutions over the blocks in page order what stands up to
fifteen blocks before and behind it. Once it is held against the core of the article: the mean of
the blocks that look most like text.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from newsarchive.parse.features import Floats, Ints, spread

REACHES = (1, 2, 4, 8)
"""How far each convolution looks, in blocks."""
GLOBAL_AFTER = 1
"""The convolution after which a block also sees the whole page."""
CORE_AFTER = 2
"""The convolution after which it is held against the core of the article."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How measures become the network's input: each column by the order of its values."""

    knots: Floats
    """Shape (columns, knots): quantiles of the values of each column, ascending; where a column
    has few values, its mean and spread in the first two."""
    counts: Ints
    """Shape (columns,): how many of the knots count; 0 for a column with few values."""

    def __call__(self, values: Floats) -> Floats:
        """Return the input for measures, both of shape (blocks, columns)."""
        columns = np.ascontiguousarray(values.T)
        few = self.counts == 0
        mean, deviation = self.knots[few, 0, None], self.knots[few, 1, None]
        scaled = np.empty_like(columns)
        scaled[few] = np.clip((columns[few] - mean) / deviation, -4, 4)
        for place, count in enumerate(self.counts.tolist()):
            if count:
                knots = self.knots[place, :count]
                scaled[place] = np.interp(columns[place], knots, _levels(count))
        return scaled.T


@cache
def _levels(count: int) -> NDArray[np.float64]:
    """Return what so many knots are scaled to."""
    return np.linspace(-1.7, 1.7, count)


@dataclass(frozen=True, slots=True)
class Network:
    """What the network has learned."""

    boxes: Floats
    """Shape (vocabulary + 1, 2 × width): of names of the three innermost boxes around a block, then
    of those of all; the last row is 0."""
    inside: Floats
    """Shape (vocabulary + 1, width): of a block's own words."""
    first: tuple[Floats, Floats]
    convolutions: tuple[tuple[Floats, Floats], ...]
    """Shapes (size, 3 × size) and (size,): what a block gives to the one behind, to itself, and to
    the one before."""
    page: Floats
    core: Floats
    """Shape (size, 1): how much a block belongs to the core of the article."""
    alike: Floats
    """Shape (3 × size, size): of a block, of the core, and of the product of both."""
    last: tuple[Floats, Floats]


def answer(
    network: Network, values: Floats, boxes: Ints, blocks: Ints, levels: Ints, spans: Ints
) -> Floats:
    """Return for each block how likely it is text of the article, 0 to 1.

    Args:
        network: what it has learned.
        values: scaled measures, shape (blocks, columns).
        boxes: tokens of boxes by their place in the vocabulary, shape (k, 2).
        blocks: the same of blocks.
        levels: as in Features.
        spans: as in Features.
    """
    n, count = len(values), len(spans)
    # One row more than boxes, of zeros: what stands above the top.
    near, around = np.split(_sums(network.boxes, boxes, count + 1), 2, axis=1)
    inside = _sums(network.inside, blocks, n)
    named = np.concatenate(
        [near[levels].sum(axis=0), spread(around[:-1], spans, n), inside], axis=1
    )
    weights, bias = network.first
    measures = values.shape[1]  # apart, as they stand by columns
    hidden = values @ weights[:measures] + np.tanh(named) @ weights[measures:] + bias
    np.maximum(hidden, 0, out=hidden)
    size = hidden.shape[1]
    for place, (reach, (weights, bias)) in enumerate(
        zip(REACHES, network.convolutions, strict=True)
    ):
        # For all blocks what they give to those behind, themselves, and those before.
        given = hidden @ weights
        more = given[:, size : 2 * size] + bias
        more[reach:] += given[:-reach, :size]
        more[:-reach] += given[reach:, 2 * size :]
        hidden += np.maximum(more, 0, out=more)
        if place == GLOBAL_AFTER:
            whole = np.concatenate([hidden.mean(axis=0), hidden.max(axis=0)])
            hidden += np.tanh(whole @ network.page)
        if place == CORE_AFTER:
            hidden += _against_core(network, hidden)
    logits = np.clip((hidden @ network.last[0] + network.last[1])[:, 0], -30, 30)
    chances: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return chances


def _against_core(network: Network, hidden: Floats) -> Floats:
    """Return what is added to blocks for what they have in common with the core of the article.

    Args:
        network: what it has learned.
        hidden: shape (blocks, size).
    """
    belongs = (hidden @ network.core)[:, 0]
    shares = np.exp(belongs - belongs.max())
    core = shares @ hidden / shares.sum()
    own, of_core, of_both = np.split(network.alike, 3)
    # The product with the core goes into the weights: one matrix for all blocks of a page.
    weights = own + (core / (1 + np.abs(core)))[:, None] * of_both
    more: Floats = np.maximum(hidden @ weights + core @ of_core, 0)
    return more


def _sums(rows: Floats, tokens: Ints, count: int) -> Floats:
    """Return for each box or block the sum of the rows of its tokens, shape (count, width).

    Args:
        rows: of all tokens.
        tokens: by box or block, in their order.
        count: how many boxes or blocks.
    """
    sums = np.zeros((count, rows.shape[1]), np.float32)
    if len(tokens):
        places = tokens[:, 0]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        sums[places[starts]] = np.add.reduceat(rows[tokens[:, 1]], starts)
    return sums
