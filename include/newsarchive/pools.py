"""The pools of Airflow that our DAGs name; a task whose pool is missing never runs."""

import json

from newsarchive.settings import MOST_SHARDS, shards

PARSE = "parse"


def hosts(shard: int) -> str:
    """Return the pool of a shard's hosts: one slot, so that no host is asked by two tasks."""
    return f"hosts_{shard}"


def pools() -> dict[str, int]:
    """Return the slots of every pool by name."""
    # As many as there may be once more sources are switched on: pools are made at start only.
    most = max(shards(), MOST_SHARDS)
    # parsing uses every core inside one task; a second fills the time that the first waits
    return {PARSE: 2, **{hosts(shard): 1 for shard in range(most)}}


if __name__ == "__main__":  # what `airflow pools import` reads
    print(
        json.dumps(
            {
                name: {"slots": n, "description": "", "include_deferred": False}
                for name, n in pools().items()
            }
        )
    )
