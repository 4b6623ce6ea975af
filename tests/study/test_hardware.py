"""What a record was measured on, and what it is compared by."""

import platform

import pytest

from garbology.interpreter.hardware import cpu_model, kernel, model_in
from garbology.study.hardware import (
    alike,
    hardware_key,
    hardware_text,
    is_told_by_hardware,
    runtime_slug,
    with_hardware,
)

GIB = 2**30
BENCH = {
    "cpu_model": "Abacus 9",
    "cpu_count": 1,
    "total_memory_bytes": 8 * GIB,
    "kernel": "Linux 6.1",
    "packages": {},
}


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor : 0\nmodel name\t: AMD  EPYC 7B13\ncpu MHz : 2.4\nmodel name : other", "AMD EPYC 7B13"),
        ("processor: 0\nCPU implementer : 0x41\nCPU variant : 0x3\nCPU part : 0xd0c", "0x41:0xd0c:0x3"),
        ("processor : 0\nuarch : sifive,u74-mc", "sifive,u74-mc"),
        ("nothing to see", ""),
    ],
)
def test_the_processor_has_a_name_on_each_architecture(text, model):
    """The name where there is one, else the numbers of maker and part."""
    assert model_in(text.splitlines()) == model


def test_this_machine_says_what_it_is_and_not_who():
    """Processor and kernel; its name is in neither."""
    assert kernel().startswith(platform.system())
    assert platform.node() not in (cpu_model(), kernel())


def test_like_hardware_is_alike():
    """A few pages of memory or other packages make no other machine; another processor or kernel does."""
    assert alike(BENCH, {**BENCH, "total_memory_bytes": 8 * GIB - 4096, "packages": {"numpy": "2"}})
    for name, value in {"cpu_model": "Abacus 10", "cpu_count": 2, "kernel": "Linux 6.2"}.items():
        assert not alike(BENCH, {**BENCH, name: value})
        assert hardware_key(BENCH) != hardware_key({**BENCH, name: value})


def test_what_is_not_known_is_like_nothing():
    """Records of earlier releases do not say what they were measured on."""
    assert not alike({"cpu_count": 2}, {"cpu_count": 2})
    assert hardware_text({}) == "unknown hardware"


def test_hardware_in_words():
    """One processor is one."""
    assert hardware_text(BENCH) == "Abacus 9, 1 processor, 8 GiB, Linux 6.1"


def test_a_slug_is_told_by_hardware_once():
    """The runtime's own part can be read off again."""
    slug = with_hardware("cpython-3.13.0-linux", BENCH)
    assert slug == f"cpython-3.13.0-linux-on-{hardware_key(BENCH)}"
    assert with_hardware(slug, BENCH) == slug
    assert (runtime_slug(slug), is_told_by_hardware(slug)) == ("cpython-3.13.0-linux", True)
    assert not is_told_by_hardware("cpython-3.13.0-linux")
    assert not is_told_by_hardware("cpython-on-hardware")
