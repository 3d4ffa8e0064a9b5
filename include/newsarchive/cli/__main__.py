"""`python -m newsarchive.cli`: the same as the program `newsarchive`."""

from newsarchive.cli.program import main

if __name__ == "__main__":
    main()
