"""What others made, in an environment of its own: what we compare with."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks import measure

LIST = Path(__file__).with_name("peers.txt")
PYTHON = measure.CACHE / "peers" / "bin" / "python"
"""The interpreter that has them."""


def install() -> None:
    """Install the peers, once for each list of them."""
    wanted = hashlib.sha256(LIST.read_bytes()).hexdigest()
    folder = measure.CACHE / "peers"
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("installing the peers ...", flush=True)
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "-q", "-p", str(PYTHON), "-r", str(LIST)], check=True)
    stamp.write_text(wanted)
