"""Articles as the golden files hold them: JSON with every field that is not empty."""

import json
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from newsarchive.model import Found, Refused


def as_json(result: list[Found] | Refused) -> Any:
    """Return what a parser gave as plain JSON values; texts as lists of paragraphs."""
    if isinstance(result, Refused):
        return {"refused": result.reason}
    rows = []
    for found in result:
        row = {}
        for f in fields(found):
            value = getattr(found, f.name)
            if f.name == "text":
                value = value.split("\n\n")
            if isinstance(value, date | datetime):
                value = value.isoformat()
            if value not in (None, [], {}) and f.name not in ("part", "confidence"):
                row[f.name] = value
        rows.append(row)
    return rows


def expected(file: Path) -> Any:
    """Return what must be found in a golden file: the JSON beside it."""
    return json.loads(file.with_suffix(".json").read_text("utf-8"))
