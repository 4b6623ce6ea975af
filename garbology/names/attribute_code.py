"""What the code of a program's classes does with an attribute or a variable, read from its instructions."""

from __future__ import annotations

import dis
import gc
import inspect
import itertools
import types
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from garbology.interpreter.bytecode import plain_code
from garbology.names.classes import mro_of
from garbology.names.finalizers import namespace_of

#: Names of methods that end something, the most telling first.
ENDINGS = (
    *(
        "close",
        "aclose",
        "unlink",
        "decompose",
        "cancel",
        "disconnect",
        "shutdown",
        "stop",
        "dispose",
        "detach",
    ),
    *(
        "release",
        "clear",
        "unregister",
        "deregister",
        "unsubscribe",
        "remove",
        "teardown",
        "tear_down",
        "destroy",
    ),
)
_WITH_EXITS = (*ENDINGS, "__exit__", "__aexit__")
_TAKING_OUT = ("clear", "remove", "discard", "pop", "popleft", "popitem")
_CONSTANTS = ("LOAD_CONST", "LOAD_COMMON_CONSTANT")
_EMPTY = ("BUILD_LIST", "BUILD_MAP", "BUILD_SET", "BUILD_TUPLE")

_LOADING = ("LOAD_FAST", "LOAD_DEREF", "LOAD_NAME")
Steps = list[dis.Instruction]


def instructions(code: types.CodeType) -> Steps:
    """The instructions of a piece of code, as the compiler made them."""
    return list(dis.get_instructions(plain_code(code)))


def argument_count(code: types.CodeType) -> int:
    """How many of a function's variables are its arguments, `*args` and `**kwargs` included: the first ones."""
    several = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + several


def functions_of(cls: type) -> Iterator[tuple[str, types.FunctionType]]:
    """The functions of a class and its bases by name, those of static and class methods and properties too."""
    for base in mro_of(cls):
        yield from own_functions_of(base)


def own_functions_of(cls: type) -> Iterator[tuple[str, types.FunctionType]]:
    """The same without those of its bases."""
    for name, value in list(namespace_of(cls).items()):
        for function in _functions_in(value):
            yield name, function


def functions_in_use(cls: type) -> Iterator[tuple[str, types.FunctionType]]:
    """The same without those that a class has replaced, unless the new one may call it (`super()`)."""
    replaced: set[str] = set()
    for base in mro_of(cls):
        for name, value in list(namespace_of(base).items()):
            functions = list(_functions_in(value))
            yield from ((name, function) for function in functions if name not in replaced)
            if not any("super" in function.__code__.co_names for function in functions):
                replaced.add(name)


def _functions_in(value: Any) -> Iterator[types.FunctionType]:
    kind = type(value)
    parts = [value.__func__] if kind is staticmethod or kind is classmethod else [value]
    parts = [value.fget, value.fset, value.fdel] if kind is property else parts
    yield from (part for part in parts if type(part) is types.FunctionType)


def names_both(cls: type, attribute: str, method: str) -> bool:
    """Whether one statement in a class names an attribute and a method: it is that which stores the method there."""
    codes = (function.__code__ for _, function in functions_of(cls))
    return any(
        {attribute, method} <= names
        for code in codes
        if attribute in code.co_names and method in code.co_names
        for names in _names_by_statement(code)
    )


def _names_by_statement(code: types.CodeType) -> Iterator[set[str]]:
    """The attributes that each statement reads or sets."""
    names: set[str] = set()
    for step in instructions(code):
        if "ATTR" in step.opname or "METHOD" in step.opname:
            names.add(step.argval)
        if step.opname.startswith(("STORE_", "POP_TOP", "RETURN_")):
            yield names
            names = set()


def is_set_from_itself_alone(cls: type, name: str) -> bool:
    """Whether every statement that sets an attribute of `self` reads no other variable, or asks `getattr`."""
    codes = [function.__code__ for _, function in functions_of(cls) if _sets(function.__code__, name)]
    return bool(codes) and all(
        "getattr" in read or read <= set(code.co_varnames[: min(code.co_argcount, 1)])
        for code in codes
        for read in _read_when_setting(code, name)
    )


def _read_when_setting(code: types.CodeType, name: str) -> Iterator[set[str]]:
    """The variables, and `getattr`, that each statement reads that sets an attribute."""
    read: set[str] = set()
    jumped = False
    for step in instructions(code):
        if step.starts_line and jumped:
            read = set()  # that was a condition
        if step.opname.startswith(_LOADING) or step.argval == "getattr":
            read.update(step.argval if type(step.argval) is tuple else (step.argval,))
        if step.opname == "STORE_ATTR" and step.argval == name:
            yield read
        if step.opname.startswith(("STORE_", "RETURN_")) or (step.opname == "POP_TOP" and not jumped):
            read = set()
        jumped = "JUMP" in step.opname or step.opname == "NOT_TAKEN"


