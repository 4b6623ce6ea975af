"""The worked notebook, docs/notebook.ipynb: executed in a real kernel, with what its cells displayed.

    python docs/worked_notebook.py    # executes it again and keeps the outputs

It needs nbclient and ipykernel (the extra `test` has them). tests/notebook/test_worked.py compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat

NOTEBOOK = Path(__file__).with_name("notebook.ipynb")
_SECONDS = 300


def executed(path: Path = NOTEBOOK) -> Any:
    """The notebook with fresh outputs, from a kernel of its own. A cell that raises ends it."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3", record_timing=False).execute()
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def main() -> None:
    """Execute it and write it back."""
    nbformat.write(executed(), NOTEBOOK)


if __name__ == "__main__":
    main()
