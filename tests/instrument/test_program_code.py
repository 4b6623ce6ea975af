"""None of the program's code runs: abstract classes, hooks and comparisons are never asked, whatever was registered."""

import abc
import collections
import collections.abc
import gc
import io
import numbers
import re
from pathlib import Path

import numpy as np
import pytest

import garbology

RAN: list[str] = []


def trap(name: str):
    """A method that says that it ran."""

    def method(*args: object, **kwargs: object) -> object:
        RAN.append(name)
        return NotImplemented

    return method


def hooked(base: type) -> type:
    """A class of the program's below an abstract one, whose hook says that it was asked."""
    return type("Hooked", (base,), {"__subclasshook__": classmethod(trap(f"hook of {base.__name__}"))})


class Meta(abc.ABCMeta):
    """A metaclass that says whatever it is asked."""

    __instancecheck__ = trap("__instancecheck__")
    __subclasscheck__ = trap("__subclasscheck__")
    __eq__ = trap("metaclass __eq__")
    __ne__ = trap("metaclass __ne__")
    __bool__ = trap("metaclass __bool__")
    __len__ = trap("metaclass __len__")
    __iter__ = trap("metaclass __iter__")
    __repr__ = trap("metaclass __repr__")
    __lt__ = trap("metaclass __lt__")

    def __hash__(cls) -> int:
        RAN.append("metaclass __hash__")
        return type.__hash__(cls)


ABSTRACT = [
    *(
        kind
        for kind in vars(collections.abc).values()
        if isinstance(kind, abc.ABCMeta) and kind.__name__ != "ByteString"
    ),
    *(numbers.Number, numbers.Real, numbers.Integral, io.IOBase),
]
KEPT_CLASSES = [hooked(base) for base in ABSTRACT]


class Plug(abc.ABC):  # noqa: B024 - registering is all it is for
    """Registering anything empties every negative cache of all abstract classes."""


class Key(str):
    """A key that compares and hashes by code of the program's."""

    def __eq__(self, other: object) -> bool:
        RAN.append("key __eq__")
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        RAN.append("key __hash__")
        return str.__hash__(self)


def dropped_cycles() -> object:
    """Cycles through a hooked mapping, a class with a hostile metaclass, keys that compare, and an array."""

    class Local(collections.UserDict):
        __subclasshook__ = classmethod(trap("hook of Local"))

    made = Local()
    made.me = made
    hostile = Meta("Hostile", (), {"__slots__": ("me", "__weakref__")})
    other = hostile()
    other.me = other
    table: dict[object, object] = {Key("a"): made, "b": other}
    table["table"] = table
    made.array = np.array([made, None], dtype=object)[:1].tolist()
    for number in range(3):
        plain = Local()
        plain.other = other
        setattr(other, "me", [plain, number, other])  # noqa: B010
    Plug.register(type("Registered", (), {}))
    RAN.clear()
    return None


def kept_mapping() -> object:
    """Something alive, to be asked why."""
    made = KEPT_CLASSES[0]
    RAN.clear()
    return made


def ask_everything() -> None:
    found = garbology.find_cycles(dropped_cycles)
    Plug.register(type("Registered", (), {}))
    RAN.clear()
    str(found), repr(found), found.to_dict()
    for shape in found.shapes[:1]:
        found.draw(shape, "dot")


def ask_why_alive() -> None:
    kept = kept_mapping()
    Plug.register(type("Registered", (), {}))
    RAN.clear()
    str(garbology.why_alive(kept)), garbology.why_alive(kept).to_dict()


def ask_assertions() -> None:
    with pytest.raises(AssertionError):
        garbology.assert_no_cycles(dropped_cycles)
    kept = kept_mapping()
    Plug.register(type("Registered", (), {}))
    RAN.clear()
    with pytest.raises(AssertionError), garbology.assert_freed(kept):
        pass


def ask_pauses() -> None:
    with garbology.record_pauses() as pauses:
        gc.collect()
    Plug.register(type("Registered", (), {}))
    RAN.clear()
    str(pauses)


@pytest.mark.slow
@pytest.mark.parametrize("ask", [ask_everything, ask_why_alive, ask_assertions, ask_pauses])
@pytest.mark.parametrize("round_number", [1, 2])
def test_no_code_of_the_program_runs(ask, round_number, quiet_heap):
    """Not in the first analysis of a process, and not after a registration that emptied all caches."""
    ask()
    assert not RAN


@pytest.mark.slow
def test_the_caches_of_the_program_do_not_change_what_is_counted(quiet_heap):
    """What is found is what the collector frees, with a class of the program's below an abstract one among it."""

    def work() -> None:
        class Local(collections.UserDict):
            pass

        Local()

    for registered in (int, str, bytes):
        work()
        Plug.register(registered)
        gc.collect()
        found = garbology.find_cycles(work)
        assert found.garbage == gc.collect()


class Constant:
    """A constant that a decorator has put into a function's code."""

    def __repr__(self) -> str:
        RAN.append("constant __repr__")
        return "constant"


@pytest.mark.slow
def test_no_constant_of_a_function_is_asked_for_its_text(quiet_heap):
    """Code is read for the advice, and its constants may be the program's own objects."""
    RAN.clear()

    class Owner:
        def __init__(self) -> None:
            self.callback = self.method
            self.error: BaseException | None = None
            try:
                raise ValueError("constant")
            except ValueError as error:
                self.error = error

        def method(self) -> object:
            return "constant"

        def close(self) -> None:
            self.callback = "constant"

        def again(self) -> None:
            raise self.error

    for function in (Owner.method, Owner.close, Owner.__init__, Owner.again):
        code = function.__code__
        constants = tuple(Constant() if each == "constant" else each for each in code.co_consts)
        function.__code__ = code.replace(co_consts=constants)
    found = garbology.find_cycles(Owner)
    str(found)
    assert found.garbage
    assert not RAN


def test_what_holds_a_trial_is_named_without_asking(quiet_heap):
    """A cycle that another one holds, which stays closed, is tried and named; no abstract class is asked for that."""

    def work() -> None:
        class Local:
            pass

        Local.kept = Local()
        Local.kept.itself = Local.kept

    found = garbology.find_cycles(work)
    Plug.register(type("Registered", (), {}))
    RAN.clear()
    str(found)
    assert not RAN


@pytest.mark.slow
def test_nothing_is_counted_by_a_counter():
    """``Counter(items)`` asks whether they are a mapping, which asks the program's classes: ``counted`` does not."""
    package = Path(garbology.__file__).parent
    analysis = ("interpreter", "names", "snapshot", "cycles", "sizes", "advice", "alive", "leaks", "find")
    sources = [*package.glob("*.py"), *(path for room in analysis for path in package.glob(f"{room}/*.py"))]
    assert len(sources) > 80
    given = re.compile(r"^[^#`]*\b(Counter|Mapping)\((?!\))", re.MULTILINE)
    assert [path.name for path in sources if given.search(path.read_text(encoding="utf-8"))] == []
