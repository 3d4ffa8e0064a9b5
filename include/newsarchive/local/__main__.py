"""`python -m newsarchive.local [--once]`: what `make run` calls."""

import sys

from newsarchive.errors import ArchiveError
from newsarchive.local.up import up


def main() -> int:
    """Start everything; an error is one line."""
    words = sys.argv[1:]
    if words not in ([], ["--once"]):
        print("usage: python -m newsarchive.local [--once]", file=sys.stderr)
        return 2
    try:
        return up(once=bool(words))
    except ArchiveError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before anything was started
        return 130


if __name__ == "__main__":
    sys.exit(main())
