"""How much is measured: the sizes that the goals are for, or a quick run's, which shows that everything runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Sizes and rounds of one run."""

    quick: bool = False
    rounds: int = 5
    objects: int = 2_000_000  # of a heap
    peer_objects: tuple[int, ...] = (200_000, 400_000)
    growing_objects: tuple[int, ...] = (125_000, 500_000, 2_000_000)
    live_objects: int = 5_000_000
    operations: int = 20_000  # of a graph
    growing_operations: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    growing_branches: tuple[int, ...] = (1_000, 10_000, 100_000)
    wide_operations: int = 4_000  # where all engines are compared: DeZero's time grows with the square
    array_items: int = 100_000
    program_seconds: float = 2.0
    tests: int = 1_000
    long_tests: int = 100
    repeats: int = 30  # of a small block, in one process
    installs: bool = True
    default_scale: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


QUICK = Settings(
    quick=True,
    rounds=2,
    objects=20_000,
    peer_objects=(10_000,),
    growing_objects=(10_000, 40_000),
    live_objects=100_000,
    operations=500,
    growing_operations=(200, 2_000),
    growing_branches=(200, 2_000),
    wide_operations=200,
    array_items=1_000,
    program_seconds=0.05,
    tests=20,
    long_tests=4,
    repeats=5,
)


def of_objects(settings: Settings, objects: int) -> Settings:
    """The same with heaps of so many objects, and whatever is measured of heaps no larger than that."""
    return replace(
        settings,
        objects=objects,
        peer_objects=tuple(dict.fromkeys(min(each, objects) for each in settings.peer_objects)),
        growing_objects=tuple(max(1, objects // part) for part in (16, 4, 1)),
        live_objects=min(settings.live_objects, 5 * objects),
    )


def up_to(settings: Settings, largest: int) -> Settings:
    """The same with the growth of time and memory measured up to so many objects."""
    sizes = [each for each in settings.growing_objects if each < largest]
    return replace(settings, growing_objects=(*sizes, largest))
