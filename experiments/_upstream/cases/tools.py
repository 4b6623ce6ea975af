"""Command lines, configuration, parsing, progress."""

from __future__ import annotations

import io
from typing import Any

from experiments._upstream.bugs import EXCEPTION, Cut, Work, bug


@bug(
    "tqdm", "tqdm/tqdm#1207", pythons="3.10-3.15", broken="tqdm==4.61.2", mended="tqdm==4.62.1",
    cut=Cut("the functions around the stream capture a weak proxy of the bar",
            (r"closure variable tqdm_instance -> tqdm$",), ("weakref",)),
)  # fmt: skip
def tqdm() -> Work:
    """A progress bar of three steps."""
    import tqdm

    def work() -> None:
        for _ in tqdm.tqdm(range(3), file=io.StringIO()):
            pass

    return work


@bug(
    "omegaconf", "omry/omegaconf#1295", pythons="3.10-3.15", kind=EXCEPTION,
    broken="omegaconf==2.3.0", mended="omegaconf==2.4.0", built=("antlr4-python3-runtime",),
    cut=Cut("`del` of the exception in a finally, in both frames",
            (r"frame of (_raise|format_and_raise) .* → local (ex|cause) -> ",), ("clear",)),
)  # fmt: skip
def omegaconf() -> Work:
    """A key that a configuration does not have."""
    from omegaconf import OmegaConf

    configuration = OmegaConf.structured(_structured())
    return lambda: hasattr(configuration, "missing")


def _structured() -> object:
    from dataclasses import make_dataclass

    return make_dataclass("Settings", [("x", int, 1)])()


@bug(
    "tomlkit", "python-poetry/tomlkit#227", pythons="3.10-3.15", broken="tomlkit==0.11.3", mended="tomlkit==0.11.4",
    cut=Cut("what a character is, is computed each time: no cache of its own methods on each instance",
            (r"^(TOMLChar|StringType)\.(is_\w+|toggle)", r"^method\.__self__ -> (TOMLChar|StringType)$"),
            ("property",)),
)  # fmt: skip
def tomlkit() -> Work:
    """A small document."""
    import tomlkit

    return lambda: tomlkit.parse('[table]\nkey = "value"\n')


@bug(
    "addict", "mewwts/addict#86", pythons="3.10-3.15", broken="addict==2.0.0", mended="addict==2.1.0",
    built=("addict",),
    cut=Cut("`__parent` and `__key` are deleted once they were used", (r"__parent\b.* -> Dict$",), ("clear",)),
)  # fmt: skip
def addict() -> Work:
    """A dictionary in a dictionary, made by an attribute."""
    from addict import Dict

    def work() -> None:
        outer: Any = Dict()
        outer.x.y = 1

    return work


@bug(
    "jsonschema", "python-jsonschema/jsonschema#966", pythons="3.10-3.15",
    broken="jsonschema==4.6.0", mended="jsonschema==4.18.0",
    cut=Cut("resolvers with caches of their own methods were replaced by another library",
            (r"^RefResolver\._(urljoin|remote|resolve)_cache", r" -> RefResolver$"), ("property", "capture")),
)  # fmt: skip
def jsonschema() -> Work:
    """The example of the report."""
    from jsonschema.validators import validate

    return lambda: validate("abc", {"type": "string"})
