"""Look every locked package up among known vulnerabilities, with `pip-audit`: `make audit`.

Exit status: 0 all packages were looked up and none is known to be vulnerable; 1 some are; 2 the
database could not be reached, or did not know some package: then nothing is proven.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


def main() -> int:
    """Audit the given locks and print what was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("locks", nargs="*", type=Path, default=[ROOT / "requirements-dev.lock"])
    locks = [word for lock in options.parse_args().locks for word in ("-r", str(lock))]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", *locks]
        done = subprocess.run(
            [*command, "--progress-spinner=off", "--format=json", f"--output={report}"],
            capture_output=True,
            text=True,
        )
        found = json.loads(report.read_text()) if report.exists() else None
    status, lines = verdict(found, done.stderr)
    print("\n".join(lines))
    return status


def verdict(report: dict[str, Any] | None, said: str) -> tuple[int, list[str]]:
    """Return the exit status, and what to print.

    Args:
        report: of `pip-audit`, as JSON; None: it made none.
        said: what it wrote to its standard error.
    """
    if report is None:
        last = (said.strip().splitlines() or ["no reason given"])[-1]
        return UNKNOWN, [f"The database of vulnerabilities cannot be reached: {last}"]
    packages = report["dependencies"]
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    lines = [
        f"{p['name']} {p['version']}: {v['id']}"
        + (f", mended in {', '.join(v['fix_versions'])}" if v["fix_versions"] else "")
        for p in packages
        for v in p.get("vulns", [])
    ]
    if lines:
        lines.append(f"{len(packages)} packages, {len(lines)} known vulnerabilities")
    if skipped:  # `pip-audit` itself would call that clean
        some = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        lines.append(
            f"The database does not answer for {len(skipped)} of {len(packages)} packages: {some}. "
            "Of these nothing is known; is it reachable from here?"
        )
    if not packages:
        lines.append("The locks name no package")
    if any(p.get("vulns") for p in packages):
        return VULNERABLE, lines
    if skipped or not packages:
        return UNKNOWN, lines
    return CLEAN, [f"{len(packages)} packages, no known vulnerability"]


if __name__ == "__main__":
    sys.exit(main())
