"""How many bytes the allocators have handed out, and how many they hold: pymalloc's figures and the C library's.

RSS tells neither: it moves by pages and arenas, and does not fall when objects are freed. What was handed out is known
to the byte. pymalloc tells its figures by ``sys._debugmallocstats``, which writes to the C library's ``stderr``: for
that one call the variable points to a stream in memory, and the file descriptor is left alone. glibc tells its own by
``mallinfo2`` (2.33 and newer). A reading takes about 0.2 ms. While tracemalloc runs, pymalloc tells nothing, and the
traces have the size of each block.
"""

from __future__ import annotations

import functools
import re
import sys
import tracemalloc
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from types import MethodType
from typing import Any

from garbology.interpreter import collector

try:
    import ctypes
except ImportError:  # pragma: no cover - builds without libffi, WebAssembly
    ctypes = None  # type: ignore[assignment]

_ARENAS = re.compile(rb"(\d+) arenas \* (\d+) bytes/arena")
_IN_BLOCKS = re.compile(rb"# bytes in allocated blocks\s*=\s*([\d,]+)")
_FREE = re.compile(rb"(\d+) free (?:(\d+)-sized )?Py(\w+?)Objects? \* (\d+) bytes each")
_MIMALLOC = re.compile(rb"Allocated Bytes: (\d+).*Bytes Committed: (\d+)", re.DOTALL)
# What is printed leaves out the collector's header, and of the keys of a dictionary all but their own header.
_FREE_BYTES = {
    b"Dict": sys.getsizeof({}),
    b"DictKeys": sys.getsizeof({"a": 1}) - sys.getsizeof({}),
    b"Float": sys.getsizeof(1.0),
    b"List": sys.getsizeof([]),
}
_TUPLE_BYTES, _WORD = sys.getsizeof(()), 8
# As many as CPython's lists have of what was freed, 80 keys, 100 numbers; a list that grows would take blocks itself.
_FREED: list[object] = [None] * 100
# What makes one of each kind of which CPython has a list that it does not tell of. A copy of a dictionary has keys that
# are not taken from the list and are put there when it goes, so a program's list grows until it is full.
_UNTOLD: tuple[Callable[[], object], ...] = ()
if sys.version_info < (3, 13):
    _UNTOLD = ({"a": None}.copy,)
elif sys.version_info >= (3, 14):
    _UNTOLD = (
        (1 << 20).__neg__,
        (1 + 1j).conjugate,
        partial(MethodType, len, ()),
        partial(getattr, (), "count"),
        partial(iter, _FREED),
        partial(iter, ()),
        partial(range, 1),
        partial(iter, range(1)),
    )
CACHED_BYTES = range(24, 1_033, 16)  # what the tcache keeps, by size
_MOST_CACHED = 128  # of each; 7 by itself
_PYMALLOC_BYTES = 512
_CHUNK_HEADER_BYTES = 8
# Of a trace in tracemalloc's tables; `malloc` has a chunk of 48 for it, and one of 32 with its size and traceback.
_ENTRY_BYTES, _TRACE_BYTES, _HOOKED_TRACE_BYTES = 32, 48 + 32, 48 + 32 + 16
_HOOK_BYTES = 24  # size, kind and fences of debug hooks, at each block of Python's
_FEW = 3
_LONG_SECONDS = 0.002
_NO_BLOCKS = array("Q")
_FIELDS = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


