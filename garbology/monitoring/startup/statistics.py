"""The collector's statistics of another process, line by line as JSON: CPython 3.15, by an interpreter of that version.

Arguments: the process, and the seconds between two lines. It ends when the process does, or when nobody reads.
"""

import json
import sys
import time

import _remote_debugging  # type: ignore[import-not-found]


def main() -> None:
    """Print until nobody reads, or there is nothing to read."""
    pid, seconds = int(sys.argv[1]), float(sys.argv[2])
    monitor = _remote_debugging.GCMonitor(pid)
    while True:
        rows = monitor.get_gc_stats(all_interpreters=False)
        names = (
            "gen",
            "ts_start",
            "ts_stop",
            "collections",
            "collected",
            "uncollectable",
            "candidates",
            "duration",
        )
        sys.stdout.write(json.dumps([{name: getattr(row, name) for name in names} for row in rows]) + "\n")
        sys.stdout.flush()
        time.sleep(seconds)


main()
