"""Train what tells the text of an article from what is around it, and say how good it is.

    make train-text [ARGS="--check --folds 5"]

Needs ../shared with its labelled pages. Without options it trains on all of them and writes
include/newsarchive/parse/text_model.npz: numbers only, no word of any page. With --check it leaves
that file alone: pages are held back by host (or, with --leave-out, all pages of a set are), and the
F1 of the text on pages that were not learned from is printed by set and threshold.
"""

import argparse
import collections
import os
import pickle
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The matrices are small: threads of one cost more than they give.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
from examples import Example, fold_of, read_examples, yardstick
from network import WIDTH, prepare, scaling_of, train, vocabulary_of

from newsarchive.parse.features import Vocabulary
from newsarchive.parse.learned import MODEL, model_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "train-text"
HOSTS = 8
"""Hosts that must have a token before it is learned."""
ROUND_WORDS = 4096
"""The vocabulary is padded to a multiple: what JAX has compiled serves again."""
THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
TEXT_SETS = ("daniel", "fundus", "news424", "scrapinghub", "wcxb-article")


def say(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)


def known_examples(shared: Path, anew: bool) -> list[Example]:
    """Return the examples; measuring the pages takes minutes, so they are kept."""
    kept = CACHE / "examples.pickle"
    if kept.exists() and not anew:
        return list(pickle.loads(kept.read_bytes()))  # noqa: S301 - our own file
    begin, found = time.monotonic(), []
    for example in read_examples(shared):
        found.append(example)
        if len(found) % 200 == 0:
            say(f"measured {len(found)} pages, {time.monotonic() - begin:.0f} s")
    CACHE.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(pickle.dumps(found))
    return found


def trained(examples: Sequence[Example], seed: int) -> dict[str, np.ndarray]:
    """Return what a network learns from examples, as arrays to be stored."""
    vocabulary = vocabulary_of(examples, HOSTS)
    scaling = scaling_of(examples)
    words = -(-len(vocabulary) // ROUND_WORDS) * ROUND_WORDS
    known = Vocabulary(vocabulary.astype(np.int32))
    pages = [prepare(e, known, words, scaling) for e in examples]
    begin = time.monotonic()
    weights = train(pages, words, seed, lambda *_: None)
    say(f"trained in {time.monotonic() - begin:.0f} s")
    rows = weights.pop("rows")
    rows = np.concatenate([rows[: len(vocabulary)], np.zeros((1, 3 * WIDTH), np.float32)])
    scale = np.maximum(np.abs(rows).max(axis=0, keepdims=True) / 127, 1e-9)
    return {
        "vocabulary": vocabulary,
        "knots": scaling.knots.astype(np.float32),
        "knot_counts": scaling.counts,
        "rows": np.round(rows / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        **{name: value.astype(np.float16) for name, value in weights.items()},
    }


def check(examples: Sequence[Example], shared: Path, chances: dict[str, np.ndarray]) -> None:
    """Print the F1 of the text by set and threshold, as the yardstick has it."""
    scored = yardstick(shared)
    for threshold in THRESHOLDS:
        rows = collections.defaultdict(list)
        for e in examples:
            if e.name in chances:
                text = "\n".join(np.array(e.texts, object)[chances[e.name] >= threshold])
                rows[e.dataset].append(scored.score_page(e.label, {"text": text}))
        f1 = {s: scored.body_f1(rows[s])[2] for s in TEXT_SETS if rows[s]}
        if rows["trafilatura"]:
            f1["segments"] = scored.summary(rows["trafilatura"], boot=2)["chunk_f1"]
        mean = statistics.fmean(f1[s] for s in f1 if s != "segments")
        shown = "  ".join(f"{name} {value:.4f}" for name, value in f1.items())
        print(f"threshold {threshold:.2f}  {shown}  mean of text sets {mean:.4f}", flush=True)


def main() -> None:
    """Train, or check by pages held back."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--seed", type=int, default=0, help="of the start of the network")
    parser.add_argument("--check", action="store_true", help="hold pages back and score them")
    parser.add_argument("--folds", type=int, default=5, help="parts, by host, of --check")
    parser.add_argument("--only", type=int, help="check this fold alone")
    parser.add_argument("--leave-out", help="--check on this set, learned from the others alone")
    parser.add_argument("--keep", type=Path, help="where the chances of --check are kept")
    parser.add_argument("--anew", action="store_true", help="measure the pages again")
    args = parser.parse_args()
    examples = known_examples(args.shared, args.anew)
    if not args.check:
        stored = trained(examples, args.seed)
        target = ROOT / "include" / "newsarchive" / "parse" / MODEL
        with target.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **stored)
        say(f"{target}: {target.stat().st_size / 1e6:.2f} MB")
        return
    chances: dict[str, np.ndarray] = {}
    for fold in range(args.folds) if args.only is None else [args.only]:
        held = {
            e.name
            for e in examples
            if (
                e.dataset == args.leave_out
                if args.leave_out
                else fold_of(e.host, args.folds) == fold
            )
        }
        hosts = {e.host for e in examples if e.name in held}
        stored = trained([e for e in examples if e.host not in hosts], args.seed)
        model = model_of(stored)
        np.savez_compressed(CACHE / f"fold-{args.leave_out or fold}.npz", **stored)
        chances |= {e.name: model.probabilities(e.features) for e in examples if e.name in held}
        check(examples, args.shared, chances)
        if args.keep:
            args.keep.write_bytes(pickle.dumps(chances))
        if args.leave_out:
            break


if __name__ == "__main__":
    main()
