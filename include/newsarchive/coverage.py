"""What is known of a source on a day, as one status that tells kinds of nothing apart. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from newsarchive.model import Coverage
from newsarchive.recapture import Estimate, estimate
from newsarchive.sources.load import INDEXES, POLLED, WARC, Source
from newsarchive.text.identity import host_of

# Answers that a later request would only repeat: nothing is missing when they came.
DEFINITIVE = frozenset(
    {"ok", "blocked_address", "bad_url", "too_large", "too_many_redirects", "robots"}
)
_TEMPORARY_4XX = frozenset({408, 425, 429})
REFUSALS = frozenset({403, 429})
_ENOUGH = 5  # refused pages, before their share means anything


def is_definitive(outcome: str, status: int | None) -> bool:
    """Say whether a visit that ended so is over; others are asked again on the next run."""
    if outcome == "http_error":
        return status is not None and 400 <= status < 500 and status not in _TEMPORARY_4XX
    return outcome in DEFINITIVE


def refused_by_host(ended: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the links that are refused because their host refuses nearly all, with the host.

    One page may be forbidden for good (403). Where nine of ten answers of a host to a source are
    so, it is the asking that is refused, and the pages may be had another day.

    Args:
        ended: by link id, the capture that tells how the visit ended, as a row.
    """
    answers: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
    for identity, row in ended.items():
        if row["status"] is not None:
            refused = row["outcome"] == "http_error" and row["status"] in REFUSALS
            answers[row["source"], host_of(row["url"])].append((identity, refused))
    return {
        identity: host
        for (_, host), of_host in answers.items()
        if _nearly_all([refused for _, refused in of_host])
        for identity, refused in of_host
        if refused
    }


def _nearly_all(refused: Sequence[bool]) -> bool:
    return sum(refused) >= _ENOUGH and sum(refused) >= 0.9 * len(refused)


def count(
    run_day: date,
    source: Source | None,
    name: str,
    can_answer: bool,
    listings: Sequence[Mapping[str, Any]],
    links: Iterable[Mapping[str, Any]],
    outcomes: Mapping[str, tuple[str, int | None]],
    versions: Sequence[Mapping[str, Any]],
    rejects: Sequence[Mapping[str, Any]],
    refused: Mapping[str, str] | None = None,
    budget: str | None = None,
    providers: Iterable[str] = (),
) -> Coverage:
    """Return the coverage of one source on one run day.

    Args:
        run_day: the day.
        source: its declaration; None for imports and sources no longer declared.
        name: its name.
        can_answer: whether it declares a listing that can answer for a past day.
        listings: its rows of `listings` that day.
        links: its rows of `links` that day (link_id, routes).
        outcomes: by link id, outcome and HTTP status of the link's latest capture.
        versions: its rows of `versions` that day (article_id, link_id, part, published_day).
        rejects: its rows of `rejects` that day (link_id, reason).
        refused: as `refused_by_host` returns them; such links stay missing.
        budget: which budget of it is used up that day, in words.
        providers: who gave the bytes of its pages.
    """
    refused = refused or {}
    routes = {row["link_id"]: frozenset(row["routes"]) for row in links}
    listed = set(routes)
    # A link has a version for each state of its page, and is counted once; imports have no link.
    own = {v["link_id"] or n: v["article_id"] for n, v in enumerate(versions) if v["part"] == 0}
    kept = len(own)
    captured = sum(1 for i in listed if outcomes.get(i, ("", None))[0] == "ok")
    absent = {
        i for i in listed if i not in outcomes or i in refused or not is_definitive(*outcomes[i])
    }
    missing = len(absent)
    articles = Counter(own.values())
    answered = [row for row in listings if row["status"] == "answered"]
    if source is None and not listings:  # imports: nobody lists them
        captured, listed_count = kept + len(rejects), kept + len(rejects)
    else:
        listed_count = len(listed)
    guess = _estimate(run_day, routes, versions, missing)
    expected_min = source.expected.min if source else None
    status, note = _status(
        can_answer,
        listings,
        answered,
        listed_count,
        missing,
        kept,
        expected_min,
        _reasons(absent, outcomes, refused, budget),
        budget,
    )
    return Coverage(
        run_day=run_day,
        source=name,
        status=status,
        note=note,
        expected_min=expected_min,
        expected_max=source.expected.max if source else None,
        listings_asked=len(listings),
        listings_answered=len(answered),
        routes=sorted({row["route"] for row in answered}),
        listed=listed_count,
        captured=captured,
        parsed=kept
        + sum(
            1
            for r in rejects
            if r["payload_sha256"] and outcomes.get(r["link_id"], ("ok",))[0] == "ok"
        ),
        kept=kept,
        rejected=len(rejects),
        missing=missing,
        duplicates=sum(n - 1 for n in articles.values()),
        providers=sorted(set(providers)),
        missed={
            route: sum(route not in had for had in routes.values())
            for route in sorted({row["route"] for row in answered})
        },
        estimated=guess.articles if guess else None,
        estimated_error=guess.error if guess else None,
    )


