"""What is on disk: tables (Delta Lake), raw WARC files, and the snapshot that readers open."""

import os

# The allocator of the Delta library keeps what was freed for ten seconds, and longer where nothing
# is asked of it: a day of 5,000 articles is published in 360 MB so, and in 440 otherwise. It reads
# this when the library is loaded.
os.putenv("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
