"""Recorders of what happens over time: the collector's pauses, memory, and garbage that waits.

All are context managers that put back what they changed. Importing them imports the standard library only, so
that a measured interpreter stays as it is.
"""

from garbology.recorders.allocations import TracedAllocations, traced_allocations
from garbology.recorders.census import Growth, census
from garbology.recorders.memory import MemoryUsage, PeakMemory, memory_usage, peak_memory
from garbology.recorders.pauses import Collection, Pauses, record_pauses
from garbology.recorders.sampler import MemorySamples, sample_memory
from garbology.recorders.waiting import WaitingGarbage, waiting_garbage

__all__ = [
    "Collection",
    "Growth",
    "MemorySamples",
    "MemoryUsage",
    "Pauses",
    "PeakMemory",
    "TracedAllocations",
    "WaitingGarbage",
    "census",
    "memory_usage",
    "peak_memory",
    "record_pauses",
    "sample_memory",
    "traced_allocations",
    "waiting_garbage",
]
