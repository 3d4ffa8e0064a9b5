"""A day with news-please: its crawler of a list of URLs, written as lines of JSON.

    python with_news_please.py OUT.jsonl URLS.txt

The time-out is given because without any argument of requests this version loses every article of a
list of two or more. Images are not fetched, as the others do not either. It asks with a thread a
URL, reads no robots.txt and keeps no pages. Needs nothing of ours: it runs in the environment of
the peers.
"""

import json
import sys
from pathlib import Path

from newsplease import NewsPlease


def main() -> None:
    """Crawl."""
    out, urls = sys.argv[1:]
    listed = Path(urls).read_text().split()
    articles = NewsPlease.from_urls(listed, request_args={"timeout": 600}, fetch_images=False)
    with Path(out).open("w", encoding="utf-8") as file:
        for article in articles.values():
            if article:
                file.write(json.dumps(article.get_serializable_dict(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
