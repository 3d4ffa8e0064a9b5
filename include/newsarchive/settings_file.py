"""Changes to the settings file that leave every other line, and every comment, as it stands."""

import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from newsarchive.errors import SettingsError


def write_list(file: Path, name: str, values: Sequence[str]) -> None:
    """Set a setting that is a list; the file is made where there is none, and never half written.

    Args:
        file: the settings file.
        name: of the setting.
        values: what it is from now on; those that are in the file already keep their comments.

    Raises:
        SettingsError: the file cannot be read or written.
    """
    file = file.resolve()  # a link stays one
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        changed = _with_list(text, name, list(values))
        _replace(file, changed)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{file}: {reason}") from None


def _with_list(text: str, name: str, values: list[str]) -> str:
    document = tomlkit.parse(text)
    there = document.get(name)
    if isinstance(there, Array):
        _update(there, values)
    else:
        document[name] = values
    changed = tomlkit.dumps(document)
    if tomllib.loads(changed) != {**tomllib.loads(text), name: values}:
        raise TOMLKitError(f"{name} cannot be changed in place; write {name} = {values} yourself")
    return changed


def _update(array: Array, values: list[str]) -> None:
    kept = 0
    for value in list(array):
        if kept < len(values) and str(value) == values[kept]:
            kept += 1
        else:
            del array[kept]
    for value in values[kept:]:
        array.append(value)


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(text.encode())
        if file.exists():
            shutil.copymode(file, name)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
