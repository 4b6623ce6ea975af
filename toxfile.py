"""Let tox see the interpreters that pyenv installed, without activating them.

pyenv's shims are on PATH but refuse to run a version that is not activated, so its versions' own directories
go before them. https://tox.wiki/en/latest/plugins.html
"""

import os
from pathlib import Path


def pyenv_directories() -> list[str]:
    """The ``bin`` directory of every version that pyenv installed, newest name last."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [str(path) for path in sorted(root.glob("versions/3.*/bin")) if (path / "python").exists()]


os.environ["PATH"] = os.pathsep.join([*pyenv_directories(), os.environ.get("PATH", os.defpath)])
