"""What an interpreter is, to the detail at which two runs may be compared."""

from __future__ import annotations

import platform
import re
import struct
import sys
import sysconfig
from dataclasses import asdict, dataclass
from typing import Any

from garbology.interpreter import collector


@dataclass(frozen=True, order=True)
class Runtime:
    """An interpreter: records of two runtimes that differ in any field are never pooled.

    ``version`` is exact to the patch level, ``build`` names what changes speed and memory ('debug', 'pgo',
    'lto', joined by '+'; 'plain' where there is none), ``gil`` is whether the GIL is enabled right now.
    """

    implementation: str
    version: str
    collector: str
    gil: bool
    build: str
    platform: str
    pointer_bits: int

    @property
    def slug(self) -> str:
        """The runtime as a file name, such as ``cpython-3.13.0-generational-pgo-linux-x86_64``."""
        parts = [self.implementation, self.version, self.collector]
        parts += [] if self.gil == (self.collector != "free-threaded") else ["gil" if self.gil else "nogil"]
        parts += [self.build.replace("+", "-"), self.platform]
        # A 32-bit Python names the 64-bit machine that it runs on; wasm32 says it itself.
        told = self.pointer_bits == 64 or str(self.pointer_bits) in self.platform.rpartition("-")[2]
        parts += [] if told else [f"{self.pointer_bits}bit"]
        return re.sub(r"[^a-z0-9._-]+", "_", "-".join(parts).lower())

    @property
    def label(self) -> str:
        """The runtime as a reader knows it, such as ``CPython 3.13.0``."""
        return f"{platform.python_implementation()} {self.version}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON types."""
        return asdict(self)


def current() -> Runtime:
    """The runtime of this process."""
    return Runtime(
        implementation=sys.implementation.name,
        version=platform.python_version(),
        collector=collector.kind(),
        gil=getattr(sys, "_is_gil_enabled", lambda: True)(),
        build=_build(),
        platform=f"{sys.platform}-{platform.machine() or 'unknown'}",
        pointer_bits=8 * struct.calcsize("P"),
    )


def _build() -> str:
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    tags = [
        tag
        for tag, present in [
            ("debug", hasattr(sys, "gettotalrefcount")),
            ("pgo", "--enable-optimizations" in arguments),
            ("lto", "--with-lto" in arguments),
        ]
        if present
    ]
    return "+".join(tags) or "plain"
