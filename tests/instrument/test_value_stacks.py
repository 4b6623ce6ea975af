"""What is on the value stack of a running function is told from what was there before."""

import contextlib
import dis
import gc
import sys
import types

import pytest

from garbology.interpreter import stack_depth, thread_stacks
from garbology.interpreter.frame_layout import local_names
from garbology.interpreter.stack_depth import slots_in_use

BYTECODE_NEEDED = pytest.mark.skipif(
    not (3, 11) <= sys.version_info < (3, 14), reason="the stack's end is unknown from 3.11 to 3.13 alone"
)


class Node:
    pass


def deep(*arguments):
    return len(arguments)


def stack_of(function):
    """The ids on the value stack of a running function."""
    running = thread_stacks.running_frames()
    return next(each.stack_ids for each in running if each.frame.f_code is function.__code__)


def noted(obj, ids):
    ids.append(id(obj))
    return obj


def through_c(*waiting):
    """Drops an object from deep in its stack, then waits in a C function."""
    ids = []
    deep(1, 2, 3, 4, 5, noted(Node(), ids))
    return ids[0], [*waiting, max(map(stack_of, [through_c]), key=len)]


def through_a_loop():
    """The same in a loop that a C function carries on."""
    ids = []
    deep(1, 2, 3, 4, 5, noted(Node(), ids))
    for stack in map(stack_of, [through_a_loop]):
        found = stack
    return ids[0], [found]


def through_a_handler():
    """The same where an exception is handled and a block is open."""
    ids = []
    deep(1, 2, 3, 4, 5, 6, 7, 8, noted(Node(), ids))
    with contextlib.nullcontext():
        try:
            raise LookupError
        except LookupError:
            return ids[0], [next(map(stack_of, [through_a_handler]))]


@pytest.mark.parametrize("wait", [through_c, through_a_loop, through_a_handler])
def test_what_a_function_had_on_its_stack_it_does_not_hold(wait):
    """An address that lies beyond the end belongs to an object that was freed, or to a new one that nothing holds."""
    dropped, [*_, stack] = wait()
    assert dropped not in stack


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the value stack is not seen up to 3.10")
def test_what_waits_below_a_call_is_held():
    """The parts of an unfinished expression are in use until it is finished."""
    node = Node()
    _, [*_, stack] = through_c(node)
    assert id(max) in stack


@BYTECODE_NEEDED
@pytest.mark.parametrize("module", [contextlib, dis])
def test_the_depth_is_the_compilers(module):
    """At each instruction that can be reached it is known, and never more than the stack has room for."""
    with open(module.__file__, encoding="utf-8") as source:
        whole = compile(source.read(), module.__file__, "exec")
    unknown = []
    for code in list(codes_in(whole))[::5]:
        depths = {each.offset: slots_in_use(code, each.offset) for each in dis.get_instructions(code)}
        unknown += [(code.co_name, offset) for offset, depth in list(depths.items())[:-1] if depth is None]
        known = [depth for depth in depths.values() if depth is not None]
        assert code.co_stacksize - 2 <= max(known) <= code.co_stacksize
    assert len(unknown) <= 2


def codes_in(code):
    yield code
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from codes_in(constant)


class Operand:
    """Looks at the stack of what uses it, from inside the operation."""

    def __init__(self, function, ends):
        self.function, self.ends = function, ends

    def look(self, *others, **more):
        frame = next(
            each for each in thread_stacks.frames_of(sys._getframe()) if each.f_code is self.function.__code__
        )
        slots = len(local_names(frame.f_code))
        _, end = thread_stacks._read(frame, slots + frame.f_code.co_stacksize)
        if end is not None:
            end -= slots
        self.ends.append((end, slots_in_use(frame.f_code, frame.f_lasti)))
        return False

    def compared(self, other):
        self.look()
        return self

    def __iter__(self):
        self.look()
        return iter(())

    __add__ = __radd__ = __getitem__ = __eq__ = __lt__ = compared
    __bool__ = __index__ = __hash__ = __call__ = __contains__ = __delitem__ = look
    __neg__ = __getattr__ = look


def operations(operand):
    """Instructions that call C code, which calls something in Python."""
    kept = [1, operand + 1, [2, 1 + operand, {operand: operand, 3: operand}], {operand}, operand[4]]
    kept += [operand.missing, -operand, not operand, [*operand], operand == 5, sorted([operand, operand])]
    kept += [6 in operand, max(map(operand.look, [7, 8])), operand(9, key=operand), (10, *operand)]
    del operand[11]
    for each in operand:
        kept.append(each)
    with contextlib.ExitStack() as stack:
        stack.callback(operand.look)
    return kept


@pytest.mark.skipif(sys.version_info < (3, 14), reason="the end is written down from 3.14 on")
def test_from_3_14_the_end_is_written_down_while_c_code_is_called():
    """It is known in the middle of every operation, and never beyond what the compiler counted."""
    ends = []
    operations(Operand(operations, ends))
    assert len(ends) >= 20
    assert [(end, most) for end, most in ends if end is None or not 0 <= end <= most] == []


def test_code_that_was_rewritten_has_no_known_depth():
    """Whatever a program has put into its code, the answer is None and no error."""
    code = deep.__code__.replace(co_code=bytes([dis.opmap["POP_TOP"], 0] * 8))
    assert slots_in_use(code, 4) is None
    assert slots_in_use(deep.__code__, 10_000) is None


@BYTECODE_NEEDED
def test_a_function_is_disassembled_once(monkeypatch):
    """What is worked out of its bytecode serves every later look, and nothing new is tracked for it."""
    monkeypatch.setattr(stack_depth, "_known", {})
    asked = []
    instructions = dis.get_instructions
    monkeypatch.setattr(dis, "get_instructions", lambda code: asked.append(code) or instructions(code))
    depths = {slots_in_use(deep.__code__, 4) for _ in range(3)}
    assert len(depths) == len(asked) == 1
    assert slots_in_use(deep.__code__.replace(co_name="like"), 4) in depths
    assert slots_in_use(through_c.__code__, 4) is not None
    assert asked == [deep.__code__, through_c.__code__]
    assert not any(map(gc.is_tracked, [*stack_depth._known, *stack_depth._known.values()]))


@BYTECODE_NEEDED
def test_only_so_much_bytecode_is_remembered(monkeypatch):
    """A program that makes functions for ever does not fill the memory with their depths."""
    monkeypatch.setattr(stack_depth, "_known", {})
    monkeypatch.setattr(stack_depth, "_MOST_KNOWN", 3)
    for size in range(10, 20):
        slots_in_use(deep.__code__.replace(co_stacksize=size), 4)
        assert len(stack_depth._known) <= 3


@BYTECODE_NEEDED
def test_no_code_of_the_program_is_asked():
    """Where a program has put an object of its own class for a part of the code, the depth is not known."""

    class Table(bytes):
        def __hash__(self):
            raise AssertionError("asked")

        __eq__ = __add__ = __radd__ = __hash__

    table = Table(through_c.__code__.co_exceptiontable)
    assert slots_in_use(through_c.__code__.replace(co_exceptiontable=table), 4) is None
