"""Fields of labelled real pages beside other extractors: quality by set, and speed.

    make bench-text [ARGS="--peers trafilatura,newspaper4k --no-speed"]

Needs ../shared with its labelled pages and its yardstick. No page is answered by a network that
has learned from a page of its host: for each part of the hosts there is one trained on the
others (.cache/train-text, made where they are missing, some minutes each). A part is a fifth of the
hosts or a labelled set, whose pages are then answered by what has learned from the other sets
alone: --parts daniel,fundus,news424,scrapinghub,wcxb-article. Speed is that of `newsarchive
extract` with the network that is shipped.
"""

import argparse
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "train_text"))

from benchmarks import peers  # noqa: E402
from examples import fold_of, host_of, labelled_pages, yardstick  # noqa: E402

from newsarchive.cli.extract import fields_of  # noqa: E402
from newsarchive.parse import shown  # noqa: E402
from newsarchive.parse.learned import read_model  # noqa: E402

OUT = ROOT / ".cache" / "bench-text"
MODELS = ROOT / ".cache" / "train-text"
FOLDS = 5


def is_held(page: dict[str, Any], part: str) -> bool:
    """Tell whether a page is of a part: the number of a fifth of the hosts, or a set's name."""
    if part.isdigit():
        return fold_of(host_of(page), FOLDS) == int(part)
    return bool(page["set"] == part)


def model_of_part(part: str, shared: Path) -> Path:
    """Return the network that has learned nothing of a part's hosts; train it if missing."""
    path = MODELS / f"fold-{part}.npz"
    if not path.exists():
        options = ["--check", "--only" if part.isdigit() else "--leave-out", part]
        arguments = " ".join([*options, "--shared", str(shared)])
        subprocess.run(["make", "-C", str(ROOT), "train-text", f"ARGS={arguments}"], check=True)
    return path


def answer_held_back(shared: Path, parts: list[str], out: Path) -> None:
    """Write our answers to labelled pages, each by what has learned nothing of its host."""
    pages = list(labelled_pages(shared))
    answers: list[dict[str, Any]] = []
    for part in parts:
        with model_of_part(part, shared).open("rb") as file:
            model = read_model(file)
        shown.load_model = lambda model=model: model  # type: ignore[misc]
        held = [p for p in pages if is_held(p, part)]
        for n, page in enumerate(held):
            answers.append({"id": page["id"], **fields_of(page["url"], page["html"])})
            if n % 100 == 99 or n == len(held) - 1:
                print(f"part {part}: {n + 1} of {len(held)}", file=sys.stderr)
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(a, ensure_ascii=False) + "\n" for a in answers)
    out.write_text("".join(lines), "utf-8", "replace")


def main() -> None:
    """Measure quality and speed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--peers", default="trafilatura", help="names the yardstick knows")
    parser.add_argument(
        "--parts", default="0,1,2,3,4", help="fifths of the hosts, or sets, commas between"
    )
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--no-quality", action="store_true")
    parser.add_argument("--anew", action="store_true", help="forget answers of earlier runs")
    args = parser.parse_args()
    scored = yardstick(args.shared)
    if args.anew:
        shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "answers").mkdir(parents=True, exist_ok=True)
    parts = args.parts.split(",")
    everything = OUT / "pages.jsonl.gz"
    with gzip.open(everything, "wt", encoding="utf-8", compresslevel=1) as joined:
        for page in labelled_pages(args.shared):
            if any(is_held(page, part) for part in parts):
                joined.write(json.dumps(page) + "\n")
    peers.install()
    base = [sys.executable, scored.__file__]
    pythons = [f"--python={peer}={peers.PYTHON}" for peer in args.peers.split(",") if peer]
    theirs = ["--peers", args.peers, *pythons]
    common = ["--pages", str(everything), "--out", str(OUT), "--split", "all"]
    if not args.no_quality:
        answer_held_back(args.shared, parts, OUT / "answers" / "project.jsonl")
        subprocess.run([*base, "run", *common, "--resume", "--no-score", *theirs], check=True)
        subprocess.run([*base, "score", *common], check=True)
    if not args.no_speed:
        ours = str(Path(sys.executable).with_name("newsarchive")) + " extract"
        command = [*base, "speed", *common, *theirs, "--project-cmd", ours]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
