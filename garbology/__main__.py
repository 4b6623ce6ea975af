"""``python -m garbology run script.py``."""

from garbology.cli.program import main

if __name__ == "__main__":
    raise SystemExit(main())
