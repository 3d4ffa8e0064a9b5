"""A news archive that a person runs: fetch the articles of each day, keep the bytes, query them with SQL."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("newsarchive")
except PackageNotFoundError:  # read from a checkout that is not installed
    __version__ = "0"
