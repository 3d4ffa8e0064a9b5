"""What was learned of labelled pages: which blocks are the text of the article.

`scripts/train_text` makes the file of numbers that is read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import IO

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from newsarchive.parse.features import Features, Floats, Vocabulary
from newsarchive.parse.network import REACHES, Network, Scaling, answer

MODEL = "text_model.npz"


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned."""

    vocabulary: Vocabulary
    scaling: Scaling
    network: Network

    def probabilities(self, features: Features) -> Floats:
        """Return for each block how likely it is text of the article, 0 to 1."""
        return answer(
            self.network,
            self.scaling(features.values),
            self.vocabulary.known(features.tokens.boxes),
            self.vocabulary.known(features.tokens.blocks),
            features.levels,
            features.spans,
        )


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
        stored: by name; rows of tokens are bytes with a scale for each column, other weights half
            floats.
    """

    def floats(name: str) -> Floats:
        return np.asarray(stored[name], np.float32)

    rows = floats("rows") * floats("scale")
    width = rows.shape[1] // 3
    network = Network(
        np.ascontiguousarray(rows[:, : 2 * width]),
        np.ascontiguousarray(rows[:, 2 * width :]),
        (floats("first"), floats("first_bias")),
        tuple(
            (np.hstack(np.split(floats(f"reach{reach}"), 3)), floats(f"reach{reach}_bias"))
            for reach in REACHES
        ),
        floats("page"),
        floats("core"),
        floats("alike"),
        (floats("last"), floats("last_bias")),
    )
    return Model(
        Vocabulary(np.asarray(stored["vocabulary"], np.int32)),
        Scaling(floats("knots"), np.asarray(stored["knot_counts"], np.int32)),
        network,
    )
