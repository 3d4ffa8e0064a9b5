"""The rules of the house, kept by reading what every module imports."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "include" / "newsarchive"

# modules through which code reaches the network, the disk or the environment
OUTSIDE = {
    *("asyncio", "glob", "http", "io", "os", "pathlib", "requests", "shutil", "socket"),
    *("ssl", "subprocess", "tempfile", "urllib.request", "urllib3"),
}
# parts of the library that reach outside; only `steps` joins them
REACHING = {"discover", "fetch", "store"}
LIGHT = {"newsarchive.days", "newsarchive.settings", "newsarchive.pools"}
AIRFLOW = {"airflow.sdk", "airflow.timetables"}
# what DAGs share that knows of Airflow; the library does not know of it
SHARED = "newsarchive_airflow"


def imports(file: Path, *, top_only: bool = False) -> Iterator[str]:
    """Yield the modules that a file imports; `from a import b` counts as `a` and as `a.b`."""
    tree = ast.parse(file.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in tree.body if top_only else ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_of(module: str, family: str) -> bool:
    return module == family or module.startswith(f"{family}.")


def library(*parts: str) -> list[Path]:
    files = [
        file
        for part in parts or ("",)
        for file in sorted((LIBRARY / part).rglob("*.py"))
        if "__pycache__" not in file.parts
    ]
    assert files, f"nothing in {parts}"
    return files


def part_of(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", library(), ids=lambda f: str(f.relative_to(LIBRARY)))
def test_the_library_never_imports_airflow_or_plugins(file: Path) -> None:
    for module in imports(file):
        assert not is_of(module, "airflow"), module
        assert not is_of(module, SHARED), module
        assert not is_of(module, "plugins"), module
        assert not is_of(module, "newsarchive_plugin"), module


@pytest.mark.parametrize("file", library("parse", "text"), ids=lambda f: f.name)
def test_parsing_and_text_touch_nothing_outside(file: Path) -> None:
    for module in imports(file):
        reaching = {"newsarchive.objects", *(f"newsarchive.{part}" for part in REACHING)}
        for family in OUTSIDE | reaching:
            assert not is_of(module, family), f"{file.name} imports {module}"
    names = {n.id for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Name)}
    assert "open" not in names


@pytest.mark.parametrize("part", sorted(REACHING))
def test_only_steps_joins_what_reaches_outside(part: str) -> None:
    for file in library(part):
        for module in imports(file):
            for other in REACHING - {part}:
                assert not is_of(module, f"newsarchive.{other}"), f"{file.name} imports {module}"
            assert not is_of(module, "newsarchive.steps"), file.name


def test_one_module_knows_the_object_store() -> None:
    knowing = {
        part_of(file)
        for file in library()
        for module in imports(file)
        if is_of(module, "obstore") or is_of(module, "fsspec")
    }
    assert knowing == {"objects"}


def test_dag_files_import_little_at_the_top() -> None:
    files = sorted((ROOT / "dags").glob("*.py"))
    assert files
    for file in files:
        for module in set(imports(file, top_only=True)):
            fits = (
                module.split(".")[0] in sys.stdlib_module_names
                or any(is_of(module, family) for family in AIRFLOW | LIGHT)
                or module in ("newsarchive", SHARED, f"{SHARED}.alerts")
            )
            assert fits, f"{file.name} imports {module} at the top"


def test_what_dag_files_import_is_light() -> None:
    heavy = {"duckdb", "pyarrow", "deltalake", "requests", "lxml", "numpy", "psutil", "rich"}
    for name in LIGHT:
        file = LIBRARY / f"{name.split('.')[1]}.py"
        for module in imports(file, top_only=True):
            assert module.split(".")[0] not in heavy, f"{name} imports {module}"


def test_plugins_import_nothing_of_ours_at_the_top() -> None:
    files = sorted((ROOT / "plugins").glob("*.py"))
    assert len(files) == 1, "every file there runs in every process"
    for module in imports(files[0], top_only=True):
        assert module.split(".")[0] in sys.stdlib_module_names or is_of(module, "airflow"), module


def test_only_settings_reads_the_environment() -> None:
    # `local` hands its environment on to the programs that it starts
    for file in library():
        if part_of(file) in ("settings", "local"):
            continue
        text = file.read_text("utf-8")
        assert "os.environ" not in text and "getenv" not in text, file.name
