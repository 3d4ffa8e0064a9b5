"""Train the network of newsarchive.parse.network, in JAX."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from examples import UNKNOWN, YES, Example

from newsarchive.parse.features import Vocabulary
from newsarchive.parse.network import CORE_AFTER, GLOBAL_AFTER, REACHES, Scaling

Weights = dict[str, jax.Array]
Batch = dict[str, np.ndarray]

HIDDEN = 64
WIDTH = 8
"""Numbers that are learned for each token in each of its three roles."""
KNOTS = 32
FEW_VALUES = 8
LENGTHS = (96, 224, 512, 1024, 3072)
"""Pages are padded to one of these numbers of blocks; what is behind the last is not learned."""
BLOCKS_A_STEP = 2048
BOXES, BOX_TOKENS, BLOCK_TOKENS = 3, 8, 6
"""Boxes, their tokens and blocks' tokens that are learned from, each block of the padded length."""
EPOCHS = 6
RATE = 3e-3
DECAY = 0.1
DROPOUT = 0.2
KEPT_TOKENS = 0.5
"""How much of the vocabulary a page is learned with: no class name is to be relied upon alone."""
DICE = 0.5
"""Weight of the share of the text that is found, beside the error of single blocks."""


def vocabulary_of(examples: Sequence[Example], hosts: int) -> np.ndarray:
    """Return the hashes of the tokens that at least so many hosts have, ascending."""
    seen: dict[int, set[str]] = defaultdict(set)
    for example in examples:
        tokens = example.features.tokens
        for number in np.unique(np.concatenate([tokens.boxes[:, 1], tokens.blocks[:, 1]])):
            if len(seen[int(number)]) < hosts:
                seen[int(number)].add(example.host)
    return np.array(sorted(n for n, at in seen.items() if len(at) >= hosts), np.int32)


def scaling_of(examples: Sequence[Example]) -> Scaling:
    """Return how the measures of examples are scaled."""
    values = np.concatenate([e.features.values for e in examples])
    values = values[np.random.default_rng(0).permutation(len(values))[:100_000]]
    knots = np.zeros((values.shape[1], KNOTS), np.float32)
    counts = np.zeros(values.shape[1], np.int32)
    for column in range(values.shape[1]):
        if len(np.unique(values[:, column])) <= FEW_VALUES:
            knots[column, :2] = values[:, column].mean(), values[:, column].std() + 0.05
        else:
            found = np.unique(np.quantile(values[:, column], np.linspace(0, 1, KNOTS)))
            counts[column] = len(found)
            knots[column, : len(found)] = found
    return Scaling(knots, counts)


def prepare(example: Example, vocabulary: Vocabulary, words: int, scaling: Scaling) -> Batch:
    """Return a page as arrays of one of the padded lengths.

    Args:
        example: the page.
        vocabulary: of what is learned.
        words: how many rows it is padded to: the place of what is not known.
        scaling: of the measures.
    """
    features = example.features
    n = min(len(example.labels), LENGTHS[-1])
    length = next(size for size in LENGTHS if size >= n)
    boxes, missing = length * BOXES, words
    count = min(len(features.spans), boxes - 1)

    def placed(tokens: np.ndarray, limit: int, room: int, pad: int) -> np.ndarray:
        found = vocabulary.known(tokens[tokens[:, 0] < limit])[:room]
        padded = np.empty((room, 2), np.int32)
        padded[:, 0], padded[:, 1] = pad, missing
        padded[: len(found)] = found
        return padded

    def padded(values: np.ndarray) -> np.ndarray:
        full = np.zeros((length, *values.shape[1:]), np.float32)
        full[:n] = values[:n]
        return full

    levels = np.full((3, length), boxes - 1, np.int32)
    own = features.levels[:, :n]
    levels[:, :n] = np.where((own < 0) | (own >= count), boxes - 1, own)
    spans = np.zeros((boxes, 2), np.int32)
    spans[:count] = np.minimum(features.spans[:count], length - 1)
    return {
        "values": padded(scaling(features.values)),
        "wanted": padded((example.labels == YES).astype(np.float32)),
        "weights": padded(example.weights * (example.labels != UNKNOWN)),
        "there": padded(np.ones(n, np.float32)),
        "boxes": placed(features.tokens.boxes, count, length * BOX_TOKENS, boxes - 1),
        "blocks": placed(features.tokens.blocks, n, length * BLOCK_TOKENS, length - 1),
        "levels": levels,
        "spans": spans,
        "importance": np.float32(example.importance),
    }


