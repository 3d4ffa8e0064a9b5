"""A day of newspapers for `bench_day`, served: pages, robots.txt, a dated sitemap a host.

    PYTHONPATH=scripts python -m benchmarks.site HOSTS PAGES_A_HOST

Sitemaps of a quarter, half and three quarters of the pages are there too.
"""

import gzip
import sys
from xml.sax.saxutils import escape

from benchmarks.pages import DAY, Page, pages_of
from benchmarks.server import Answer, address, free_port, in_processes, packed, robots, serve

_NEWS = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
)


def sitemap_path(pages: int) -> str:
    """Return where a host lists the first so many pages of a day; a template of its date."""
    return f"/first-{pages}/sitemap-{{date:%Y-%m-%d}}.xml"


def _answers(host: int, count: int, port: int) -> dict[str, Answer]:
    base_url = f"http://{address(host)}:{port}"
    pages = pages_of(host, count, base_url)
    answers = {p.path: Answer("text/html; charset=utf-8", packed(p.html)) for p in pages}
    answers["/robots.txt"] = robots()
    for some in {count, *(count * n // 4 for n in (1, 2, 3))} - {0}:
        path = sitemap_path(some).format(date=DAY)
        answers[path] = Answer("application/xml", packed(_sitemap(base_url, pages[:some])))
    return answers


def _sitemap(base_url: str, pages: list[Page]) -> str:
    entries = "".join(
        f"<url><loc>{escape(base_url + p.path)}</loc><news:news>"
        f"<news:publication_date>{p.listed_at.isoformat()}</news:publication_date>"
        f"<news:title>{escape(p.title)}</news:title></news:news></url>\n"
        for p in pages
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {_NEWS}>\n{entries}</urlset>\n'


def main() -> None:
    """Make the pages and serve them."""
    hosts, count = map(int, sys.argv[1:])
    port = free_port()
    made = in_processes(_answers, range(hosts), [count] * hosts, [port] * hosts)
    pages = [a for of_host in made for a in of_host.values() if "html" in a.content_type]
    size = sum(len(gzip.decompress(p.packed)) for p in pages)
    named = {address(n): answers for n, answers in enumerate(made)}
    serve(named, port, pages=len(pages), kilobytes=size // 1000)


if __name__ == "__main__":
    main()
