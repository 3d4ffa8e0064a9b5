"""What is on disk: tables (Delta Lake), raw WARC files, and the snapshot that readers open."""

import os

# The allocator of the Delta library keeps what was freed for ten seconds: a day of 5,000 articles
# is published in 350 MB so, and in 440 otherwise. (To give it back at once would cost a third of
# the speed of writing.) It reads this when the library is loaded.
os.putenv("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0")
