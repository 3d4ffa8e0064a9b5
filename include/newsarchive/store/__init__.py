"""What is on disk: tables (Delta Lake), raw WARC files, and the snapshot that readers open."""
