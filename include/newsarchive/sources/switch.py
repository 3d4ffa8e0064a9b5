"""Which sources are on: the patterns of the setting `sources`, after a change."""

from collections.abc import Iterable, Mapping, Sequence

from newsarchive.sources.load import Source


def enabled(
    patterns: Sequence[str], wanted: Iterable[str], sources: Mapping[str, Source]
) -> list[str]:
    """Return the patterns under which the wanted sources are on too.

    Args:
        patterns: those of the setting.
        wanted: names, patterns, language/pattern or tags.
        sources: every declared source, by name.
    """
    return _switched(patterns, wanted, sources, on=True)


def disabled(
    patterns: Sequence[str], unwanted: Iterable[str], sources: Mapping[str, Source]
) -> list[str]:
    """Return the patterns under which the unwanted sources are off, the others as they were.

    A source that another pattern still names is taken out with `!`.

    Args:
        patterns: those of the setting.
        unwanted: names, patterns, language/pattern or tags.
        sources: every declared source, by name.
    """
    return _switched(patterns, unwanted, sources, on=False)


def _switched(
    patterns: Sequence[str], which: Iterable[str], sources: Mapping[str, Source], *, on: bool
) -> list[str]:
    after = list(patterns)
    for pattern in which:
        says, denies = (pattern, f"!{pattern}") if on else (f"!{pattern}", pattern)
        after = [p for p in after if p != denies]
        meant = [s for s in sources.values() if s.matches([pattern])]
        if any(s.matches(after) is not on for s in meant):
            after = [*(p for p in after if p != says), says]
        elif on and not meant and says not in after:
            after.append(says)  # of a source that is declared later
    return _without_idle(after, sources)


def _without_idle(patterns: list[str], sources: Mapping[str, Source]) -> list[str]:
    """Return the patterns but for those with `!` that take out nothing any more."""
    for pattern in [p for p in patterns if p.startswith("!")]:
        rest = [p for p in patterns if p != pattern]
        meant = [s for s in sources.values() if s.matches([pattern.removeprefix("!")])]
        if meant and all(s.matches(rest) == s.matches(patterns) for s in meant):
            patterns = rest
    return patterns
