"""Runs the command line: `python -m sealauthz`."""

from sealauthz.cli import main

if __name__ == "__main__":
    main()
