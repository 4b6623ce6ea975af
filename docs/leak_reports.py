"""Put public reports of memory leaks to `garbology.diagnose`, and write down what it says of each.

    python -m pip install -e .
    python docs/leak_reports.py                 # all, in the terminal; each release is installed beside this Python
    python docs/leak_reports.py babel sympy     # some
    python docs/leak_reports.py --write         # also writes the generated blocks of docs/field-notes.md again

Each report has the release that leaks and, where there is one, a release with the mend. Each is installed into a
temporary directory and diagnosed in a process of its own. The one server is on the loopback interface.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from field_notes import DOCUMENT, rewritten

PREFIX = "leak "  # of the names of the generated blocks
_COUNTER = itertools.count()
Work = Callable[[], object]


@dataclass(frozen=True)
class LeakReport:
    """A public report of a leak.

    Attributes
    ----------
    thread : 'owner/repository#number'.
    releases : what is installed for each run: the release that leaks first.
    prepare : imports the library and answers what is called again and again.
    calls : how often.
    """

    thread: str
    releases: tuple[str, ...]
    prepare: Callable[[], Work]
    calls: int = 50


REPORTS: dict[str, LeakReport] = {}


def report(
    thread: str, *releases: str, name: str = "", calls: int = 50
) -> Callable[[Callable[[], Work]], Callable[[], Work]]:
    """Register a report under the name of the library."""

    def register(prepare: Callable[[], Work]) -> Callable[[], Work]:
        key = name or re.split(r"[=<> ]", releases[0])[0]
        REPORTS[key] = LeakReport(thread, releases, prepare, calls)
        return prepare

    return register


@report("marshmallow-code/marshmallow#732", "marshmallow==2.16.2", "marshmallow==2.16.3")
def make_schemas() -> Work:
    """A class of the same name, again and again."""
    import marshmallow

    def work() -> None:
        type("MsgSchema", (marshmallow.Schema,), {})

    return work


@report("scrapinghub/dateparser#985", "dateparser==1.2.0")
def parse_relative_dates() -> Work:
    """Each call has a time of its own in its settings."""
    import datetime

    import dateparser

    def work() -> None:
        dateparser.parse("24 august", settings={"RELATIVE_BASE": datetime.datetime.now()})

    return work


@report("python-babel/babel#962", "babel==2.11.0", "babel==2.12.1", calls=2_000)
def parse_patterns() -> Work:
    """Each call has a pattern of its own; enough calls to fill a cache of 1,024 entries."""
    from babel.dates import parse_pattern

    def work() -> None:
        parse_pattern(f"yyyy '{next(_COUNTER):06}'")

    return work


@report("sympy/sympy#27216", "sympy==1.13.3", "sympy==1.14.0")
def lambdify() -> Work:
    """The same expression is compiled again and again."""
    import sympy

    x = sympy.Symbol("x")

    def work() -> None:
        sympy.lambdify(x, x)

    return work


@report("python-jsonschema/jsonschema#966", "jsonschema==4.6.0", calls=300)
def validate() -> Work:
    """The example of the report; enough calls to fill a cache of 128 entries."""
    from jsonschema.validators import validate

    def work() -> None:
        validate("abc", {"type": "string"})

    return work


@report(
    "lovasoa/marshmallow_dataclass#198",
    "marshmallow_dataclass==8.5.5 marshmallow<3.20 setuptools<80",
    "marshmallow_dataclass==8.7.1",
)
def load_dataclass() -> Work:
    """A caller with 10 kB in a local variable."""
    from dataclasses import dataclass

    import marshmallow_dataclass
    from marshmallow import Schema

    @dataclass(frozen=True)
    class Sample:
        a: str

    def load() -> None:
        marshmallow_dataclass.class_schema(Sample, base_schema=Schema)().load({"a": "a string"})

    def work() -> None:
        local = bytes(10_000)  # noqa: F841 - that a frame keeps it is the report
        load()

    return work


@report("aio-libs/aiohttp#9852", "aiohttp==3.10.10", "aiohttp==3.10.11")
def request_what_is_missing() -> Work:
    """Requests that no route serves, to a server that has a middleware."""
    import asyncio

    from aiohttp import ClientSession, DummyCookieJar, web

    @web.middleware
    async def pass_on(request: web.Request, handler: Any) -> Any:
        return await handler(request)

    async def serve() -> tuple[web.TCPSite, ClientSession]:
        runner = web.AppRunner(web.Application(middlewares=[pass_on]), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return site, ClientSession(cookie_jar=DummyCookieJar())

    loop = asyncio.new_event_loop()
    site, session = loop.run_until_complete(serve())
    address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/missing"  # type: ignore[union-attr]

    async def get() -> None:
        async with session.get(address) as answer:
            await answer.read()

    return lambda: loop.run_until_complete(get())


@report(
    "open-telemetry/opentelemetry-python#4220",
    "opentelemetry-sdk==1.27.0 setuptools<80",
    "opentelemetry-sdk==1.28.0",
)
def provide_metrics() -> Work:
    """A provider with a reader, shut down in the same call."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    def work() -> None:
        reader = PeriodicExportingMetricReader(ConsoleMetricExporter(), export_interval_millis=1e9)
        MeterProvider(metric_readers=[reader]).shutdown()

    return work


