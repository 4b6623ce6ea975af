"""Python and the command `garbology` as a user starts them."""

import os
import subprocess
import sys

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def python(*words, **settings):
    """The interpreter with these arguments, as text; `settings` are those of `subprocess.run`."""
    settings = {"env": ENVIRONMENT, "capture_output": True, "text": True, "timeout": 120, **settings}
    return subprocess.run([sys.executable, *map(str, words)], check=False, **settings)


def garbology(*words, **settings):
    """`python -m garbology` with these arguments."""
    return python("-m", "garbology", *words, **settings)
