"""From what a user writes to a sweep: the scheduler, the code that travels, the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from garbology.cluster.code import code_of
from garbology.cluster.dask import connected
from garbology.cluster.sweep import Sweep, Wanted


@contextmanager
def opened(
    scheduler: str,
    targets: Sequence[str],
    pythons: Sequence[str],
    *,
    matrix: bool,
    say: Callable[[str], None],
) -> Iterator[Sweep]:
    """The sweep of the studies at `targets` over a scheduler's workers; LostError where there is no scheduler."""
    with connected(scheduler) as transport:
        code = code_of(targets)
        with Sweep(transport, code, Wanted(tuple(pythons), matrix), say) as sweep:
            yield sweep
