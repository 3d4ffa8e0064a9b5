"""A day's requests, which wait as Arrow, come out as they went in."""

from dataclasses import replace

import pytest
from fetching import source

from newsarchive.fetch.session import Request
from newsarchive.steps.page_requests import ABSENT, PageRequests

NUMBER = 1100  # two blocks, and some


@pytest.fixture
def requests() -> list[Request]:
    papers = [source(f"https://{n}.example/", name=n) for n in ("paper_a", "paper_b")]
    made = []
    for n in range(NUMBER):
        url = f"https://paper.example/{n}/مقال"
        request = Request(papers[n % 2], "page", url, f"l{n}", attempts_before=n % 3)
        if n % 5 == 0:
            archive = f"https://archive.example/web/{url}"
            request = replace(
                request,
                source=papers[n % 2].model_copy(update={"allow_private": False}),
                url=archive,
                page=url,
                provider="wayback",
                absent=ABSENT,
            )
        elif n % 7 == 0:
            request = replace(request, visit="1d", etag=f'"{n}"', validated=f"{url}/2")
        made.append(request)
    return made


def test_requests_come_out_as_they_went_in(requests: list[Request]) -> None:
    packed = PageRequests(requests)
    assert len(packed) == NUMBER
    assert list(packed) == requests
    assert [packed[n] for n in range(NUMBER)] == requests


def test_none_are_none() -> None:
    assert not len(PageRequests())
    assert list(PageRequests()) == []
