"""Sources: one TOML file each, and their loading."""

from newsarchive.sources.load import Listing, Politeness, Rule, Source, load_file, load_sources

__all__ = ["Listing", "Politeness", "Rule", "Source", "load_file", "load_sources"]
