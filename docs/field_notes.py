"""Build and drop objects of third-party libraries, and write down what only the collector could have freed.

    python -m pip install -e '.[field-notes]'
    python docs/field_notes.py                  # the table, in the terminal
    python docs/field_notes.py argparse sqlite3 # some cases, with the drawing of each finding
    python docs/field_notes.py --write          # also writes the generated blocks of docs/field-notes.md again

Each case runs in a fresh interpreter: twice to warm it up (imports, caches, the sizes of instance dictionaries), the
third time under ``garbology.find_cycles``. Nothing leaves the machine: the boto3 clients make no request.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("field-notes.md")
DETAILED = (3, 13)  # the interpreter whose findings are shown whole; of others there is the table
MOST_EDGES_SHOWN = 40

Case = Callable[[], object]
CASES: dict[str, tuple[str | None, Case]] = {}


def case(name: str, package: str | None = None) -> Callable[[Case], Case]:
    """Register a case; ``package`` is the distribution it needs, None for the standard library."""

    def register(function: Case) -> Case:
        CASES[name] = package, function
        return function

    return register


@case("argparse")
def parse_arguments() -> None:
    """Build a parser, parse, drop it."""
    parser = argparse.ArgumentParser(prog="prog")
    parser.add_argument("--number", type=int)
    parser.parse_args(["--number", "3"])


@case("argparse, many kinds of argument")
def parse_many_kinds() -> None:
    """Five actions, as an ordinary program has them: each is a class of its own."""
    parser = argparse.ArgumentParser(prog="prog")
    parser.add_argument("--number", type=int)
    parser.add_argument("--flag", action="store_true")
    parser.add_argument("--version", action="version", version="1")
    parser.add_argument("--more", action="append")
    parser.parse_args(["--number", "3"])


@case("argparse, its help text")
def format_help() -> None:
    """Build a parser and format its help."""
    parser = argparse.ArgumentParser(prog="prog")
    parser.add_argument("--number", type=int)
    parser.format_help()


@case("argparse, options that exclude each other")
def exclude_each_other() -> None:
    """A mutually exclusive group, which shares its parser's list of such groups."""
    parser = argparse.ArgumentParser(prog="prog")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--one", action="store_true")
    either.add_argument("--other", action="store_true")
    parser.parse_args(["--one"])


@case("sqlite3, closed")
def close_connection() -> None:
    """Open, ask, close, drop."""
    import sqlite3

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("select 1").fetchall()


