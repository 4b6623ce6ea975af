"""Let tox see the interpreters that pyenv installed, without activating them.

pyenv's shims are on PATH but refuse to run a version that is not activated, so its versions' own directories
go before them. https://tox.wiki/en/latest/plugins.html
"""

import os
import re
from pathlib import Path


def pyenv_directories() -> list[str]:
    """The ``bin`` directory of every version that pyenv installed, the newest first: of two patch levels it wins."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [path for path in root.glob("versions/3.*/bin") if (path / "python").exists()]
    return [str(path) for path in sorted(found, key=_version, reverse=True)]


def _version(directory: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", directory.parent.name)]


os.environ["PATH"] = os.pathsep.join([*pyenv_directories(), os.environ.get("PATH", os.defpath)])
