"""From bytes to articles: pure functions, no network, disk or environment."""

PARSER_VERSION = "8"
"""Raised when pages may parse differently, also by other trained numbers."""
