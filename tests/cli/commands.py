"""Python and the command `garbology` as a user starts them."""

import os
import shutil
import subprocess
import sys

from garbology.monitoring.injection import TRY_REGISTERS

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def python(*words, **settings):
    """The interpreter with these arguments, as text; `settings` are those of `subprocess.run`."""
    settings = {"env": ENVIRONMENT, "capture_output": True, "text": True, "timeout": 120, **settings}
    return subprocess.run([sys.executable, *map(str, words)], check=False, **settings)


def garbology(*words, **settings):
    """`python -m garbology` with these arguments."""
    return python("-m", "garbology", *words, **settings)


def can_attach():
    """Whether a running process of this interpreter can be attached to: a gdb may be older than the processor."""
    if sys.platform != "linux" or sys.version_info >= (3, 14):
        return sys.platform == "linux"
    gdb = shutil.which("gdb")
    if gdb is None:
        return False
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            return gdb_writes_registers(gdb, process.pid)
        finally:
            process.kill()


def gdb_writes_registers(gdb, pid):
    words = [f"attach {pid}", *TRY_REGISTERS.strip().splitlines()]
    steps = [each for word in words for each in ("-ex", word)]
    done = subprocess.run([gdb, "-nx", "-batch", *steps], capture_output=True, text=True, check=False)
    return "Couldn't write" not in done.stderr