def _estimate(
    run_day: date,
    routes: Mapping[str, frozenset[str]],
    versions: Iterable[Mapping[str, Any]],
    missing: int,
) -> Estimate | None:
    """Estimate from the articles whose pages state that day; a page not had states none."""
    if missing:
        return None
    seen: dict[str, frozenset[str]] = defaultdict(frozenset)
    for row in versions:
        if row["part"] == 0 and row["published_day"] == run_day:
            seen[row["article_id"]] |= routes.get(row["link_id"], frozenset())
    return estimate(seen.values())


def _reasons(
    absent: Collection[str],
    outcomes: Mapping[str, tuple[str, int | None]],
    refused: Mapping[str, str],
    budget: str | None,
) -> str:
    """Say why pages are missing and what helps, as the end of a sentence."""
    hosts = sorted({refused[i] for i in absent if i in refused})
    unasked = sum(1 for i in absent if i not in outcomes)
    reasons = [f"{host} refuses nearly all of them (status 403 or 429)" for host in hosts]
    if unasked and (hosts or budget):
        reasons.append(f"{unasked} were not asked")
    if budget:
        reasons.append(budget)
    why = f": {', '.join(reasons)}" if reasons else ""
    return why if budget else f"{why}; running the day again asks for them"


def _status(
    can_answer: bool,
    listings: Sequence[Mapping[str, Any]],
    answered: Sequence[Mapping[str, Any]],
    listed: int,
    missing: int,
    kept: int,
    expected_min: int | None,
    reasons: str,
    budget: str | None,
) -> tuple[str, str | None]:
    if not listings and not listed:
        if can_answer:
            return "failed", "its listings were not asked: the run broke off before"
        return "not_available", "no listing of it can answer for that day"
    failed = ", ".join(
        f"{row['listing']} ({row['problem']})" if row.get("problem") else str(row["listing"])
        for row in listings
        if row["status"] == "failed"
    )
    if failed and budget:
        failed = f"{failed}; {budget}"
    if listings and not answered:
        if failed:
            return "failed", f"no answer from {failed}"
        return "not_available", "its listings do not reach to that day"
    if missing:
        return "partial", f"{missing} of {listed} pages could not be had{reasons}"
    if failed:
        return "partial", f"no answer from {failed}"
    if answered and all(row["route"] == WARC for row in answered):
        return "partial", "known from WARC files only: nobody says what else there was"
    # A listing of its own addressed by date has what polls and indexes may have missed.
    if all(row["route"] in POLLED or row["route"] in INDEXES for row in answered):
        gaps = [row["gap"] for row in answered if row["gap"]]
        if gaps:
            return "partial", "; ".join(gaps)
    if not listed:
        return "empty", "its listings answered: nothing was published"
    if expected_min is not None and kept < expected_min:
        return "low", f"{kept} articles, at least {expected_min} expected"
    return "complete", None


def verdict(
    statuses: Mapping[str, str], required: Collection[str], most_failed: float
) -> tuple[bool, str | None]:
    """Say whether a run is to count as failed, and what there is to say of it.

    Args:
        statuses: of the sources that the run asked, by name.
        required: names of the sources that must not fail.
        most_failed: share of the sources, 0 to 1, above which the run failed.
    """
    failed = sorted(name for name, status in statuses.items() if status == "failed")
    if not failed:
        return False, None
    named = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
    words = f"{len(failed)} of {len(statuses)} sources failed: {named}"
    must = [name for name in failed if name in required]
    if must:
        return True, f"{words}; required: {', '.join(must)}"
    return len(failed) > most_failed * len(statuses), words
