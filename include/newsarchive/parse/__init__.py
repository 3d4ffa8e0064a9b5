"""From bytes to articles: pure functions, no network, disk or environment."""

from importlib.metadata import version

PARSER_VERSION = f"2+trafilatura-{version('trafilatura')}"
"""Our own number, raised when pages may parse differently, and the body extractor's version."""
