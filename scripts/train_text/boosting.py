"""Train the trees of newsarchive.parse.trees, with LightGBM; the weights of tokens with sklearn."""

import hashlib
from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import scipy.sparse
from examples import UNKNOWN, YES, Example
from sklearn.linear_model import SGDClassifier

from newsarchive.parse.features import known
from newsarchive.parse.trees import inputs, token_scores

PARTS = 3
"""Weights of tokens that a tree learns with come from the hosts of the other parts."""
TREES = 150
DEPTH = 6
OPTIONS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "max_depth": DEPTH,
    "min_data_in_leaf": 40,
    "lambda_l2": 1.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 127,
    "seed": 0,
    "deterministic": True,
    "verbose": -1,
}


def train_trees(examples: Sequence[Example], vocabulary: np.ndarray) -> dict[str, np.ndarray]:
    """Return what trees learn from examples, as arrays by the names of the fields of Trees.

    Args:
        examples: the pages.
        vocabulary: hashes of the tokens that are learned, ascending.
    """
    tokens = [
        (known(e.features.tokens.boxes, vocabulary), known(e.features.tokens.blocks, vocabulary))
        for e in examples
    ]
    wanted = np.concatenate([e.labels for e in examples])
    weights = np.concatenate([e.weights * e.importance for e in examples])
    labelled = wanted != UNKNOWN
    part = np.concatenate([np.full(len(e.labels), _part(e.host)) for e in examples])
    bags = _bags(examples, tokens, len(vocabulary))

    def words(rows: np.ndarray) -> np.ndarray:
        rule = SGDClassifier(
            loss="log_loss", alpha=3e-6, max_iter=10, tol=None, average=True, random_state=0
        )
        rule.fit(bags[rows], wanted[rows] == YES, sample_weight=weights[rows] / weights.mean())
        return rule.coef_[0].reshape(3, -1).astype(np.float32)

    without = [words(labelled & (part != n)) for n in range(PARTS)]
    seen = [
        inputs(e.features, token_scores(without[_part(e.host)], e.features, boxes, blocks))
        for e, (boxes, blocks) in zip(examples, tokens, strict=True)
    ]
    data = lightgbm.Dataset(
        np.concatenate(seen)[labelled],
        wanted[labelled] == YES,
        weight=weights[labelled] / weights.mean(),
    )
    grown = lightgbm.train(OPTIONS, data, TREES).dump_model()["tree_info"]
    columns = np.zeros((len(grown), 2**DEPTH - 1), np.int16)
    thresholds = np.full((len(grown), 2**DEPTH - 1), np.inf, np.float32)
    leaves = np.zeros((len(grown), 2**DEPTH), np.float32)
    for n, tree in enumerate(grown):
        _fill(tree["tree_structure"], 0, 0, columns[n], thresholds[n], leaves[n])
    return {
        "words": words(labelled).astype(np.float16),
        "columns": columns,
        "thresholds": thresholds,
        "leaves": leaves,
    }


def _part(host: str) -> int:
    return hashlib.sha256(f"part {host}".encode()).digest()[0] % PARTS


def _bags(
    examples: Sequence[Example], tokens: Sequence[tuple[np.ndarray, np.ndarray]], words: int
) -> scipy.sparse.csr_matrix:
    """One row a block: 1 for each token of the near boxes, of all boxes, and of its own."""
    columns: list[np.ndarray] = []
    for example, (boxes, blocks) in zip(examples, tokens, strict=True):
        n, count = len(example.labels), len(example.features.spans)
        of_box: list[list[int]] = [[] for _ in range(count + 1)]
        for box, token in boxes:
            of_box[box].append(int(token))
        around: list[set[int]] = [set() for _ in range(n)]
        for box, (first, end) in enumerate(example.features.spans):
            if of_box[box]:
                for block in range(first, end):
                    around[block].update(of_box[box])
        own: list[set[int]] = [set() for _ in range(n)]
        for block, token in blocks:
            own[block].add(int(token))
        levels = np.where(example.features.levels < 0, count, example.features.levels)
        for block in range(n):
            near = {t for level in levels[:, block] for t in of_box[level]}
            columns.append(
                np.array(
                    [
                        *near,
                        *(t + words for t in around[block]),
                        *(t + 2 * words for t in own[block]),
                    ],
                    np.int32,
                )
            )
    starts = np.concatenate([[0], np.cumsum([len(c) for c in columns])])
    flat = np.concatenate(columns)
    ones = np.ones(len(flat), np.float32)
    return scipy.sparse.csr_matrix((ones, flat, starts), shape=(len(columns), 3 * words))


def _fill(
    node: dict[str, Any],
    place: int,
    depth: int,
    columns: np.ndarray,
    thresholds: np.ndarray,
    leaves: np.ndarray,
) -> None:
    """Write a tree as a complete one: a leaf that comes early stands in all places below it."""
    if depth == DEPTH:
        leaves[place - (2**DEPTH - 1)] = node["leaf_value"]
    elif "leaf_value" in node:
        # The threshold stays infinite: always left.
        _fill(node, 2 * place + 1, depth + 1, columns, thresholds, leaves)
    else:
        columns[place] = node["split_feature"]
        # Rounded up, what LightGBM sends left by a hair goes left still.
        thresholds[place] = np.nextafter(np.float32(node["threshold"]), np.float32(np.inf))
        _fill(node["left_child"], 2 * place + 1, depth + 1, columns, thresholds, leaves)
        _fill(node["right_child"], 2 * place + 2, depth + 1, columns, thresholds, leaves)
