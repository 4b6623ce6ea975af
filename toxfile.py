"""Let tox see the interpreters that pyenv and uv installed, without activating them, and a debug build by any name.

pyenv's shims are on PATH but refuse to run a version that is not activated, so the versions' own directories
go before them. https://tox.wiki/en/latest/plugins.html
"""

import os
import runpy
from pathlib import Path

# The file and not the package: tox's environment has nothing that garbology imports.
_discovery = runpy.run_path(str(Path(__file__).parent / "garbology" / "measuring" / "discovery.py"))
_directories = _discovery["managed_directories"](os.environ)
os.environ.setdefault("GARBOLOGY_DEBUG_PYTHON", _discovery["debug_build"](os.environ) or "no-debug-build")
os.environ["PATH"] = os.pathsep.join([*map(str, _directories), os.environ.get("PATH", os.defpath)])