def start(key: jax.Array, columns: int, words: int) -> Weights:
    """Return a network that has learned nothing."""
    keys = iter(jax.random.split(key, 14))

    def layer(rows: int, to: int, share: float) -> jax.Array:
        return jax.random.normal(next(keys), (rows, to)) * np.sqrt(2 / rows) * share

    weights: Weights = {
        "rows": jax.random.normal(next(keys), (words + 1, 3 * WIDTH)) * 0.01,
        "first": layer(columns + 3 * WIDTH, HIDDEN, 1.0),
        "first_bias": jnp.zeros(HIDDEN),
        "page": layer(2 * HIDDEN, HIDDEN, 0.3),
        "core": layer(HIDDEN, 1, 0.3),
        "alike": layer(3 * HIDDEN, HIDDEN, 0.3),
        "last": layer(HIDDEN, 1, 0.1),
        "last_bias": jnp.zeros(1),
    }
    for reach in REACHES:
        weights[f"reach{reach}"] = layer(3 * HIDDEN, HIDDEN, 0.5)
        weights[f"reach{reach}_bias"] = jnp.zeros(HIDDEN)
    return weights


def _logits(weights: Weights, page: Batch, key: jax.Array) -> jax.Array:
    """The same network as newsarchive.parse.network runs, with parts of it left out by chance."""
    keys = iter(jax.random.split(key, 8))
    n, boxes = page["values"].shape[0], page["spans"].shape[0]
    there = page["there"][:, None]

    def thinned(values: jax.Array, rate: float) -> jax.Array:
        kept = jax.random.bernoulli(next(keys), 1 - rate, values.shape)
        return jnp.where(kept, values / (1 - rate), 0)

    rows = weights["rows"].at[-1].set(0)
    kept = jax.random.bernoulli(next(keys), KEPT_TOKENS, (rows.shape[0], 1)) / KEPT_TOKENS
    near, around, inside = jnp.split(rows * kept, 3, axis=1)
    of_boxes = jax.ops.segment_sum(near[page["boxes"][:, 1]], page["boxes"][:, 0], boxes)
    spread = jax.ops.segment_sum(around[page["boxes"][:, 1]], page["boxes"][:, 0], boxes)
    own = jax.ops.segment_sum(inside[page["blocks"][:, 1]], page["blocks"][:, 0], n)
    change = jnp.zeros((n + 1, WIDTH))
    change = change.at[page["spans"][:, 0]].add(spread).at[page["spans"][:, 1]].add(-spread)
    hidden = jnp.concatenate(
        [
            page["values"],
            jnp.tanh(of_boxes[page["levels"]].sum(axis=0)),
            jnp.tanh(jnp.cumsum(change, axis=0)[:n]),
            jnp.tanh(own),
        ],
        axis=1,
    )
    hidden = thinned(hidden, DROPOUT / 2)
    hidden = jax.nn.relu(hidden @ weights["first"] + weights["first_bias"]) * there
    hidden = thinned(hidden, DROPOUT)
    for place, reach in enumerate(REACHES):
        before = jnp.pad(hidden, ((reach, 0), (0, 0)))[:n]
        behind = jnp.pad(hidden, ((0, reach), (0, 0)))[reach:]
        seen = jnp.concatenate([before, hidden, behind], axis=1)
        more = jax.nn.relu(seen @ weights[f"reach{reach}"] + weights[f"reach{reach}_bias"])
        hidden = (hidden + thinned(more, DROPOUT)) * there
        if place == GLOBAL_AFTER:
            mean = hidden.sum(axis=0) / jnp.maximum(there.sum(), 1)
            whole = jnp.concatenate([mean, hidden.max(axis=0)])
            hidden = (hidden + jnp.tanh(whole @ weights["page"])) * there
        if place == CORE_AFTER:
            belongs = jnp.where(page["there"] > 0, (hidden @ weights["core"])[:, 0], -jnp.inf)
            core = jax.nn.softmax(belongs) @ hidden
            both = hidden * (core / (1 + jnp.abs(core)))
            seen = jnp.concatenate([hidden, jnp.broadcast_to(core, hidden.shape), both], axis=1)
            hidden = (hidden + thinned(jax.nn.relu(seen @ weights["alike"]), DROPOUT)) * there
    return (hidden @ weights["last"] + weights["last_bias"])[:, 0]


