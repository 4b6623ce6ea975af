"""The magics of `%load_ext garbology`: cells watched for garbage and growth, and names asked why they are alive."""

from __future__ import annotations

import time
from typing import Any

from IPython.core.display_functions import display
from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from garbology.alive.question import Alive
from garbology.find.found import Found
from garbology.find.window import watch
from garbology.growth.diagnosis import diagnose
from garbology.growth.report import Report
from garbology.names import sources
from garbology.notebook.cells import compiled, known_cells
from garbology.notebook.held import held_by_ipython, held_text

_SETTLES_SECONDS = (
    0.02  # in which a kernel's own thread has sent that the cell began: beside its work less is judged
)
_ASK = "__import__('garbology').why_alive({})"


def load(shell: Any) -> None:
    """Add the magics to a shell; the places in its cells are told by their numbers from now on."""
    magics = Magics(shell)
    shell.register_magic_function(magics.garbage, magic_kind="cell", magic_name="garbage")
    shell.register_magic_function(magics.why_alive, magic_kind="line", magic_name="why_alive")
    shell.register_magic_function(magics.growth, magic_kind="cell", magic_name="growth")
    sources.cells = known_cells(shell)


class Magics:
    """What the magics do; their texts are what ``%%garbage?`` shows."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def garbage(self, line: str, cell: str) -> Found:
        """Run the cell and say what it leaves that only the cyclic collector can free.

        What IPython itself keeps (`Out`, `_`, hidden copies of them) is no garbage: it is named above, where no name of
        yours is nearer. The cell's last value is not displayed. An exception goes through; the finding comes first.
        """
        if line.strip():
            raise UsageError(f"%%garbage takes nothing on its line, got {line.strip()!r}")
        code, namespace = compiled(self._shell, cell), self._shell.user_ns
        found = Found(ended=False)
        time.sleep(_SETTLES_SECONDS)
        try:
            with watch(main=code) as found:
                exec(code, namespace)  # noqa: S102 - the user's own cell
        except BaseException:
            display(found)
            raise
        held = held_text(held_by_ipython(namespace))
        if held:
            print(held)  # noqa: T201 - a cell's output
        return found

    def why_alive(self, line: str) -> Alive:
        """Say what keeps the object of a name, or of any expression, alive: ``%why_alive session.user``."""
        if not line.strip():
            raise UsageError("%why_alive needs a name: %why_alive session")
        # At module level, so that the name by which one asks is told from the object's other holders.
        code = compile(_ASK.format(line.strip()), "<why_alive>", "eval")
        answer: Alive = eval(code, self._shell.user_ns)  # noqa: S307 - the user's own expression
        return answer

    def growth(self, line: str, cell: str) -> Report:
        """Run the cell again and again and say why memory grows, in bytes a run.

        ``%%growth -n 20 -w 5``: measured twenty times, after five times of warm-up (50 and 5 by themselves).
        """
        asked = _growth_options().parse_argstring(line)
        code, namespace = compiled(self._shell, cell), self._shell.user_ns
        return diagnose(exec, code, namespace, calls=asked.calls, warmup=asked.warmup)


def _growth_options() -> Any:
    options = MagicArgumentParser(prog="%%growth")
    options.add_argument("-n", "--calls", type=int, default=50)
    options.add_argument("-w", "--warmup", type=int, default=5)
    return options
