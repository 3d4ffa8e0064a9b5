"""Paths in a bucket do as paths in a folder do; held against a store in memory."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

from newsarchive import objects
from newsarchive.errors import ArchiveError
from newsarchive.objects import Changed, Folder, ObjectPath, bucket_path

LARGE = bytes(range(256)) * 40_000  # more than two pieces


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectPath:
    memory = MemoryStore()
    monkeypatch.setattr(objects, "_connected", lambda _: memory)
    return bucket_path("s3://news/some/place/", tmp_path, 1.0)


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, bucket: ObjectPath, tmp_path: Path) -> Folder:
    return bucket if request.param == "bucket" else tmp_path


def fill(root: Folder) -> None:
    for name in ("raw/run_day=1/a.warc.gz", "raw/run_day=2/b.warc.gz", "sums/x.sha256"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        objects.write_whole(path, name.encode())


def test_what_is_there(root: Folder) -> None:
    fill(root)
    assert [p.name for p in objects.listed(root)] == ["raw", "sums"]
    assert [p.name for p in objects.listed(root / "raw", "run_day=*")] == ["run_day=1", "run_day=2"]
    found = sorted(objects.below(p, root) for p in objects.tree(root, "*.warc.gz"))
    assert found == ["raw/run_day=1/a.warc.gz", "raw/run_day=2/b.warc.gz"]
    assert (root / "raw").exists() and (root / "raw").is_dir() and not (root / "raw").is_file()
    assert not (root / "ra").exists()
    file = root / "sums" / "x.sha256"
    assert file.exists() and file.is_file() and not file.is_dir()
    assert (file.name, file.suffix, file.parent) == ("x.sha256", ".sha256", root / "sums")
    assert file.stat().st_size == len("sums/x.sha256") and file.read_text() == "sums/x.sha256"
    file.unlink()
    file.unlink(missing_ok=True)
    assert not file.exists()


def test_bytes_of_a_large_file(root: Folder) -> None:
    objects.write_whole(root / "large", LARGE)
    with (root / "large").open("rb") as file:
        assert file.read() == LARGE
        for at in (0, 5, (4 << 20) - 3, len(LARGE) - 7, len(LARGE), len(LARGE) + 9):
            file.seek(at)
            assert file.read(10) == LARGE[at : at + 10]
        assert file.seek(-4, 2) == len(LARGE) - 4 and file.read() == LARGE[-4:]
    with objects.source(root / "large") as given:
        assert (given.read_bytes() if isinstance(given, Path) else given.read()) == LARGE


def test_a_file_that_is_not_there(root: Folder) -> None:
    tries: list[Callable[[Folder], Any]] = [
        lambda p: p.open("rb"),
        lambda p: p.read_bytes(),
        lambda p: p.stat(),
    ]
    for look in tries:
        with pytest.raises(FileNotFoundError) as raised:
            look(root / "nothing")
        assert str(raised.value.filename) == str(root / "nothing") and raised.value.strerror


def test_copies_and_moves_both_ways(bucket: ObjectPath, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(LARGE)
    objects.move(made, bucket / "there")
    assert not made.exists() and (bucket / "there").read_bytes() == LARGE
    objects.copy(bucket / "there", made)
    assert made.read_bytes() == LARGE
    assert (bucket / "there").read_range(256, 3) == b"\0\1\2"
    assert (bucket / "there").read_range(len(LARGE) - 1, 9) == b"\xff"
    assert (bucket / "there").read_range(len(LARGE), 9) == b""


def test_a_put_on_a_condition(bucket: ObjectPath) -> None:
    path = bucket / "archive.duckdb"
    assert objects.etag(path) is None
    first = objects.put_if(path, b"1", None)
    for before in (None, "another"):
        with pytest.raises(Changed, match="another writer was first"):
            objects.put_if(path, b"2", before)
    assert objects.etag(path) == first
    assert objects.put_if(path, b"2", first) == objects.etag(path) != first
    assert path.read_bytes() == b"2"


def test_names(bucket: ObjectPath, tmp_path: Path) -> None:
    assert str(bucket / "raw" / "a") == "s3://news/some/place/raw/a"
    whole = bucket_path("s3://news", tmp_path, 1.0)
    assert (str(whole), str(whole / "a")) == ("s3://news", "s3://news/a")
    assert objects.below(whole / "a" / "b", whole) == "a/b"
    assert objects.staging(bucket) == tmp_path / "staging" / "news+some+place"
    assert objects.staging(tmp_path) == tmp_path
    assert pickle.loads(pickle.dumps(bucket / "a")) == bucket / "a" != bucket / "b"
    with pytest.raises(ArchiveError, match=r"^s3://news/some/place: X is not there for an archive"):
        objects.on_disk(bucket, "X")
    assert objects.on_disk(tmp_path, "X") == tmp_path
    with pytest.raises(ValueError, match="written whole"):
        (bucket / "a").open("wb")


@pytest.mark.parametrize(
    "url", ["s3://", "s3://B/x", "s3://news/a b", "s3://news/a*", "s3://news/../a", "gs://a"]
)
def test_urls_that_name_no_archive(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        bucket_path(url, tmp_path, 1.0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("error sending request\n\nDebug source:\n kind: Timeout, TimedOut", "in time"),
        ("error sending request\n\nDebug source:\n kind: Connect", "does not answer (is"),
        ("\x1b[31m↳\x1b[0m tcp connect", "does not answer (is"),
        ("status 403 Forbidden: AWSAccessKeyId", "refuses these keys"),
        ("NoSuchBucket", "no such bucket"),
        ("500\n  Internal\n\nDebug source:\n long", "failed: 500 Internal"),
    ],
)
def test_errors_are_one_line(said: str, words: str) -> None:
    told = objects.words_of(GenericError(said))
    assert words in told and "\n" not in told and "Debug" not in told
