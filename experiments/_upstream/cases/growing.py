"""What stays alive: caches, registries, references that C code leaks."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from experiments._upstream.bugs import HOLDER, LEAK, Cut, Work, bug

_NUMBERS = itertools.count()


@bug(
    "marshmallow", "marshmallow-code/marshmallow#732", pythons="3.10-3.15", kind=HOLDER,
    broken="marshmallow==2.16.2 setuptools<80", mended="marshmallow==2.16.3 setuptools<80",
    cut=Cut("a class that is registered twice under one name is kept once", (r"class_registry\._registry",)),
)  # fmt: skip
def marshmallow() -> Work:
    """A class of the same name, again and again."""
    import marshmallow

    def work() -> None:
        type("MsgSchema", (marshmallow.Schema,), {})

    return work


@bug(
    "dateparser", "scrapinghub/dateparser#985", pythons="3.10-3.15", kind=HOLDER, broken="dateparser==1.2.0",
    cut=Cut("open; the report names the caches of settings and of locales", (r"dateparser\.",)), calls=50,
)  # fmt: skip
def dateparser() -> Work:
    """Each call has a time of its own in its settings."""
    import datetime

    import dateparser

    def work() -> None:
        dateparser.parse("24 august", settings={"RELATIVE_BASE": datetime.datetime.now()})

    return work


@bug(
    "babel", "python-babel/babel#962", pythons="3.10-3.15", kind=HOLDER,
    broken="babel==2.11.0 setuptools<80", mended="babel==2.12.1 setuptools<80", calls=200,
    cut=Cut("the cache of patterns has a bound", (r"babel\.dates\.(_pattern_cache|parse_pattern)",)),
)  # fmt: skip
def babel() -> Work:
    """Each call has a pattern of its own."""
    from babel.dates import parse_pattern

    def work() -> None:
        parse_pattern(f"yyyy '{next(_NUMBERS):06}'")

    return work


@bug(
    "sympy", "sympy/sympy#27216", pythons="3.10-3.15", kind=HOLDER,
    broken="sympy==1.13.3", mended="sympy==1.14.0",
    cut=Cut("the source of a compiled function leaves `linecache` with the function", (r"linecache\.cache",)),
)  # fmt: skip
def sympy() -> Work:
    """The same expression is compiled again and again."""
    import sympy

    x = sympy.Symbol("x")

    def work() -> None:
        sympy.lambdify(x, x)

    return work


@bug(
    "marshmallow_dataclass", "lovasoa/marshmallow_dataclass#198", pythons="3.10-3.15", kind=HOLDER,
    broken="marshmallow_dataclass==8.5.5 marshmallow<3.20 setuptools<80", mended="marshmallow_dataclass==8.7.1",
    cut=Cut("the frame of the caller is no argument of a cached function", (r"_internal_class_schema",)),
)  # fmt: skip
def marshmallow_dataclass() -> Work:
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


@bug(
    "aiohttp, middlewares", "aio-libs/aiohttp#9852", pythons="3.10-3.13", kind=HOLDER,
    broken="aiohttp==3.10.10", mended="aiohttp==3.10.11",
    cut=Cut("handlers of routes that are not found are no argument of a cached function",
            (r"web_app\._build_middlewares",)),
)  # fmt: skip
def aiohttp_middlewares() -> Work:
    """Requests that no route serves, to a server that has a middleware."""
    from aiohttp import ClientSession, DummyCookieJar, web

    @web.middleware
    async def pass_on(request: web.Request, handler: Any) -> Any:
        return await handler(request)

    async def serve() -> tuple[Any, ClientSession]:
        runner = web.AppRunner(web.Application(middlewares=[pass_on]), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return site, ClientSession(cookie_jar=DummyCookieJar())

    loop = asyncio.new_event_loop()
    site, session = loop.run_until_complete(serve())
    address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/missing"

    async def get() -> None:
        async with session.get(address) as answer:
            await answer.read()

    return lambda: loop.run_until_complete(get())


@bug(
    "opentelemetry", "open-telemetry/opentelemetry-python#4220", pythons="3.10-3.15", kind=HOLDER,
    broken="opentelemetry-sdk==1.27.0 setuptools<80", mended="opentelemetry-sdk==1.28.0",
    cut=Cut("the set of all readers is weak, and what is called after a fork refers weakly to its reader",
            (r"MeterProvider\._all_metric_readers\[",)),
)  # fmt: skip
def opentelemetry() -> Work:
    """A provider with a reader, shut down in the same call."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    def work() -> None:
        reader = PeriodicExportingMetricReader(ConsoleMetricExporter(), export_interval_millis=1e9)
        MeterProvider(metric_readers=[reader]).shutdown()

    return work


