"""What a running program leaves to the collector, counted at each collection and explained in a sample of them."""

from pathlib import Path


def startup_directory() -> Path:
    """What an interpreter that is to be recorded has on its PYTHONPATH."""
    return Path(__file__).with_name("startup")