def storing_class(cls: type, name: str) -> type | None:
    """The class whose code sets the attribute, the class itself or one of its bases; None where none of them does."""
    return next(
        (
            base
            for base in mro_of(cls)
            if any(_sets(each.__code__, name) for _, each in own_functions_of(base))
        ),
        None,
    )


def is_read_by(cls: type, name: str) -> bool:
    """Whether code of a class reads such an attribute; that of a dataclass, which is generated, does not count."""
    codes = (function.__code__ for _, function in functions_of(cls))
    return any(
        step.argval == name and step.opname.startswith(("LOAD_ATTR", "LOAD_METHOD"))
        for code in codes
        if name in code.co_names and str.__str__(code.co_filename)[:1] != "<"
        for step in instructions(code)
    )


def _sets(code: types.CodeType, name: str) -> bool:
    if name not in code.co_names:
        return False
    return any(step.opname == "STORE_ATTR" and step.argval == name for step in instructions(code))


def is_set_later(cls: type, name: str, variables: dict[str, Any]) -> bool:
    """Whether code other than a class's ``__init__`` sets such an attribute, so that its value changes.

    ``variables`` are the global ones of the code that reads it, whose functions and classes are looked through.
    """
    values = gc.get_referents(variables)
    classes = [cls, *(each for each in values if type(each) is type)]
    functions = [("", each) for each in values if type(each) is types.FunctionType]
    functions += [each for own in classes for each in functions_of(own)]
    codes = (
        each for own, function in functions for each in _with_inner(function.__code__, own == "__init__")
    )
    return any(_sets(code, name) for code in codes)


def _with_inner(code: types.CodeType, inner_alone: bool) -> list[types.CodeType]:
    """A function's code and that of the functions in it."""
    found, pending = [], [code]
    while pending:
        found.append(pending.pop())
        pending += [each for each in found[-1].co_consts if type(each) is types.CodeType]
    return found[inner_alone:]


def clearing_method(cls: type, name: str) -> str | None:
    """The method of a class that ends something (``close``, ``unlink``, ...) and lets go of its own attribute.

    One that may say that it is not to be had (Artist.remove of what was never added) is none.
    """
    codes = _codes_by_name(cls)
    for ending in _WITH_EXITS:
        run = _run_by(codes, ending)
        if any(_clears(code, name, its_own=True) for code in run) and not any(map(_refuses, run)):
            return ending
    return None


def _refuses(code: types.CodeType) -> bool:
    return "NotImplementedError" in code.co_names


@dataclass(frozen=True)
class Ended:
    """What a method does that ends an object.

    Attributes
    ----------
    codes : its code, and that of what it calls of the same object.
    goes_on : whether it calls the method of that name of other objects, or clears what they have.
    wipes_others : whether it clears all attributes of other objects at once (``part.__dict__.clear()``).
    followed : the attributes by which it gets to others.
    """

    codes: list[types.CodeType]
    goes_on: bool
    wipes_others: bool
    followed: frozenset[str]

    def lets_go_of(self, name: str) -> bool:
        """Whether it lets go of an attribute."""
        return bool(name) and any(_clears(code, name) for code in self.codes)


def ended_by(cls: type, method: str) -> Ended | None:
    """What a method of a class does that ends something; None where the class has no such method."""
    codes = _run_by(_codes_by_name(cls), method)
    if not codes:
        return None
    wiping = [code for code in codes if _wipes(code)]
    going_on = wiping or [code for code in codes if _calls_of_another(code, method)]
    followed = {
        step.argval
        for code in going_on
        for step in instructions(code)
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD")
    }
    return Ended(codes, bool(going_on), bool(wiping), frozenset(followed))


def _codes_by_name(cls: type) -> dict[str, list[types.CodeType]]:
    codes: dict[str, list[types.CodeType]] = defaultdict(list)
    for own, function in functions_of(cls):
        codes[own].append(function.__code__)
    return codes


def _run_by(codes: dict[str, list[types.CodeType]], method: str) -> list[types.CodeType]:
    """A method's code and that of what it calls of its object; what its bases have counts where it is called."""
    first = codes.get(method, [])[:1]
    called = [each for code in first for other in _called_on_itself(code) for each in codes.get(other, [])]
    return [*first, *called]


def _calls_of_another(code: types.CodeType, method: str) -> bool:
    """Whether code calls a method of something else than its own object, a class or `super()`."""
    steps = instructions(code)
    return any(
        step.argval == method
        and step.opname in ("LOAD_ATTR", "LOAD_METHOD")
        and not _is_itself(code, before)
        and before.opname != "LOAD_GLOBAL"
        and "CALL" not in before.opname
        for before, step in itertools.pairwise(steps)
    )