@case("sqlite3, not closed")
def drop_connection() -> None:
    """Open, ask, drop."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("select 1").fetchall()


@case("micrograd", "micrograd")
def differentiate() -> None:
    """Build an expression, go back through it, drop it."""
    from micrograd.engine import Value

    a, b = Value(2.0), Value(3.0)
    (a * b + a).relu().backward()


@case("jinja2, a template from a string", "jinja2")
def render_string() -> None:
    """An environment and a template, rendered once."""
    import jinja2

    jinja2.Environment(autoescape=True).from_string("{{ greeting }}").render(greeting="hello")


@case("jinja2, a template from a loader", "jinja2")
def render_loaded() -> None:
    """The same through a loader: the environment caches the template."""
    import jinja2

    environment = jinja2.Environment(loader=jinja2.DictLoader({"page": "{{ greeting }}"}), autoescape=True)
    environment.get_template("page").render(greeting="hello")


@case("boto3, a client", "boto3")
def build_client() -> None:
    """A client of the default session, which stays."""
    import boto3

    boto3.client("s3", **_no_credentials())


@case("boto3, a session and a client", "boto3")
def build_session() -> None:
    """A session of its own and a client of it."""
    import boto3

    boto3.session.Session(**_no_credentials()).client("s3")


def _no_credentials() -> dict[str, Any]:
    return {"region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}


def find(name: str) -> dict[str, Any]:
    """Run the case ``name`` here, warmed up, and answer the finding as plain JSON types, with its ``text``."""
    import garbology

    _, function = CASES[name]
    function()
    function()
    found = garbology.find_cycles(function)
    advice = [shape.advice.verified for shape in found.shapes if shape.advice]  # tried before it is shown
    assert len(advice) == len(found.shapes)
    return {"text": str(found), **found.to_dict()}


def find_in_a_fresh_interpreter(name: str) -> dict[str, Any]:
    """The same in a process of its own, as nothing of another case can be in the way there."""
    command = [sys.executable, "-W", "ignore::ResourceWarning", str(Path(__file__)), "--json", name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def is_installed(package: str | None) -> bool:
    """Whether the distribution a case needs is there."""
    return package is None or _version(package) is not None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def table(findings: dict[str, dict[str, Any]]) -> str:
    """One line a shape, as a Markdown table under a line of versions."""
    packages = sorted({package for package, _ in CASES.values() if package} | {"botocore"})
    versions = [f"{package} {_version(package)}" for package in packages if _version(package)]
    lines = [
        f"CPython {platform.python_version()}, {', '.join(versions)}.",
        "",
        "| case | garbage | shape | advice | tried |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, found in findings.items():
        total = f"{found['garbage']:,} objects, {found['garbage_bytes'] / 1000:,.1f} kB"
        for shape in found["shapes"]:
            lines.append(f"| {name} | {total} | {_shape(shape)} | {_advice(shape)} | {_tried(shape)} |")
        if not found["shapes"]:
            lines.append(f"| {name} | none | | | |")
    return "\n".join(lines)


def _shape(shape: dict[str, Any]) -> str:
    kinds = sorted({node["type"].rpartition(".")[2] for node in shape["nodes"]})
    named = ", ".join(kinds[:3]) + (f" and {len(kinds) - 3} more types" if len(kinds) > 3 else "")
    return f"{shape['count']} × {shape['objects']} objects: {named}"


def _advice(shape: dict[str, Any]) -> str:
    edges = [f"`{edge['source']} {edge['label']}`" for edge in shape["advice"]["edges"]]
    return ": ".join(filter(None, [shape["advice"]["remedy"], ", ".join(edges)]))


def _tried(shape: dict[str, Any]) -> str:
    return "all freed" if shape["advice"]["verified"] else "no"


def details(found: dict[str, Any]) -> str:
    """The finding as it is printed, and all edges where the print leaves some out."""
    text = f"```text\n{found['text'].rstrip()}\n```"
    for number, shape in enumerate(found["shapes"], 1):
        if len(shape["edges"]) > 5:
            text += f"\n\nAll edges of shape {number}:\n\n```text\n{_edges(shape)}\n```"
    return text


def _edges(shape: dict[str, Any]) -> str:
    lines = []
    for edge in shape["edges"][:MOST_EDGES_SHOWN]:
        joint = "" if edge["label"][:1] in ".[" else " → "
        lines.append(f"{edge['source_type']}{joint}{edge['label']} -> {edge['target_type']}")
    left_out = len(shape["edges"]) - len(lines)
    return "\n".join([*lines, *([f"... and {left_out} more"] if left_out else [])])


def blocks_of(document: str) -> list[tuple[str, str]]:
    """The generated blocks of the document: name and text."""
    return re.findall(r"<!-- generated: (.*?) -->\n(.*?)<!-- end -->", document, re.DOTALL)


def rewritten(document: str, blocks: dict[str, str]) -> str:
    """The document with the text of each named block replaced; a block that it does not have is left out."""
    for name, text in blocks.items():
        begin = f"<!-- generated: {name} -->\n"
        before, marker, rest = document.partition(begin)
        _, end, after = rest.partition("<!-- end -->")
        if marker and end:
            document = f"{before}{begin}\n{text}\n\n{end}{after}"
    return document


def main(arguments: list[str] | None = None) -> int:
    """Run the cases that can run here; the answer is the exit code."""
    parser = argparse.ArgumentParser(description="What libraries leave to the cyclic collector.")
    parser.add_argument(
        "names", nargs="*", metavar="CASE", help="a case, or how its name begins; all by default"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write the generated blocks of {DOCUMENT.name} again"
    )
    parser.add_argument(
        "--json", action="store_true", help="run the one case here, and print its finding as JSON"
    )
    options = parser.parse_args(arguments)
    chosen = [name for name in CASES if not options.names or name.startswith(tuple(options.names))]
    if not chosen:
        parser.error(
            f"no case begins with {' or '.join(map(repr, options.names))}; there are {', '.join(CASES)}"
        )
    if options.json:
        print(json.dumps(find(options.names[0])))
        return 0
    findings = {name: find_in_a_fresh_interpreter(name) for name in chosen if is_installed(CASES[name][0])}
    for name in chosen:
        if name not in findings:
            print(f"{name}: needs {CASES[name][0]}, see the extra field-notes", file=sys.stderr)
    print(table(findings))
    if options.names:
        print(*(f"\n{name}\n{found['text']}" for name, found in findings.items()), sep="\n")
    if options.write:
        _write(findings)
    return 0


def _write(findings: dict[str, dict[str, Any]]) -> None:
    blocks = {}
    if len(findings) == len(CASES):
        blocks[f"table {sys.version_info[0]}.{sys.version_info[1]}"] = table(findings)
    if sys.version_info[:2] == DETAILED:
        blocks |= {name: details(found) for name, found in findings.items()}
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8"), blocks), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
