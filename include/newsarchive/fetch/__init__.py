"""The only sockets of the library: asking politely and safely, and keeping what came as WARC."""