@dataclass(frozen=True)
class Allocated:
    """What the allocators have at one moment, in bytes.

    Attributes
    ----------
    python_used, python_held : blocks of pymalloc's that are handed out; the arenas that it holds for them. Up to 512
        bytes, Python's objects and tables are there.
    c_used, c_held : the same of `malloc`, of the whole process: larger blocks of Python's, and all of C code. The
        tables of `tracemalloc` are left out, which have a part of each trace: see :func:`untold_trace_bytes`.
    traced : what `tracemalloc` has seen allocated and not freed; None where it does not run. While it runs pymalloc
        tells nothing, and ``python_used`` and ``python_held`` are 0.
    """

    python_used: int
    python_held: int
    c_used: int
    c_held: int
    traced: int | None = None

    @property
    def used(self) -> int:
        """All that is handed out."""
        return self.python_used + self.c_used

    @property
    def held(self) -> int:
        """All that the system has given and not got back."""
        return self.python_held + self.c_held

    @property
    def kept(self) -> int:
        """All that was freed, or never handed out, and is not given back to the system."""
        return self.held - self.used


def read_allocated() -> Allocated | None:
    """The figures of now; None where they cannot be read."""
    reader = _reader()
    if reader is None:
        return None
    _fill_untold_lists()
    reader.forget_names()
    if not tracemalloc.is_tracing():
        text, info = reader.python_text(), reader.mallinfo()
        used, held = _python_figures(text)
        in_use = info.uordblks + info.hblkhd
        return Allocated(used, held, in_use, info.arena + info.hblkhd)
    tables, (traced, _) = tracemalloc.get_tracemalloc_memory(), tracemalloc.get_traced_memory()
    info = reader.mallinfo()
    in_use, in_all = info.uordblks + info.hblkhd - tables, info.arena + info.hblkhd - tables
    return Allocated(0, 0, in_use, in_all, traced)


@dataclass(frozen=True)
class BlockRules:
    """Which of Python's own blocks `malloc` hands out, in bytes.

    Attributes
    ----------
    above : those that are larger. 512 with pymalloc, 0 where there is none, very many where mimalloc has them all.
    extra : what debug hooks add to each block.
    """

    above: int
    extra: int


@functools.cache
def block_rules() -> BlockRules:
    """Those of this interpreter, which `PYTHONMALLOC` and debug builds change."""
    reader = _reader()
    text = b"" if reader is None else reader.python_text()
    extra = _HOOK_BYTES if reader is not None and reader.has_debug_hooks() else 0
    has_mimalloc, has_pymalloc = bool(_MIMALLOC.search(text)), bool(_ARENAS.search(text))
    if reader and tracemalloc.is_tracing() and not reader.has_small_objects(_trace_bytes(extra)):
        has_mimalloc = collector.kind() == "free-threaded"
        has_pymalloc = not has_mimalloc
    if has_mimalloc:
        return BlockRules(sys.maxsize, extra)
    return BlockRules(_PYMALLOC_BYTES - extra if has_pymalloc else 0, extra)


def untold_trace_bytes() -> int:
    """What `malloc` has handed out for each trace of tracemalloc's beyond what that tells of its tables."""
    return _trace_bytes(block_rules().extra) - _ENTRY_BYTES


def _trace_bytes(extra: int) -> int:
    return _HOOKED_TRACE_BYTES if extra else _TRACE_BYTES


def block_bytes(size: Any) -> Any:
    """What pymalloc takes for a block (or for each of an array of sizes): steps of 16 bytes."""
    return (size + 15) // 16 * 16


def chunk_bytes(size: Any) -> Any:
    """What `malloc` takes for a block (or for each of an array of sizes): a header of 8 bytes, in steps of 16."""
    return block_bytes(size + _CHUNK_HEADER_BYTES)


def _fill_untold_lists() -> None:
    """Have CPython's lists of what was freed be full where it does not tell of them, as they are at each reading then.

    What is in them counts as handed out. The instrument's work fills them, and what a program keeps is taken from them:
    a growth of integers would be missed. A collection empties them.
    """
    for make in _UNTOLD:
        for place in range(len(_FREED)):
            _FREED[place] = make()
        for place in range(len(_FREED)):
            _FREED[place] = None


