"""The parts of the pytest plugin: :mod:`garbology.pytest_plugin` imports them when there is something to watch."""