@bug(
    "pydantic, subclasses", "pydantic/pydantic#11100", pythons="3.10-3.13", kind=HOLDER,
    broken="pydantic==2.10.3", mended="pydantic==2.11.10",
    cut=Cut("a model's metaclass answers for itself: the caches of ABCs stay empty", (r"_abc",)),
)  # fmt: skip
def pydantic_subclasses() -> Work:
    """A new class is asked whether it is a model, where there are two hundred models."""
    from pydantic import BaseModel, create_model

    models = [create_model(f"Model{number}") for number in range(200)]

    def work() -> None:
        issubclass(type("Other", (), {}), BaseModel)
        assert models

    return work


@bug(
    "matplotlib, not closed", "virajbdeshpande/AmpliconArchitect#64", pythons="3.10-3.13", kind=HOLDER,
    broken="matplotlib==3.10.1",
    cut=Cut("figures are closed: `plt.close()`", (r"Gcf\.figs",)),
)  # fmt: skip
def matplotlib_not_closed() -> Work:
    """A figure a call, saved and not closed."""
    import io
    import warnings

    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    def work() -> None:
        figure, axes = pyplot.subplots()
        axes.plot(range(100))
        figure.savefig(io.BytesIO())

    warnings.simplefilter("ignore", RuntimeWarning)  # "more than 20 figures have been opened"
    return work


@bug(
    "multidict", "aio-libs/multidict#1131", pythons="3.10-3.13", kind=LEAK,
    broken="multidict==6.3.2", mended="multidict==6.4.3", calls=50,
    cut=Cut("C code lets go of each key that it lower-cased", lines=(r"CIMultiDict\(", r"\.add\(")),
)  # fmt: skip
def multidict() -> Work:
    """The example of the report: ten keys that ignore case."""
    from multidict import CIMultiDict

    def work() -> None:
        headers = CIMultiDict({f"X-Any-{number}": str(number) for number in range(10)})
        copied: Any = CIMultiDict()
        for key, value in headers.items():
            copied.add(key, value)

    return work


@bug(
    "ujson", "ultrajson/ultrajson#631", pythons="3.10-3.15", kind=LEAK,
    broken="ujson==5.12.0", mended="ujson==6.1.0", calls=400,
    cut=Cut("C code frees the text that `default` answered", lines=(r"ujson\.dumps\(",)),
)  # fmt: skip
def ujson() -> Work:
    """`default` answers a text of 1,000 characters that are not ASCII."""
    import ujson

    class Item:
        pass

    def work() -> None:
        ujson.dumps({"item": Item()}, default=lambda _: "é" * 1_000 + str(next(_NUMBERS)))

    return work


@bug(
    "pandas", "pandas-dev/pandas#62204", pythons="3.11-3.13", kind=LEAK,
    broken="pandas==2.3.2 numpy<2.4", mended="pandas==3.0.0", calls=400,
    cut=Cut("C code lets go of each text that it made", lines=(r"dumps\(",)),
)  # fmt: skip
def pandas() -> Work:
    """A hundred dates with a time zone, written as JSON."""
    import pandas

    def work() -> None:
        days = pandas.date_range(start="1/1/2019", periods=100, freq="D", tz="UTC")
        pandas.DataFrame({"a": [12.34] * 100}, index=days).reset_index().to_json(
            orient="values", date_format="iso"
        )

    return work
