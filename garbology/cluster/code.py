"""The code that is measured, as a wheel: this garbology, the studies and what they import from beside them."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.metadata
import io
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import garbology

_NAME = "garbology"
_STUDY_FILES = "study_files"  # where studies that are files of their own lie in the wheel
_EXTRAS = ("interactive", "measured")  # what cases use beside the dependencies
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same code makes the same wheel
_DIGITS = 16
_LEFT_OUT = {"__pycache__"}


@dataclass(frozen=True)
class Code:
    """A wheel; `digest` tells its code from any other, `targets` says where in it each study is found."""

    digest: str
    wheel: bytes
    targets: Mapping[str, str]
    requirements: tuple[str, ...]

    @property
    def text(self) -> str:
        """The wheel as JSON can hold it."""
        return base64.b64encode(self.wheel).decode("ascii")


def code_of(targets: Iterable[str]) -> Code:
    """The wheel of this garbology and of the studies at `targets`, dotted names or paths that end in '.py'."""
    files = dict(_package_files(Path(garbology.__file__).parent))
    places: dict[str, str] = {}
    for target in targets:
        if target.endswith(".py"):
            content = Path(target).read_bytes()
            places[target] = f"{_STUDY_FILES}/{_short(content)}/{Path(target).name}"
            files[places[target]] = content
        else:
            places[target] = target
            files.update(_of_package(target))
    digest = digest_of(files)
    return Code(digest, _packed({**files, **_metadata()}), places, requirements())


def digest_of(files: Mapping[str, bytes]) -> str:
    """What tells these files from others, however they are packed."""
    summed = hashlib.sha256()
    for name in sorted(files):
        summed.update(f"{name}\0{len(files[name])}\0".encode())
        summed.update(files[name])
    return summed.hexdigest()[:_DIGITS]


def unpack(text: str, digest: str, directory: Path) -> Path:
    """Lay the code of a wheel into a directory of its own under `directory`, once; ValueError if it is not `digest`.

    A wheel of Python alone is installed by being unpacked. Whatever dies in between leaves no half of it.
    """
    place = directory / digest
    if place.is_dir():
        return place
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text, validate=True))) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
        if digest_of(files) != digest:
            raise ValueError(f"the wheel that came is not {digest}: send it again")
        directory.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".unpacked-", dir=directory))
        try:
            archive.extractall(beside)
            os.replace(beside, place)
        except OSError:
            if not place.is_dir():  # another worker of this machine was first
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return place


def requirements() -> tuple[str, ...]:
    """What pip installs into an environment for this code, which itself travels: requirements without garbology."""
    from packaging.requirements import Requirement

    wanted = []
    for text in importlib.metadata.requires(_NAME) or ():
        needed = Requirement(text)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in _EXTRAS):
            extras = f"[{','.join(sorted(needed.extras))}]" if needed.extras else ""
            wanted.append(f"{needed.name}{extras}{needed.specifier}")
    return tuple(wanted)


def _of_package(target: str) -> dict[str, bytes]:
    """The package of a study, and whatever else beside it one of these files imports."""
    top = target.partition(".")[0]
    module = sys.modules[top]
    root = Path(module.__path__[0] if hasattr(module, "__path__") else str(module.__file__)).resolve().parent
    files: dict[str, bytes] = {}
    left, seen = [top], {_NAME}
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        package, alone = root / name, root / f"{name}.py"
        found = dict(_package_files(package)) if package.is_dir() else {}
        if not found and alone.is_file():
            found = {alone.name: alone.read_bytes()}
        files.update(found)
        left += sorted(_imported(found))
    return files


def _imported(files: Mapping[str, bytes]) -> set[str]:
    """The top-level names that Python files import, anywhere in their text."""
    names: set[str] = set()
    for path, content in files.items():
        if not path.endswith(".py"):
            continue
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):  # what cannot be read here may be meant for another version
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names)


def _package_files(package: Path) -> Iterator[tuple[str, bytes]]:
    if not (package / "__init__.py").is_file():
        return
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        hidden = any(part.startswith(".") or part in _LEFT_OUT for part in parts)
        if not hidden and path.is_file():
            yield "/".join((package.name, *parts)), path.read_bytes()


def _metadata() -> dict[str, bytes]:
    place = f"{_NAME}-{garbology.__version__}.dist-info"
    try:
        text = importlib.metadata.distribution(_NAME).read_text("METADATA")
    except importlib.metadata.PackageNotFoundError:
        text = None
    text = text or f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: {garbology.__version__}\n"
    wheel = "Wheel-Version: 1.0\nGenerator: garbology\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return {f"{place}/METADATA": text.encode(), f"{place}/WHEEL": wheel.encode()}


def _packed(files: Mapping[str, bytes]) -> bytes:
    lines = [f"{name},sha256={_record_digest(files[name])},{len(files[name])}" for name in sorted(files)]
    record = next(name for name in files if name.endswith("/WHEEL")).replace("/WHEEL", "/RECORD")
    content = {**files, record: "\n".join([*lines, f"{record},,", ""]).encode()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(content):
            archive.writestr(_entry(name), content[name])
    return packed.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _record_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
