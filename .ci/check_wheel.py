"""Build wheel and sdist, check them, and ask the installed wheel: `python .ci/check_wheel.py DIRECTORY`."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

QUESTION = """
import garbology

class Node: pass

def ring():
    node = Node()
    node.itself = node

found = garbology.find_cycles(ring)
assert found.shapes and found.shapes[0].advice is not None, found
print(found)
"""


def run(*command: object, cwd: Path) -> None:
    """Run a command in a directory; it has to succeed."""
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


def packages_in(wheel: Path) -> set[str]:
    """What it would put into site-packages, its metadata left out."""
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    return {top for top in tops if not top.endswith(".dist-info")}


def main(directory: Path) -> None:
    """Do all of it in that directory."""
    project = Path(__file__).resolve().parents[1]
    run(sys.executable, "-m", "build", "--outdir", directory / "dist", cwd=project)
    (wheel,) = (directory / "dist").glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", *(directory / "dist").iterdir(), cwd=project)
    assert packages_in(wheel) == {"garbology"}, f"{wheel.name} holds {packages_in(wheel)}"
    venv.create(directory / "fresh", with_pip=True)
    python = directory / "fresh" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(python, "-m", "pip", "install", "-q", wheel, cwd=directory)
    run(python, "-c", QUESTION, cwd=directory)
    (directory / "program.py").write_text(QUESTION, encoding="utf-8")
    run(python.with_name("garbology"), "run", "program.py", cwd=directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
