"""A news archive that a person runs: the articles of each day, their bytes, and SQL over both."""


def __getattr__(name: str) -> str:
    # Reading the package's metadata costs more than all of `newsarchive --help`: only when asked.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("newsarchive")
    except PackageNotFoundError:  # read from a checkout that is not installed
        return "0"
