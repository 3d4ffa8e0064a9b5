"""A day with Scrapy, trafilatura and Parquet, as their documentations suggest.

    python with_scrapy.py OUT.parquet [--pool] SITEMAP...

A `SitemapSpider` reads the sitemaps, trafilatura takes text and metadata out of each page, an item
pipeline writes Parquet. Without --pool pages are parsed where they arrive, in the spider's
callback, as nearly every example does; with it, in as many processes as there are cores. Needs
nothing of ours: it runs in the environment of the peers.
"""

import asyncio
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import trafilatura
from scrapy.crawler import CrawlerProcess
from scrapy.spiders import SitemapSpider

FIELDS = (
    "url",
    "title",
    "author",
    "date",
    "text",
    "description",
    "sitename",
    "categories",
    "tags",
    "image",
    "language",
)
SCHEMA = pa.schema([(name, pa.string()) for name in FIELDS])


def extract(html: str, url: str) -> dict[str, str | None] | None:
    """Return what trafilatura finds in a page."""
    found = trafilatura.bare_extraction(html, url=url, with_metadata=True, include_comments=False)
    if found is None:
        return None
    values = found.as_dict()
    item = {}
    for name in FIELDS:
        value = values.get(name)
        item[name] = "; ".join(value) if isinstance(value, list) else value
    item["url"] = url
    return item


class DaySpider(SitemapSpider):
    """The pages of the sitemaps."""

    name = "day"

    def parse(self, response: Any) -> Any:
        """Parse where the page arrives."""
        item = extract(response.text, response.url)
        if item is not None:
            yield item


class PoolSpider(DaySpider):
    """The same, parsing on all cores."""

    pool: ProcessPoolExecutor

    async def parse(self, response: Any) -> Any:
        """Parse in another process."""
        loop = asyncio.get_running_loop()
        item = await loop.run_in_executor(self.pool, extract, response.text, response.url)
        if item is not None:
            yield item


class ParquetPipeline:
    """Writes items in row groups of 1,000."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.items: list[dict[str, Any]] = []

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ParquetPipeline":
        """Make one with the path of the settings."""
        return cls(crawler.settings["PARQUET_PATH"])

    def open_spider(self) -> None:
        """Begin the file."""
        self.writer = pq.ParquetWriter(self.path, SCHEMA, compression="zstd")

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Keep an item."""
        self.items.append(item)
        if len(self.items) >= 1000:
            self._flush()
        return item

    def close_spider(self) -> None:
        """Finish the file."""
        self._flush()
        self.writer.close()

    def _flush(self) -> None:
        if self.items:
            self.writer.write_table(pa.Table.from_pylist(self.items, schema=SCHEMA))
            self.items = []


def main() -> None:
    """Crawl."""
    path, *sitemaps = sys.argv[1:]
    pooled = sitemaps[0] == "--pool"
    process = CrawlerProcess(
        {
            "ROBOTSTXT_OBEY": True,
            "CONCURRENT_REQUESTS": 16,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "DOWNLOAD_DELAY": 0,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_LEVEL": "WARNING",
            "ITEM_PIPELINES": {ParquetPipeline: 300},
            "PARQUET_PATH": path,
        }
    )
    if not pooled:
        process.crawl(DaySpider, sitemap_urls=sitemaps)
        process.start()
        return
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        process.crawl(PoolSpider, sitemap_urls=sitemaps[1:], pool=pool)
        process.start()


if __name__ == "__main__":
    main()