@report("pydantic/pydantic#11100", "pydantic==2.10.3", "pydantic==2.11.10")
def ask_for_subclasses() -> Work:
    """A new class is asked whether it is a model, where there are two hundred models."""
    from pydantic import BaseModel, create_model

    models = [create_model(f"Model{number}") for number in range(200)]

    def work() -> None:
        issubclass(type("Other", (), {}), BaseModel)
        assert models

    return work


@report("virajbdeshpande/AmpliconArchitect#64", "matplotlib==3.10.1", name="matplotlib, not closed", calls=20)
def leave_figures() -> Work:
    """A figure a call, saved and not closed."""
    return _drawing(close=False)


@report("virajbdeshpande/AmpliconArchitect#64", "matplotlib==3.10.1", name="matplotlib, closed", calls=20)
def close_figures() -> Work:
    """The mend of the report: `plt.close()`."""
    return _drawing(close=True)


def _drawing(*, close: bool) -> Work:
    import io
    import warnings

    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    def work() -> None:
        figure, axes = pyplot.subplots()
        axes.plot(range(100))
        figure.savefig(io.BytesIO())
        if close:
            pyplot.close()

    warnings.simplefilter("ignore", RuntimeWarning)  # "more than 20 figures have been opened"
    return work


@report("aio-libs/multidict#1131", "multidict==6.3.2", "multidict==6.4.3")
def copy_headers() -> Work:
    """The example of the report: ten keys that ignore case."""
    from multidict import CIMultiDict

    def work() -> None:
        headers = CIMultiDict({f"X-Any-{number}": str(number) for number in range(10)})
        copied: Any = CIMultiDict()
        for key, value in headers.items():
            copied.add(key, value)

    return work


@report("ultrajson/ultrajson#631", "ujson==5.12.0", "ujson==6.1.0", calls=400)
def dump_what_is_no_ascii() -> Work:
    """`default` answers a text of 1,000 characters that are not ASCII."""
    import ujson

    class Item:
        pass

    def work() -> None:
        ujson.dumps({"item": Item()}, default=lambda _: "é" * 1_000 + str(next(_COUNTER)))

    return work


@report("pandas-dev/pandas#62204", "pandas==2.3.2 numpy<2.4", "pandas==3.0.0", calls=400)
def dump_dates() -> Work:
    """A hundred dates with a time zone, written as JSON."""
    import pandas

    def work() -> None:
        days = pandas.date_range(start="1/1/2019", periods=100, freq="D", tz="UTC")
        pandas.DataFrame({"a": [12.34] * 100}, index=days).reset_index().to_json(
            orient="values", date_format="iso"
        )

    return work


def diagnose_here(name: str) -> str:
    """What `garbology.diagnose` says of the report ``name``, with the release that is installed."""
    work = REPORTS[name].prepare()
    import garbology

    return str(garbology.diagnose(work, calls=REPORTS[name].calls))


def diagnose_release(name: str, release: str) -> str:
    """The same in a process of its own, with the ``release`` installed for it."""
    with tempfile.TemporaryDirectory() as directory:
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "-q",
            "--target",
            directory,
            *release.split(),
        ]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        path = os.pathsep.join([directory, *filter(None, sys.path)])
        command = [sys.executable, "-W", "ignore", str(Path(__file__)), "--here", name]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )
        return done.stdout.partition(_BEGIN)[2].strip("\n")


_BEGIN = "diagnosis:\n"  # what the library prints comes before it


def block(name: str) -> str:
    """What the document has of a report: the thread, and what is said of each release."""
    return "\n\n".join(
        f"{release.split()[0].replace('==', ' ')}, CPython {platform.python_version()}:\n\n"
        f"```text\n{diagnose_release(name, release)}\n```"
        for release in REPORTS[name].releases
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the reports; the answer is the exit code."""
    parser = argparse.ArgumentParser(description="What `garbology.diagnose` says of public leak reports.")
    parser.add_argument("names", nargs="*", metavar="REPORT", help="how its name begins; all by default")
    parser.add_argument("--write", action="store_true", help=f"write the blocks of {DOCUMENT.name} again")
    parser.add_argument(
        "--here", action="store_true", help="diagnose the one report here, as it is installed"
    )
    options = parser.parse_args(arguments)
    chosen = [name for name in REPORTS if not options.names or name.startswith(tuple(options.names))]
    if not chosen:
        parser.error(
            f"no report begins with {' or '.join(map(repr, options.names))}; there are {', '.join(REPORTS)}"
        )
    if options.here:
        print(_BEGIN + diagnose_here(options.names[0]))
        sys.stdout.flush()
        os._exit(0)  # what the program left open is not what is asked here
    for name in chosen:
        text = block(name)
        print(f"{REPORTS[name].thread} ({name})\n\n{text}\n", flush=True)
        if options.write:
            document = DOCUMENT.read_text(encoding="utf-8")
            DOCUMENT.write_text(rewritten(document, {PREFIX + name: text}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
