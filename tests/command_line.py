"""The program `newsarchive`, run inside the test's process or as one of its own."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from newsarchive.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Program:
    """Run commands in a folder of their own, away from the user's settings."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def __call__(self, *words: object, stdin: bytes | None = None) -> Ran:
        self.capsys.readouterr()
        if stdin is not None:
            self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main([str(w) for w in words])
        out, err = self.capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    def process(self, *words: object, stdin: int | None = None) -> subprocess.Popen[str]:
        """Start the program as a process of its own, in the folder."""
        return self.python("-m", "newsarchive.cli", *words, stdin=stdin)

    def python(self, *words: object, stdin: int | None = None) -> subprocess.Popen[str]:
        source = Path(__file__).parents[1] / "include"
        path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, *(str(w) for w in words)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_process(self, *words: object) -> Ran:
        with self.process(*words) as process:
            out, err = process.communicate(timeout=60)
            return Ran(process.returncode, out, err)


def program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Program:
    for name in list(os.environ):
        if name.upper().startswith("NEWSARCHIVE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSARCHIVE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    return Program(tmp_path, capsys, monkeypatch)
