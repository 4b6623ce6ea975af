"""What the site joins in: the studies' reports, the worked notebook, the commands' own help."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCUMENTS = Path(__file__).parents[1]
REPORTS = DOCUMENTS.parent / "reports" / "reference"
PLACE = "reports"  # of the reports in the site, as they are
_WIDTH = 88
_REPORT = re.compile(r"\]\((?:\.\./)+reports/reference/(?:(\w+)/)?README\.md")
_ATTRIBUTE = re.compile(r"^(\s*)([\w*`'][\w*`'., ]*) : (.+)$")


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_source_suffix(".ipynb", "notebook")
    app.add_source_parser(NotebookParser)
    app.add_directive("command-help", CommandHelp)
    app.connect("config-inited", lambda app, config: write_studies())
    app.connect("source-read", lead_to_studies)
    app.connect("build-finished", copy_reports)
    app.connect("autodoc-process-docstring", tell_parts, priority=100)  # before napoleon reads it
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class NotebookParser(MystParser):
    """A notebook as a page: its texts, its cells, and what these displayed."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Read the notebook as Markdown."""
        super().parse(markdown_of(json.loads(inputstring)), document)


def markdown_of(notebook: dict[str, Any]) -> str:
    """The cells one after the other."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _parts(cell))


def _parts(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    parts = [f"```ipython\n{source}\n```"]
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "text/html" in data:
            parts.append("```{raw} html\n" + "".join(data["text/html"]) + "\n```")
        else:
            parts.append("```text\n" + "".join(output.get("text") or data["text/plain"]).rstrip() + "\n```")
    return parts


class CommandHelp(SphinxDirective):
    """The help of a command, as it prints it: ``garbology.cli.program:group run``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """One block of text."""
        place, *names = self.arguments[0].split()
        module, _, function = place.partition(":")
        text = help_of(getattr(__import__(module, fromlist=["*"]), function), names)
        return [nodes.literal_block(text, text, language="text")]


def help_of(command: click.Command, names: list[str]) -> str:
    """The help of a command, or of one below it."""
    context = click.Context(command, info_name="garbology", max_content_width=_WIDTH, terminal_width=_WIDTH)
    for name in names:
        command = command.get_command(context, name)  # type: ignore[attr-defined]
        context = click.Context(
            command, context, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH
        )
    return command.get_help(context)


def lead_to_studies(app: Sphinx, name: str, source: list[str]) -> None:
    """Links to a report, as GitHub has them, lead to the study's page here."""
    source[0] = _REPORT.sub(lambda found: f"](/studies/{found[1] or 'index'}.md", source[0])


def write_studies() -> None:
    """A page a study, of its report for GitHub, and a page that lists them. They are not kept by git."""
    place = DOCUMENTS / "studies"
    place.mkdir(exist_ok=True)
    names = sorted(path.parent.name for path in REPORTS.glob("*/README.md"))
    for old in set(place.glob("*.md")) - {place / f"{name}.md" for name in [*names, "index"]}:
        old.unlink()
    for name in names:
        _write(place / f"{name}.md", study_page(name, (REPORTS / name / "README.md").read_text("utf-8")))
    _write(place / "index.md", _studies(names))


def study_page(name: str, text: str) -> str:
    """The report with the files beside it found where they are from here."""

    def moved(found: re.Match[str]) -> str:
        file = found["file"]
        return (
            f"](../../reports/reference/{name}/{file})"
            if file.endswith(".svg")
            else f"](path:../{PLACE}/{name}/{file})"
        )

    text = re.sub(r"\]\((?P<file>[\w.-]+\.(?:svg|json|html))\)", moved, text)
    links = re.compile(r"\[([^\]\n]+)\]\(path:([^)]+)\)")
    text = links.sub(r'<a href="\2">\1</a>', text)
    whole = f'<a href="../{PLACE}/{name}/index.html">The same as a page of its own</a>, with numbers at each mark.'
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{whole}\n{rest}"


def _studies(names: list[str]) -> str:
    entries = "\n".join(names)
    return (
        "# The studies\n\n"
        "Each asks one question of CPython, and every claim in it can fail: it is a function that is asked of the "
        "records. They were measured on CPython 3.10 to 3.15 and, in WebAssembly, on 3.14.2 with the incremental "
        f'collector. <a href="../{PLACE}/index.html">The front page of the reports</a> has the atlas: every figure '
        "on every version.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n"
    )


def _write(path: Path, text: str) -> None:
    """Only what has changed: the rest need not be read again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def copy_reports(app: Sphinx, error: Exception | None) -> None:
    """The reports as they are, for the site's links to them."""
    if error is None and app.builder.format == "html":
        left_out = shutil.ignore_patterns("README.md")
        shutil.copytree(REPORTS, Path(app.outdir) / PLACE, ignore=left_out, dirs_exist_ok=True)


def tell_parts(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """``garbage : how many`` in a docstring's sections is a name and its description; napoleon takes it for a type."""
    result, section, indent = [], "", ""
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if set(after.strip()) == {"-"} and len(after.strip()) > 2:
            section, indent = line.strip(), re.match(r"\s*", line)[0]
        found = _ATTRIBUTE.match(line) if section in ("Attributes", "Parameters", "Raises") else None
        if found and found[1] == indent:
            result += [f"{indent}{found[2]}", f"{indent}    {found[3]}"]
        else:
            result.append(line)
    lines[:] = result
