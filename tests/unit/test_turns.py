"""Machines that publish to one bucket take turns; held against a store in memory."""

import threading
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from newsarchive import objects
from newsarchive.objects import ObjectPath, bucket_path
from newsarchive.store import snapshot


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ObjectPath]:
    """The same archive, as two machines have it."""
    memory = MemoryStore()
    monkeypatch.setattr(objects, "_connected", lambda _: memory)
    return [bucket_path("s3://news/archive", tmp_path / name, 1.0) for name in ("one", "two")]


def test_one_machine_publishes_at_a_time(machines: list[ObjectPath]) -> None:
    one, two = machines
    told: list[str] = []

    def second() -> None:
        with snapshot.publishing(two):
            told.append("second")

    waiting = threading.Thread(target=second)
    with snapshot.publishing(one):
        waiting.start()
        waiting.join(0.5)
        told.append("first")
    waiting.join()
    assert told == ["first", "second"]
    assert not (one / snapshot.LOCK).exists()


def test_a_turn_that_this_machine_left_is_not_waited_for(
    machines: list[ObjectPath], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_TURN", 1e6)
    one, _ = machines
    with snapshot.publishing(one):
        left = (one / snapshot.LOCK).read_bytes()
    (one / snapshot.LOCK).write_bytes(left)  # as by a kill
    with snapshot.publishing(one):
        assert (one / snapshot.LOCK).read_bytes() != left
    assert not (one / snapshot.LOCK).exists()


def test_a_turn_that_does_not_end_is_not_waited_for_long(
    machines: list[ObjectPath], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_TURN", 0.5)
    one, two = machines
    with snapshot.publishing(one):
        with snapshot.publishing(two):
            took = (two / snapshot.LOCK).read_bytes()
            assert str(two.bucket.staging) in took.decode()
        assert not (one / snapshot.LOCK).exists()
        (two / snapshot.LOCK).write_bytes(took)
    assert (two / snapshot.LOCK).read_bytes() == took  # another's turn is not ended