def _loss(weights: Weights, page: Batch, key: jax.Array) -> jax.Array:
    logits = _logits(weights, page, key)
    share, wanted = page["weights"], page["wanted"]
    errors = (optax.sigmoid_binary_cross_entropy(logits, wanted) * share).sum()
    chosen = jax.nn.sigmoid(logits) * share
    text = (share * wanted).sum()
    found = 2 * (chosen * wanted).sum() / (chosen.sum() + text + 1e-6)
    whole = jnp.minimum(1, 3 * share.sum())  # pages of which only some blocks are labelled
    return page["importance"] * (errors + DICE * whole * jnp.where(text > 0, 1 - found, 0.0))


@jax.jit
def _gradient(weights: Weights, batch: Batch, key: jax.Array) -> tuple[jax.Array, Weights]:
    keys = jax.random.split(key, batch["importance"].shape[0])

    def mean(weights: Weights) -> jax.Array:
        return jax.vmap(lambda page, key: _loss(weights, page, key))(batch, keys).mean()

    return jax.value_and_grad(mean)(weights)


def train(
    pages: Sequence[Batch], words: int, seed: int, tell: Callable[[int, float], Any]
) -> dict[str, np.ndarray]:
    """Return the weights of a network that has learned from pages.

    Args:
        pages: as `prepare` makes them.
        words: size of the vocabulary.
        seed: of its start, and of the order of pages.
        tell: called with the number of each epoch and its mean loss.
    """
    random = np.random.default_rng(seed)
    weights = start(jax.random.PRNGKey(seed), pages[0]["values"].shape[1], words)
    by_length: dict[int, list[Batch]] = defaultdict(list)
    for page in pages:
        by_length[len(page["wanted"])].append(page)
    at_once = {length: max(1, min(16, BLOCKS_A_STEP // length)) for length in by_length}
    steps = EPOCHS * sum(-(-len(of) // at_once[length]) for length, of in by_length.items())
    rate = optax.warmup_cosine_decay_schedule(0, RATE, min(200, steps // 10), steps, RATE / 100)
    mask = jax.tree.map(lambda values: values.ndim > 1, weights)
    rule = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=DECAY, mask=mask)
    )
    state = rule.init(weights)

    @jax.jit
    def step(weights: Weights, state: Any, gradient: Weights) -> tuple[Weights, Any]:
        change, state = rule.update(gradient, state, weights)
        return optax.apply_updates(weights, change), state

    key = jax.random.PRNGKey(seed + 1)
    for epoch in range(EPOCHS):
        batches = []
        for length, of in by_length.items():
            order, size = random.permutation(len(of)), at_once[length]
            for at in range(0, len(of), size):
                some = [of[k] for k in order[at : at + size]]
                some += [of[random.integers(len(of))] for _ in range(size - len(some))]
                batches.append(some)
        random.shuffle(batches)
        total = 0.0
        for some in batches:
            key, now = jax.random.split(key)
            batch = {name: np.stack([page[name] for page in some]) for name in some[0]}
            loss, gradient = _gradient(weights, batch, now)
            weights, state = step(weights, state, gradient)
            total += float(loss)
        tell(epoch, total / len(batches))
    return {name: np.asarray(values) for name, values in weights.items()}
