"""Several workers make the same table of a new archive in an object store at once."""

import threading
from pathlib import Path

from object_store import BUCKET, serving

from newsarchive import settings, sums
from newsarchive.schema import CAPTURES
from newsarchive.store import tables


def test_every_entry_of_its_log_has_a_sum(tmp_path: Path) -> None:
    with serving(tmp_path):
        for n in range(12):  # chance decides whether two of them get through
            chosen = settings.load(archive=f"s3://{BUCKET}/{n}", state_dir=tmp_path / "state")
            root = chosen.archive_path
            together = threading.Barrier(3)

            def make(
                folder: object = root / "captures", all_: threading.Barrier = together
            ) -> None:
                all_.wait()
                tables._open_or_create(folder, CAPTURES)  # type: ignore[arg-type]

            threads = [threading.Thread(target=make) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            entries = {p.name for p in tables.listed(root / "captures" / "_delta_log", "*.json")}
            assert entries
            assert entries == {Path(path).name for path in sums.load(root).of}
