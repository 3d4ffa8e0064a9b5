"""What an audit of the packages says: a database that does not answer is never taken for clean."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

spec = importlib.util.spec_from_file_location(
    "audit", Path(__file__).parents[2] / "scripts" / "audit.py"
)
assert spec and spec.loader
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

FINE = {"name": "fine", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNANSWERED = {"name": "new", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "status", "words"),
    [
        ([FINE], 0, "1 packages, no known vulnerability"),
        ([FINE, BAD], 1, "bad 2: PYSEC-1, mended in 3"),
        ([FINE, UNANSWERED], 2, "does not answer for 1 of 2 packages: new"),
        ([BAD, UNANSWERED], 1, "does not answer for 1 of 2 packages: new"),
        ([], 2, "The locks name no package"),
    ],
)
def test_verdict(packages: list[dict[str, Any]], status: int, words: str) -> None:
    found, lines = audit.verdict({"dependencies": packages}, "")
    assert found == status
    assert words in "\n".join(lines)


def test_no_report_is_no_clean_one() -> None:
    status, lines = audit.verdict(None, "WARNING: x\nConnectionError: no route\n")
    assert (status, lines) == (
        2,
        ["The database of vulnerabilities cannot be reached: ConnectionError: no route"],
    )
