"""The headline: which of the page's headings it is, and what of it is the site's name."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from newsarchive.text.folding import bare
from newsarchive.text.repair import tidy_line

_DIVIDER = re.compile(
    r"\s+[|\u2022\u00b7\u2013\u2014»«/:-]+\s+|\s*[|»\u2022]\s*|\s+::\s+|\s[-\u2013\u2014]|[-\u2013\u2014]\s"
    r"|(?<=[\u3040-\u9fff！？」』）])[-_\u2013\u2014\uff1a](?=[\w\u3040-\u9fff])"
)
# What newspapers put behind a bar to tell readers what kind of article it is.
_GENRE_WORDS = """
    opinion opinions editorial editorials commentary column columnist analysis
    op-ed letters viewpoint meinung kommentar leitartikel leserbriefe opinión
    columna análisis opinião editoriale opinione chronique tribune éditorial
    мнение колонка رأي الرأي مقال افتتاحية تحليل سرمقاله 社説 社论 评论
"""
_GENRES = frozenset(bare(word).replace(" ", "") for word in _GENRE_WORDS.split())
# A kicker ends in no colon, and in no word of the kind of "of" or "the".
_KICKER_END = re.compile(r"(?:[^\W\d_]{4,}|[A-Z]{2,3}|\bby|\d|[^\w\s:])$|[^\s:]\s[:|-]$")
_DASH = re.compile(r"\s+[|\u2013\u2014-]\s+")
CONFIDENCE = 0.71
"""Of 241 labelled pages whose chosen heading is none of the headlines that they state, it was the
true headline, to the word, on so many."""
_LEAST = 8
_LEAST_WORDS = 4
_LONGEST = 500
"""Characters; what is longer is no headline, and is not taken apart."""


def without_site_name(title: str, site_names: Iterable[str]) -> str:
    """Return a headline without the name of the site before or behind it, or a genre and a bar.

    Args:
        title: a headline, one line.
        site_names: what the site calls itself; a part of the title that is one of them goes, and
            nothing else.
    """
    names = {bare(n).replace(" ", "") for n in site_names if n} - {""}
    title = tidy_line(title)
    if len(title) > _LONGEST:
        return title
    for _ in range(3):
        dividers = list(_DIVIDER.finditer(title))
        for cut in dividers:
            head, tail = title[: cut.start()].strip(), title[cut.end() :].strip()
            if not head or not tail:
                continue
            parted = names | _GENRES if "|" in cut[0] else names
            if bare(tail).replace(" ", "") in parted:
                title = head
                break
            if bare(head).replace(" ", "") in parted:
                title = tail
                break
        else:
            return title
    return title


def best_title(
    headings: Sequence[tuple[str, int]],
    claims: Sequence[str],
    page_title: str | None,
    site_names: Iterable[str],
    stated: str | None = None,
) -> tuple[str, str] | None:
    """Return the headline of a page and its evidence: heuristic for a heading, meta for a claim.

    The heading that best matches what the page says of itself is what readers saw; search engines
    are often told another headline, so a page's only h1 counts where it shares a word with it.
    Where no heading matches, the claim itself is taken, without the site's name.

    Args:
        headings: text and level (1 to 6) of the page's headings, in page order.
        claims: what JSON-LD, Open Graph and the like say, best first.
        page_title: the `<title>`.
        site_names: what the site calls itself.
        stated: the headline in JSON-LD, which is not overruled by an h1 that is unlike it.
    """
    sites = list(site_names)
    claims = [c for c in claims if len(c) <= _LONGEST]
    wanted = [t for c in claims if (t := without_site_name(c, sites))]
    shown = tidy_line(page_title or "")
    shown = shown if len(shown) <= _LONGEST else ""
    if shown:
        wanted.append(without_site_name(shown, sites))
    likenesses = [_Likeness(w) for w in dict.fromkeys(map(bare, wanted))]
    names = {bare(n).replace(" ", "") for n in sites if n}
    only_h1 = sum(level == 1 and len(bare(h)) >= _LEAST for h, level in headings) == 1
    best: tuple[float, str] | None = None
    for place, (heading, level) in enumerate(headings[:60]):
        # A page's only h1 is its headline, even where search engines are told another.
        alone = level == 1 and only_h1
        bonus = 0.2 if alone else 0.06 if level == 1 else 0.02 if level == 2 else 0.0
        bonus -= 0.002 * min(place, 20)
        if best and 1.0 + bonus <= best[0]:
            continue
        text = tidy_line(heading)
        key = bare(text)
        if not key or len(text) > 350 or key.replace(" ", "") in names:
            continue
        likeness = 0.0
        for likeness_to in likenesses:
            least = max(likeness, best[0] - bonus if best else 0.0)
            likeness = max(likeness, likeness_to.of(key, least))
        if likeness < (0.45 if alone else 0.62):
            continue
        score = likeness + bonus
        if best is None or score > best[0]:
            best = score, text
    chosen: tuple[str, str] | None = None
    if best:
        heading = without_site_name(_without_kicker(best[1], wanted), sites)
        chosen = heading, "heuristic"
    else:
        for claim in wanted:
            if len(bare(claim)) >= 3 and bare(claim).replace(" ", "") not in names:
                text = _without_tail(claim) if claim == wanted[-1] and shown else claim
                chosen = text, "meta"
                break
    ones = [n for n, (h, level) in enumerate(headings) if level == 1 and len(bare(h)) >= _LEAST]
    if len(ones) != 1:
        return chosen
    h1 = tidy_line(headings[ones[0]][0])
    if chosen is None:
        return h1, "heuristic"
    own = without_site_name(h1, sites)
    unlike = bare(chosen[0]) not in bare(h1) and bare(chosen[0]) != bare(stated or "")
    # The page's own title names the site too, in words that may be all an h1 has of it.
    if unlike and _is_headline(own, wanted[:-1] if shown and len(wanted) > 1 else wanted, names):
        above = headings[: ones[0]]
        return chosen if _is_claimed(chosen[0], above, wanted) else (own, "heuristic")
    return chosen


def _is_headline(heading: str, wanted: Iterable[str], names: set[str]) -> bool:
    """Whether a page's only h1 can be its headline: four words, one of which the page says too."""
    words = bare(heading).split()
    if len(words) < 4 or len(heading) > 350 or "".join(words) in names:
        return False
    said = {w for text in wanted for w in bare(text).split()}
    return any(len(w) > 3 and w in said for w in words)


