"""Write .env from .env.example with new secrets; one that is there stays as it is."""

import base64
import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECRET = re.compile(r"^(\w+_(?:PASSWORD|KEY|SECRET))=$", re.MULTILINE)


def main(folder: Path = ROOT) -> int:
    """Write the file, for its owner alone, and say what there is to know."""
    target = folder / ".env"
    text = SECRET.sub(_filled, (folder / ".env.example").read_text("utf-8"))
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already and stays as it is", file=sys.stderr)
        return 1
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{target} is written; the password of Airflow's user admin is AIRFLOW_ADMIN_PASSWORD")
    return 0


def _filled(found: re.Match[str]) -> str:
    name = found[1]
    secret = secrets.token_hex(32)
    if "FERNET" in name:
        secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return f"{name}={secret}"


if __name__ == "__main__":
    sys.exit(main())
