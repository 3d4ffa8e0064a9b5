"""Budgets: what a run day may cost a publisher."""

from pathlib import Path
from threading import Thread

import pytest
from fetching import source

from newsarchive.errors import SourceError
from newsarchive.fetch.budget import Budgets, Spent, cost_of, used_up
from newsarchive.settings import Settings
from newsarchive.sources.load import Politeness, Source, load_file

PAPER = source("https://paper.example/")


def _with(**limits: float) -> Source:
    return PAPER.model_copy(update={"politeness": Politeness.model_validate(limits)})


def test_a_sources_own_limits_go_before_the_settings() -> None:
    chosen = Settings(max_requests=10, max_megabytes=1)
    assert used_up(PAPER, chosen, Spent(9, 999_999)) is None
    assert used_up(PAPER, chosen, Spent(10, 0)) == "budget of 10 requests used"
    assert used_up(PAPER, chosen, Spent(0, 1_000_000)) == "budget of 1 MB used"
    own = _with(max_requests=3, max_megabytes=0.5)
    assert used_up(own, chosen, Spent(3, 0)) == "budget of 3 requests used"
    assert used_up(own, chosen, Spent(0, 500_000)) == "budget of 0.5 MB used"
    assert used_up(_with(max_requests=99), chosen, Spent(98, 0)) is None


def test_defaults_are_generous() -> None:
    assert (Settings().max_requests, Settings().max_megabytes) == (20_000, 2_000)


def test_threads_together_take_no_more_than_there_is() -> None:
    budgets = Budgets(Settings(max_requests=1000), {"paper": Spent(100, 0)})
    taken: list[str | None] = []
    threads = [
        Thread(target=lambda: taken.extend([budgets.take(PAPER) for _ in range(300)]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(None) == 900


def test_bytes_are_counted_after_they_came() -> None:
    budgets = Budgets(Settings(max_megabytes=1), {})
    assert budgets.take(PAPER) is None
    budgets.add(PAPER, 1_000_000)
    assert budgets.take(PAPER) == "budget of 1 MB used"
    assert budgets.take(source("https://b.example/", name="other")) is None


def test_what_an_exchange_costs() -> None:
    assert cost_of(500, 300) == 500
    assert cost_of(None, 300) == 300, "a body that broke off counts as far as it came"
    assert cost_of(None, None) == 0


@pytest.mark.parametrize("line", ["max_requests = 0", "max_megabytes = 0", "max_requests = 'x'"])
def test_a_wrong_limit_in_a_file_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        'name = "paper"\ntitle = "A"\nurl = "https://a.example/"\nlanguage = "en"\n'
        'timezone = "UTC"\n[[listing]]\nkind = "feed"\nurl = "https://a.example/feed"\n'
        f"[politeness]\n{line}\n"
    )
    with pytest.raises(SourceError, match=f"politeness.{line.partition(' ')[0]}"):
        load_file(file)
