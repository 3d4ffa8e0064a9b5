"""A news archive that a person runs: the articles of each day, their bytes, and SQL over both."""

import os

# Arrow's own allocator keeps what was freed, the system's gives it back; Arrow looks when it is
# loaded. To read a day of 10,000 versions, some sources at a time, takes 20 MB so, and else 80.
os.putenv("ARROW_DEFAULT_MEMORY_POOL", "system")


def __getattr__(name: str) -> str:
    # Reading the package's metadata costs more than all of `newsarchive --help`: only when asked.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("newsarchive")
    except PackageNotFoundError:  # read from a checkout that is not installed
        return "0"
