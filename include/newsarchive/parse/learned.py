"""What was learned of labelled pages: which blocks are the text of the article.

`scripts/train_text` makes the file of numbers that is read here. Networks (as shipped one) and
boosted trees answer, and the mean of their log odds counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import IO

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from newsarchive.parse.features import Features, Floats, Ints, known
from newsarchive.parse.network import REACHES, Network, Scaling, answer
from newsarchive.parse.trees import Trees

MODEL = "text_model.npz"
_SURE = 1e-4
"""No answer of the networks counts as surer than this."""
_WORTH_ASKING = 0.02
"""Of blocks that the networks find less likely, two of three, the trees are not asked."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned."""

    vocabulary: Ints
    """Hashes of known names and words, ascending."""
    scaling: Scaling
    networks: tuple[Network, ...]
    trees: Trees

    def probabilities(self, features: Features) -> Floats:
        """Return for each block how likely it is text of the article, 0 to 1."""
        values = self.scaling(features.values)
        boxes = known(features.tokens.boxes, self.vocabulary)
        blocks = known(features.tokens.blocks, self.vocabulary)
        answers = [
            answer(network, values, boxes, blocks, features.levels, features.spans)
            for network in self.networks
        ]
        mean = np.clip(np.mean(answers, axis=0), _SURE, 1 - _SURE)
        odds = np.log(mean / (1 - mean))
        asked = np.flatnonzero(mean >= _WORTH_ASKING)
        odds[asked] = (odds[asked] + self.trees.log_odds(features, boxes, blocks, asked)) / 2
        chances: Floats = (1 / (1 + np.exp(-odds))).astype(np.float32)
        return chances


@cache
def load_model() -> Model:
    """Return what was learned, read once a process.

    A page's matrices are small, and pages are parsed in as many processes as there are cores: from
    here on NumPy's own threads, which cost more than they give, are off.
    """
    threadpool_limits(1, user_api="blas")
    with files(__package__).joinpath(MODEL).open("rb") as file:
        return read_model(file)


def read_model(file: IO[bytes]) -> Model:
    """Return the model in an open file."""
    with np.load(file, allow_pickle=False) as stored:
        return model_of({name: stored[name] for name in stored.files})


def model_of(stored: Mapping[str, NDArray[np.generic]]) -> Model:
    """Return the model that stored arrays hold.

    Args:
        stored: by name; rows of tokens are bytes with a scale for each column, other weights of
            networks half floats.
    """

    def floats(name: str) -> Floats:
        return np.asarray(stored[name], np.float32)

    networks = []
    for n in range(int(stored["networks"][()])):
        rows = floats(f"{n}.rows") * floats(f"{n}.scale")
        near, around, inside = (np.ascontiguousarray(r) for r in np.split(rows, 3, axis=1))
        networks.append(
            Network(
                near,
                around,
                inside,
                (floats(f"{n}.first"), floats(f"{n}.first_bias")),
                tuple(
                    (floats(f"{n}.reach{reach}"), floats(f"{n}.reach{reach}_bias"))
                    for reach in REACHES
                ),
                floats(f"{n}.page"),
                (floats(f"{n}.last"), floats(f"{n}.last_bias")),
            )
        )
    return Model(
        np.asarray(stored["vocabulary"], np.int32),
        Scaling(floats("knots"), np.asarray(stored["knot_counts"], np.int32)),
        tuple(networks),
        Trees(
            floats("trees.words"),
            np.asarray(stored["trees.columns"], np.intp),
            floats("trees.thresholds"),
            floats("trees.leaves"),
        ),
    )