def _python_figures(text: bytes) -> tuple[int, int]:
    """Bytes in use and bytes held, from what pymalloc or mimalloc tells; 0 where all is the C library's."""
    arenas, blocks, mimalloc = _ARENAS.search(text), _IN_BLOCKS.search(text), _MIMALLOC.search(text)
    if arenas and blocks:
        used, held = int(blocks[1].replace(b",", b"")), int(arenas[1]) * int(arenas[2])
    else:
        used, held = (int(mimalloc[1]), int(mimalloc[2])) if mimalloc else (0, 0)
    return used - sum(_free_bytes(*found) for found in _FREE.findall(text)), held


def _free_bytes(number: bytes, items: bytes, kind: bytes, told: bytes) -> int:
    """What one of CPython's free lists has: objects that were freed, and whose blocks are handed out all the same."""
    if number == b"0":
        return 0
    block = _TUPLE_BYTES + _WORD * int(items) if items else _FREE_BYTES.get(kind, int(told))
    return int(number) * int(block_bytes(block + block_rules().extra))


class Reserves:
    """Has work of the instrument's own leave the lists of freed blocks as they were: ``with reserves: ...``.

    What is freed waits in lists for the next of its kind, counts as handed out meanwhile, and hides what takes it.
    glibc has such lists for each thread (tcache). What is in them before the work is set aside, and put back after it;
    what the work has put there is kept out of them until the next time. CPython's own are left: a reading knows what is
    in them. Nothing is done where it would take long.
    """

    __slots__ = ("_aside", "_does", "_spare")

    def __init__(self) -> None:
        self._aside = self._spare = _NO_BLOCKS
        self._does = False

    def __enter__(self) -> None:
        reader = _reader()
        self._does = reader is not None and not reader.is_slow()
        if reader is not None and self._does:
            self._aside, further = reader.emptied()
            reader.free_each(self._spare)
            self._spare = further

    def __exit__(self, *error: object) -> None:
        reader = _reader()
        if reader is not None and self._does:
            found, further = reader.emptied()
            self._spare = self._spare + found + further
            reader.free_each(self._aside)
            self._aside = _NO_BLOCKS

    def kept(self) -> list[object]:
        """What is the instrument's own of it; the collector tracks arrays from 3.12 on."""
        return [self, self._aside, self._spare]

    def let_go(self) -> None:
        """Nothing is kept any more."""
        reader = _reader()
        if reader is not None:
            reader.free_each(self._spare)
            self._spare = _NO_BLOCKS