def _wipes(code: types.CodeType) -> bool:
    steps = instructions(code)
    return any(
        owner.opname.startswith("LOAD_FAST")
        and not _is_itself(code, owner)
        and (space.argval, clear.argval) == ("__dict__", "clear")
        for owner, space, clear in zip(steps, steps[1:], steps[2:], strict=False)
    )


def _is_itself(code: types.CodeType, step: dis.Instruction) -> bool:
    """Whether an instruction loads the object that a method is called of."""
    loaded = (step.argval,) if step.opname == "LOAD_DEREF" else _loads(step)[-1:]
    return loaded == code.co_varnames[:1] and code.co_argcount > 0


def _called_on_itself(code: types.CodeType) -> set[str]:
    """The methods that a method names of its own object, or of a class or `super()`, and not of another object."""
    names = set()
    before = None
    for step in instructions(code):
        if step.opname.startswith("LOAD_SUPER_") or (
            step.opname in ("LOAD_ATTR", "LOAD_METHOD")
            and before is not None
            and (_is_itself(code, before) or before.opname == "LOAD_GLOBAL" or "CALL" in before.opname)
        ):
            names.add(step.argval)
        before = step
    return names


def _loads(step: dis.Instruction) -> tuple[str, ...]:
    """The local variables that an instruction loads, in that order."""
    if not step.opname.startswith("LOAD_FAST"):
        return ()
    return step.argval if type(step.argval) is tuple else (step.argval,)


def is_always_itself(cls: type, name: str) -> bool:
    """Whether all code of a class that sets the attribute sets it to the object itself, as far as that is there."""
    codes = [function.__code__ for _, function in functions_of(cls)]
    return all(map(_sets_to_itself, codes, repeat(name)))


def is_always_in_a_container_of_its_own(cls: type, name: str) -> bool:
    """Whether a class sets the attribute, always to a new list, tuple or set of the object itself: `[self]`."""
    codes = [function.__code__ for _, function in functions_of(cls) if name in function.__code__.co_names]
    setting = [code for code in codes if any(_is_set_by(step, name) for step in instructions(code))]
    return bool(setting) and all(_sets_to_itself(code, name, built=True) for code in setting)


def _is_set_by(step: dis.Instruction, name: str) -> bool:
    return step.opname in ("STORE_ATTR", "DELETE_ATTR") and step.argval == name


def _sets_to_itself(code: types.CodeType, name: str, *, built: bool = False) -> bool:
    """Whether all that sets the attribute is `self.name = self`; ``built``: `self.name = [self]`, or a tuple."""
    if name not in code.co_names:
        return True
    loaded: tuple[str, ...] = ()
    itself, is_built = code.co_varnames[:1] * 2, False
    for step in instructions(code):
        if step.is_jump_target:  # `other or self` is not always the object
            loaded, is_built = (), False
        is_other = loaded[-2:] != itself or is_built != built
        if step.opname == "STORE_ATTR" and step.argval == name and is_other:
            return False
        if step.opname in _EMPTY and step.arg == 1:
            is_built = True
        elif _loads(step):
            loaded = (*loaded, *_loads(step))
        else:
            loaded, is_built = (), False
    return True


def _clears(code: types.CodeType, name: str, *, its_own: bool = False) -> bool:
    """Whether code lets go of an attribute of that name; ``its_own``: of the object that it is called of."""
    if name not in code.co_names and "__dict__" not in code.co_names:
        return False
    steps = instructions(code)
    for place, step in enumerate(steps):
        following = steps[place + 1] if place + 1 < len(steps) else step
        if its_own and not _is_itself(code, steps[place - 1]):
            continue
        if step.argval == "__dict__" and following.argval == "clear":
            return True
        if step.argval != name:
            continue
        if step.opname == "DELETE_ATTR" or (step.opname == "STORE_ATTR" and _is_empty(steps[:place])):
            return True
        if step.opname.startswith("LOAD_") and following.argval in _TAKING_OUT:
            return True
    return False


def _is_empty(steps: Steps) -> bool:
    """Whether the statement that ends with a store, whose steps before it these are, stores None or something empty."""
    for step in reversed(steps):
        if step.opname in _CONSTANTS and _is_nothing(step.argval):
            return True
        if step.opname in _EMPTY and not step.arg:
            return True
        if step.opname in ("STORE_FAST", "POP_TOP", "RESUME") or "CALL" in step.opname:
            return False
    return False


def _is_nothing(value: Any) -> bool:
    return value is None or (type(value) is tuple and all(each is None for each in value))
