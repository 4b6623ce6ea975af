"""Interactive sessions: IPython in this process, and a Jupyter kernel in its own, as a notebook has it.

Both run cells as if they were typed, and answer an expression without leaving a trace of the question.
"""

from __future__ import annotations

import ast
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from garbology.measuring.processes import clean_environment
from garbology.study import Unavailable

SECONDS = 60  # that a kernel may take to start, or a cell to run
# Nothing of the user's own: no profile, no start-up files, no history on disk.
DIRECTORIES = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


class Session(Protocol):
    """Where cells are run."""

    def run(self, cell: str) -> None:
        """Run a cell as if it were typed, whatever comes of it."""

    def ask(self, expression: str) -> str:
        """The value of an expression, which is a text."""


def needed(module: str) -> Any:
    """Import a module; Unavailable with pip's command where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise Unavailable(f"{missing} is not installed: pip install 'garbology[interactive]'") from None


class _Shell:
    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def run(self, cell: str) -> None:
        self._shell.run_cell(cell, store_history=True)

    def ask(self, expression: str) -> str:
        return str(eval(expression))  # noqa: S307 - one of our own


@contextmanager
def ipython() -> Iterator[Session]:
    """An IPython shell in this process, for it can have but one: its terminal, without the terminal."""
    config = needed("traitlets.config").Config()
    config.HistoryManager.enabled = False
    main = sys.modules["__main__"]
    with tempfile.TemporaryDirectory(prefix="garbology-") as place:
        made = needed("IPython.core.interactiveshell").InteractiveShell
        shell = made.instance(config=config, ipython_dir=place)
        try:
            yield _Shell(shell)
        finally:
            made.clear_instance()
            sys.modules["__main__"] = main  # the shell puts its own namespace there


class _Kernel:
    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, cell: str) -> None:
        self._client.execute_interactive(
            cell, store_history=True, allow_stdin=False, timeout=SECONDS, output_hook=lambda message: None
        )

    def ask(self, expression: str) -> str:
        reply = self._client.execute_interactive(
            "", silent=True, user_expressions={"answer": expression}, timeout=SECONDS
        )
        answer = reply["content"]["user_expressions"]["answer"]
        if answer["status"] != "ok":
            raise RuntimeError(f"the kernel could not tell {expression}: {answer['evalue']}")
        return str(ast.literal_eval(answer["data"]["text/plain"]))


@contextmanager
def kernel() -> Iterator[Session]:
    """A Jupyter kernel as a notebook starts it, spoken to over its sockets."""
    needed("ipykernel")
    manager = needed("jupyter_client.manager")
    with tempfile.TemporaryDirectory(prefix="garbology-") as place:
        directories = {name: str(Path(place, name)) for name in DIRECTORIES}
        environment = {**clean_environment("experiments.interactive"), **directories}
        quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        started, client = manager.start_new_kernel(
            startup_timeout=SECONDS,
            kernel_name="python3",
            env={**environment, **quiet},
            extra_arguments=["--HistoryManager.enabled=False", "--log-level=ERROR"],
        )
        try:
            yield _Kernel(client)
        finally:
            client.stop_channels()
            started.shutdown_kernel(now=True)


SESSIONS = {"IPython": ipython, "Jupyter kernel": kernel}