class _Reader:
    """The C library's functions, and one stream in memory, which is never closed: another thread may be writing."""

    def __init__(self, libc: Any) -> None:
        fields = [(name, ctypes.c_size_t) for name in _FIELDS]
        info = type("_MallInfo", (ctypes.Structure,), {"_fields_": fields})
        self.mallinfo = libc.mallinfo2
        self.mallinfo.restype, self.mallinfo.argtypes = info, []
        self._text, self._size = ctypes.c_void_p(), ctypes.c_size_t()
        libc.open_memstream.restype = ctypes.c_void_p
        libc.open_memstream.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._stream = libc.open_memstream(ctypes.byref(self._text), ctypes.byref(self._size))
        if not self._stream:
            raise MemoryError("open_memstream")
        self.malloc, self.free = libc.malloc, libc.free
        self.malloc.restype, self.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        self.free.restype, self.free.argtypes = None, [ctypes.c_void_p]
        self._found = array("Q", bytes(8 * _MOST_CACHED * len(CACHED_BYTES)))
        self._further = array("Q", bytes(8 * len(CACHED_BYTES)))
        # CPython's cache of what types have by a name keeps the names, 4,096 at most. C code that asks by a text (as
        # xml.etree.ElementTree.XMLParser does, eight times) has a new name each time, so it fills as a leak would.
        self.forget_names = ctypes.pythonapi.PyType_ClearCache
        self._flush, self._rewind = libc.fflush, libc.rewind
        self._flush.argtypes = self._rewind.argtypes = [ctypes.c_void_p]
        self._stderr = ctypes.c_void_p.in_dll(libc, "stderr")

    def has_debug_hooks(self) -> bool:
        """Whether a block of Python's takes more than its size."""
        sizes = range(20_000, 20_000 + 16 * len(_FREED), 16)
        known = sum(chunk_bytes(sys.getsizeof(bytes(size))) for size in sizes)
        taken = self._taken_by(lambda place: bytes(sizes[place]), _TRACE_BYTES)
        return taken > float(known + len(sizes) * _HOOK_BYTES / 2)

    def has_small_objects(self, trace_bytes: int) -> bool:
        """Whether `malloc` hands out the blocks of small objects, too: there is neither pymalloc nor mimalloc."""
        return self._taken_by(lambda place: object(), trace_bytes) > len(_FREED) * sys.getsizeof(object())

    def _taken_by(self, make: Callable[[int], object], trace_bytes: int) -> float:
        """What `malloc` hands out for a hundred that are made, less what tracemalloc takes for each.

        The median of a few: once its tables may grow.
        """
        return sorted(self._taken_once(make, trace_bytes) for _ in range(_FEW))[_FEW // 2]

    def _taken_once(self, make: Callable[[int], object], trace_bytes: int) -> float:
        before, told_before = self.mallinfo().uordblks, tracemalloc.get_tracemalloc_memory()
        for place in range(len(_FREED)):
            _FREED[place] = make(place)
        used, told = self.mallinfo().uordblks - before, tracemalloc.get_tracemalloc_memory() - told_before
        for place in range(len(_FREED)):
            _FREED[place] = None
        return float(used - told * trace_bytes / _ENTRY_BYTES)

    def is_slow(self) -> bool:
        """Whether to ask for the sum of what is in use takes long: glibc goes through all free blocks for it.

        At the best of a few times: the first finds none of these blocks in the processor's caches.
        """
        times = [perf_counter()]
        for _ in range(_FEW):
            self.mallinfo()
            times.append(perf_counter())
        return min(map(float.__sub__, times[1:], times)) > _LONG_SECONDS

    def emptied(self) -> tuple[array[int], array[int]]:
        """Take all blocks out of this thread's lists: these, and those that were got to see that a list was empty.

        A list is empty when what is handed out makes the sum of what is in use rise.
        """
        # Blocks, in slots that were there before: a list that grows would take some itself.
        found = further = 0
        used = self.mallinfo().uordblks
        for size in CACHED_BYTES:
            for _ in range(_MOST_CACHED):
                before, block = used, self.malloc(size)
                used = self.mallinfo().uordblks
                if used > before:
                    self._further[further] = block
                    further += 1
                    break
                self._found[found] = block
                found += 1
        return self._found[:found], self._further[:further]

    def free_each(self, blocks: array[int]) -> None:
        """Give blocks back, the last first: so they are handed out again in the same order."""
        for block in reversed(blocks):
            self.free(block)

    def python_text(self) -> bytes:
        """What `sys._debugmallocstats` writes."""
        before = self._stderr.value
        self._stderr.value = self._stream
        try:
            sys._debugmallocstats()
        finally:
            self._stderr.value = before
        self._flush(self._stream)
        text = ctypes.string_at(self._text, self._size.value)
        self._rewind(self._stream)
        return text


@functools.cache
def _reader() -> _Reader | None:
    if ctypes is None or not sys.platform.startswith("linux") or not hasattr(sys, "_debugmallocstats"):
        return None
    libc = ctypes.CDLL(None)
    needed = ("gnu_get_libc_version", "mallinfo2", "open_memstream", "stderr", "fflush", "rewind")
    try:
        return _Reader(libc) if all(hasattr(libc, name) for name in needed) else None
    except (AttributeError, MemoryError, OSError, ValueError):
        return None


def trim() -> bool:
    """Have the C library give back what it can (``malloc_trim``); whether anything was."""
    reader = _reader()
    return reader is not None and bool(ctypes.CDLL(None).malloc_trim(0))
