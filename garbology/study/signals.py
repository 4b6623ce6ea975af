"""How a process ended, in words."""

from __future__ import annotations

import signal


def exit_text(exit_code: int | None) -> str:
    """An exit code as text: a negative one is the signal that ended the process, by name."""
    if exit_code is None:
        return "an unknown exit code"
    if exit_code >= 0:
        return f"exit code {exit_code} and no result"
    try:
        return f"{signal.Signals(-exit_code).name} (signal {-exit_code})"
    except ValueError:
        return f"signal {-exit_code}"
