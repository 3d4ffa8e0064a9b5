"""Text: folding, repair, language, identity. Pure functions."""
