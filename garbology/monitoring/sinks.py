"""Where a monitor's records can go: a file of JSON lines, the log, Prometheus; or any callable that takes a dict."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from garbology.monitoring.seen import PAUSE_BUCKETS_SECONDS
from garbology.monitoring.wording import name_of, totals
from garbology.text.layout import human_bytes

_MOST_SHAPES_LOGGED = 3


class JsonLines:
    """One record a line, appended to a file; `tail -f` follows it.

    The shapes of a record are those that changed since the one before: of each, the latest line has the figures. The
    upper end of an interval grows with every collection that is not analysed: it may be a tenth larger than was
    written, until the last record.

    Parameters
    ----------
    path : the file; it and its rotated forms are readable by their owner alone.
    most_bytes : where it would be longer, it becomes ``path.1``, that becomes ``path.2`` and so on.
    kept : how many such older files.
    """

    def __init__(self, path: str | os.PathLike[str], *, most_bytes: int = 10_000_000, kept: int = 3) -> None:
        if most_bytes < 1 or kept < 0:
            raise ValueError(f"most_bytes is above 0 and kept at least 0, got {most_bytes!r} and {kept!r}")
        self._path = Path(path)
        self._most_bytes = most_bytes
        self._kept = kept
        self._told: dict[int, tuple[float, str, bool]] = {}

    def __call__(self, record: dict[str, Any]) -> None:
        """Append a record."""
        line = (json.dumps(self._changed(record), allow_nan=False) + "\n").encode()
        if self._size() and self._size() + len(line) > self._most_bytes:
            self._rotate()
            line = (json.dumps(record, allow_nan=False) + "\n").encode()  # a file is complete by itself
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "ab") as file:
            file.write(line)

    def _changed(self, record: dict[str, Any]) -> dict[str, Any]:
        told, self._told = self._told, {}
        changed = []
        for shape in record["shapes"]:
            key, advised = shape["number"], shape["shape"]["advice"] is not None
            figures = self._told[key] = shape["objects"], f"{shape['objects_high']:.1e}", advised
            if told.get(key) != figures or (
                record.get("final") and shape["objects"] != shape["objects_high"]
            ):
                changed.append(shape)
        return {**record, "shapes": changed}

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _rotate(self) -> None:
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{n + 1}") for n in range(self._kept))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            with suppress(FileNotFoundError):
                newer.replace(older)
        if not self._kept:
            self._path.unlink()


class Logged:
    """A line in the log for each record, and one for each of its largest shapes.

    Parameters
    ----------
    logger : by itself the one called 'garbology'.
    level : by itself INFO.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.INFO) -> None:
        self._logger = logger or logging.getLogger("garbology")
        self._level = level

    def __call__(self, record: dict[str, Any]) -> None:
        """Log a record."""
        generations = record["generations"]
        pause = sum(each["pause_seconds"] for each in generations)
        longest = max(each["longest_pause_seconds"] for each in generations)
        done = totals(record["collections"], record["collected"], pause, longest)
        self._logger.log(self._level, "%s; analyses took %.2g s", done, record["analysis_seconds"])
        for shape in record["shapes"][:_MOST_SHAPES_LOGGED]:
            self._logger.log(
                self._level,
                "about %s objects, %s: %s",
                f"{shape['objects']:,.0f}",
                human_bytes(shape["bytes"]),
                name_of(shape["shape"]),
            )


class Prometheus:
    """Metrics for `prometheus_client`, the extra ``prometheus``: pauses, collections, objects, the largest shapes.

    By generation ``garbology_collections_total``, ``garbology_collected_objects_total``,
    ``garbology_uncollectable_objects_total`` and the histogram ``garbology_pause_seconds``; by the name of the shape
    the estimates ``garbology_shape_bytes`` and ``garbology_shape_objects``, of at most ``most_shapes`` shapes.

    Parameters
    ----------
    registry : of `prometheus_client`; by itself the one that its server shows.
    most_shapes : bounds how many different labels there are at a time.

    Raises
    ------
    ImportError : `prometheus_client` is not installed.
    """

    def __init__(self, registry: Any = None, *, most_shapes: int = 20) -> None:
        try:
            import prometheus_client
        except ModuleNotFoundError:
            raise ImportError(
                "garbology.monitoring.sinks.Prometheus needs prometheus_client: pip install 'garbology[prometheus]'"
            ) from None
        self._most_shapes = most_shapes
        self._record: dict[str, Any] | None = None
        (registry or prometheus_client.REGISTRY).register(self)

    def __call__(self, record: dict[str, Any]) -> None:
        """What is shown from now on."""
        self._record = record

    def collect(self) -> Any:
        """For the registry: the metrics of the latest record."""
        record = self._record
        if record is None:
            return
        yield from self._by_generation(record["generations"])
        yield from self._by_shape(record["shapes"][: self._most_shapes])

    def _by_generation(self, generations: list[dict[str, Any]]) -> Any:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        for name, key, text in (
            ("collections", "collections", "Runs of the cyclic collector"),
            ("collected_objects", "collected", "Objects that the cyclic collector freed"),
            ("uncollectable_objects", "uncollectable", "Objects that it found and could not free"),
        ):
            counter = CounterMetricFamily(f"garbology_{name}", text, labels=["generation"])
            for each in generations:
                counter.add_metric([str(each["generation"])], each[key])
            yield counter
        pauses = HistogramMetricFamily(
            "garbology_pause_seconds", "Pauses of the cyclic collector", labels=["generation"]
        )
        for each in generations:
            pauses.add_metric(
                [str(each["generation"])], _cumulative(each["pause_counts"]), each["pause_seconds"]
            )
        yield pauses

    def _by_shape(self, shapes: list[dict[str, Any]]) -> Any:
        from prometheus_client.core import GaugeMetricFamily

        by_name: dict[str, tuple[float, float]] = {}
        for each in shapes:
            name = name_of(each["shape"])
            known_bytes, known_objects = by_name.get(name, (0.0, 0.0))
            by_name[name] = known_bytes + each["bytes"], known_objects + each["objects"]
        size = GaugeMetricFamily(
            "garbology_shape_bytes", "Bytes freed with cycles of a shape so far, estimated", labels=["shape"]
        )
        count = GaugeMetricFamily(
            "garbology_shape_objects",
            "Objects freed with cycles of a shape so far, estimated",
            labels=["shape"],
        )
        for name, (in_bytes, in_objects) in by_name.items():
            size.add_metric([name], in_bytes)
            count.add_metric([name], in_objects)
        yield size
        yield count


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for end, count in zip([*map(str, PAUSE_BUCKETS_SECONDS), "+Inf"], counts, strict=True):
        total += count
        buckets.append((end, float(total)))
    return buckets
