"""A news archive that a person runs: the articles of each day, their bytes, and SQL over both."""

import os

# Allocators keep what was freed; libraries look here, when they are loaded, how long theirs may.
# Arrow's own keeps it for good, the system's does not: to read a day of 10,000 versions, some
# sources at a time, takes 20 MB so, and else 80.
os.putenv("ARROW_DEFAULT_MEMORY_POOL", "system")
# The Delta library's keeps it for ten seconds, in an arena for each of four times the cores: a day
# of 10,000 articles is published in 314 MB so, in 330 where it is kept for half a second, by as
# fast writing. (To give it back at once would cost a third of its speed.)
os.putenv("_RJEM_MALLOC_CONF", "dirty_decay_ms:50,muzzy_decay_ms:0,narenas:1")


def __getattr__(name: str) -> str:
    # Reading the package's metadata costs more than all of `newsarchive --help`: only when asked.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("newsarchive")
    except PackageNotFoundError:  # read from a checkout that is not installed
        return "0"
