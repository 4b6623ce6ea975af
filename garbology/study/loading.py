"""Find a study: by its module's dotted name, or by its file's path."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from garbology.study.declaration import DeclarationError, Study


def load_study(target: str) -> Study:
    """Import the module `target` ('experiments.cycles', or a path that ends in '.py') and check its study."""
    module = _load_file(Path(target)) if target.endswith(".py") else importlib.import_module(target)
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        raise DeclarationError(f"{target} declares no study: it needs `study = Study(...)`")
    study.target = target
    study.check()
    return study


def study_names(package: str) -> list[str]:
    """The dotted names of the modules of a package that may be studies: all that do not begin with '_'."""
    places = importlib.import_module(package).__path__
    return sorted(
        f"{package}.{module.name}"
        for module in pkgutil.iter_modules(places)
        if not module.name.startswith("_")
    )


def _load_file(path: Path) -> ModuleType:
    # A prefix keeps a study called like a library, say `numpy.py`, from taking that library's place.
    spec = importlib.util.spec_from_file_location(f"study_file.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise DeclarationError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