def _is_claimed(title: str, above: Iterable[tuple[str, int]], wanted: Iterable[str]) -> bool:
    """Whether a title of four words stands above the h1, and begins what the page says of itself.

    Then the h1 is one of the headings of the text.
    """
    key = bare(title)
    return (
        len(key.split()) >= 4
        and any(bare(h) == key for h, _ in above)
        and any(bare(w).startswith(key) for w in wanted)
    )


def _without_kicker(heading: str, wanted: Sequence[str]) -> str:
    """Return a heading without the kicker that what the page says of itself has not.

    What a colon joins is one headline: "The harvest: fewer dates than last year". Where the page
    says another kicker, of other words, than the heading has before its dash, both go.

    Args:
        heading: one line.
        wanted: what the page says of itself, without the site's name.
    """
    whole, words = bare(heading), heading.split()
    cut = _DASH.search(heading)
    kicker, rest = (bare(heading[: cut.start()]), bare(heading[cut.end() :])) if cut else ("", "")
    for text in (part for said in wanted for part in (said, _DASH.split(said)[0])):
        key = bare(text)
        if whole == key:
            continue
        if len(key.split()) >= _LEAST_WORDS and whole.endswith(key):
            ends = [k for k in range(1, len(words)) if bare(" ".join(words[k:])) == key]
            return text if ends and _KICKER_END.search(" ".join(words[: ends[0]])) else heading
        if cut and len(rest.split()) >= _LEAST_WORDS and key.endswith(rest):
            other = key[: -len(rest)].split()
            if other and not set(other) & set(kicker.split()):
                return heading[cut.end() :]
    return heading


class _Likeness:
    """How like one bare headline others are."""

    def __init__(self, headline: str) -> None:
        self._headline = headline
        self._matcher: SequenceMatcher[str] | None = None

    def of(self, other: str, least: float) -> float:
        """Return the likeness, 0 to 1; one inside the other counts by its length.

        Args:
            other: a bare headline.
            least: what is not above it may be given as 0: pages have many headings, and comparing
                letter by letter is slow.
        """
        mine = self._headline
        if not mine or not other:
            return 0.0
        if mine == other:
            return 1.0
        short, long = sorted((other, mine), key=len)
        if len(short) >= _LEAST and short in long:
            share = len(short) / len(long)
            return 0.72 + 0.26 * share if len(short.split()) > 2 else 0.5 + 0.4 * share
        if len(short) * 2 < len(long):
            return 0.0
        if self._matcher is None:
            self._matcher = SequenceMatcher(None, "", mine, autojunk=False)
        self._matcher.set_seq1(other)
        least = max(least, 0.6)
        if self._matcher.real_quick_ratio() <= least or self._matcher.quick_ratio() <= least:
            return 0.0
        return self._matcher.ratio()


def _without_tail(title: str) -> str:
    """Cut the last part of a `<title>` where it is much shorter than the rest: a site's name."""
    cuts = list(re.finditer(r"\s+[|\u2022\u00b7\u2013\u2014»-]+\s+", title))
    if cuts:
        head, tail = title[: cuts[-1].start()].strip(), title[cuts[-1].end() :].strip()
        if len(head.split()) >= 3 and len(tail.split()) <= 4 and len(tail) < 0.6 * len(head):
            return head
    return title
