"""What makes two runs comparable."""

import dataclasses
import json
import platform
import re

import pytest

from garbology.interpreter import runtime


def test_the_runtime_names_the_exact_version():
    """The patch level is part of the version and of the slug."""
    current = runtime.current()
    assert current.version == platform.python_version()
    assert current.version in current.slug
    assert json.loads(json.dumps(current.to_dict())) == current.to_dict()


def test_a_slug_is_a_file_name():
    """Whatever the platform is called, the slug is lower-case letters, digits and '._-'."""
    odd = dataclasses.replace(runtime.current(), platform="Some OS/2 (x86)", build="debug+lto")
    assert re.fullmatch(r"[a-z0-9._-]+", odd.slug)


@pytest.mark.parametrize("field", ["version", "collector", "gil", "build", "platform", "pointer_bits"])
def test_unlike_runtimes_have_unlike_slugs(field):
    """Two runtimes that differ in a field that changes memory or time are never the same file."""
    current = runtime.current()
    value = {"gil": not current.gil, "pointer_bits": 96 - current.pointer_bits}.get(field, "another")
    assert dataclasses.replace(current, **{field: value}).slug != current.slug


def test_the_slug_of_webassembly_says_once_that_its_pointers_are_short():
    """The platform's name tells it already."""
    here = dataclasses.replace(runtime.current(), platform="emscripten-wasm32", pointer_bits=32)
    assert here.slug.endswith("-emscripten-wasm32")
