"""How much two texts have in common, in any language."""

from newsarchive.text.folding import bare

_PIECE = 6  # letters; as long as a word, so that other texts of the language share few


def likeness(one: str, other: str) -> float:
    """Return the share of pieces that two texts have in common among all their pieces, 0 to 1.

    Pieces are all runs of six letters, spelling and punctuation aside. Two articles of one
    newspaper share about a tenth; one article before and after a correction nearly all.

    Args:
        one: a text; one without letters is like none.
        other: another.
    """
    mine, others = _pieces(one), _pieces(other)
    return len(mine & others) / len(mine | others) if mine and others else 0.0


def _pieces(text: str) -> set[str]:
    letters = bare(text).replace(" ", "")
    return {letters[n : n + _PIECE] for n in range(max(1, len(letters) - _PIECE + 1))} - {""}
