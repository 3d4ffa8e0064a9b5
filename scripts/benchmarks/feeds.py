"""Feeds for `bench_idle` that never change, served: a feed a host, its pages, robots.txt.

PYTHONPATH=scripts python -m benchmarks.feeds HOSTS ENTRIES
"""

import hashlib
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from benchmarks.server import Answer, address, free_port, in_processes, packed, robots, serve
from newsarchive.sample.generate import ENGLISH, Kind, day
from newsarchive.sample.pages import payload


def _answers(host: int, entries: int, port: int) -> dict[str, Answer]:
    base_url = f"http://{address(host)}:{port}"
    now = datetime.now(UTC)
    answers = {"/robots.txt": robots()}
    items: list[str] = []
    seed = 1_000 * (host + 1)
    while len(items) < entries:
        seed += 1
        for story in day(ENGLISH, (now - timedelta(days=1)).date(), seed):
            if story.kind is Kind.PLAIN and story.language == "en" and len(items) < entries:
                root, path = f"{base_url}/{seed}", f"/{seed}{story.path}"
                html = payload(story, now, root).decode()
                answers[path] = Answer("text/html; charset=utf-8", packed(html))
                items.append(
                    f"<item><title>{escape(story.title)}</title><link>{base_url}{path}</link>"
                    f"<pubDate>{format_datetime(story.published_at)}</pubDate></item>\n"
                )
    feed = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
        f"<title>Idle {host}</title>\n{''.join(items)}</channel></rss>\n"
    )
    etag = f'"{hashlib.sha256(feed.encode()).hexdigest()[:16]}"'
    answers["/feed.xml"] = Answer("application/rss+xml", packed(feed), etag)
    return answers


def main() -> None:
    """Make the feeds and serve them."""
    hosts, entries = map(int, sys.argv[1:])
    port = free_port()
    made = in_processes(_answers, range(hosts), [entries] * hosts, [port] * hosts)
    serve({address(n): answers for n, answers in enumerate(made)}, port)


if __name__ == "__main__":
    main()
