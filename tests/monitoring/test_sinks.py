"""Where records go: JSON lines with rotation, the log, Prometheus, any callable."""

import gc
import json
import logging
import stat
import time
import urllib.request

import pytest

import garbology
from garbology.interpreter import collector
from garbology.monitoring.budget import Budget
from garbology.monitoring.sinks import JsonLines, Logged, Prometheus
from garbology.monitoring.wording import name_of

pytestmark = pytest.mark.skipif(
    collector.kind() != "generational", reason="shapes are known on this collector alone"
)


class Node:
    def __init__(self):
        self.me = self


def leave(count):
    for _ in range(count):
        Node()
    gc.collect()


def watched(sink, works=1, **settings):
    """What a monitor saw of some work with a sink."""
    with garbology.monitor(budget=1, sink=sink, **settings) as seen:
        for number in range(works):
            leave(number + 1)
    return seen


@pytest.mark.slow
def test_a_callable_gets_records_until_the_last():
    """About each interval, in another thread than the program's; the last one says that it is the last."""
    records = []
    with garbology.monitor(budget=1, sink=records.append, interval_seconds=0.01) as seen:
        for _ in range(3):
            leave(2)
            time.sleep(0.1)
    assert len(records) > 2
    assert [each["final"] for each in records] == [False] * (len(records) - 1) + [True]
    assert records[-1]["collected"] == seen.collected
    assert sum(len(each["latest"]["pause_seconds"]) for each in records) == seen.collections


@pytest.mark.slow
def test_a_sink_that_fails_is_left_alone():
    """After three failures in a row it is called no more, with one warning; the program goes on."""
    calls = []

    def fail(record):
        calls.append(record)
        raise OSError("disk full")

    monitor = garbology.monitor(budget=1, sink=fail, interval_seconds=0.01)

    def run():
        monitor.start()
        until = time.monotonic() + 10
        while len(calls) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        leave(2)
        return monitor.stop()

    with pytest.warns(UserWarning, match="called no more.*disk full"):
        seen = run()
    assert seen.collections == 1
    assert len(calls) == 3


@pytest.mark.slow
def test_json_lines_have_what_was_seen(tmp_path):
    """Each line is JSON, the file is its owner's, and a shape is told again only where its figures changed."""
    path = tmp_path / "records.jsonl"
    seen = watched(JsonLines(path), works=3, interval_seconds=100)
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["collected"] == seen.collected
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sink = JsonLines(path)
    sink(seen.to_dict())
    sink(seen.to_dict())
    *_, first, second = map(json.loads, path.read_text().splitlines())
    assert first["shapes"]
    assert second["shapes"] == []


@pytest.mark.slow
def test_a_shape_that_gets_its_advice_later_is_the_same(monkeypatch, tmp_path):
    """An analysis advises on four new shapes; a later record of another has more to say, and takes its place."""
    monkeypatch.setattr(Budget, "probability", lambda self, generation, now: 1.0)
    kinds = [type(f"Kind{number}", (Node,), {}) for number in range(10)]
    path = tmp_path / "process-1.jsonl"
    sink = JsonLines(path)
    gc.collect()  # what other tests have left
    with garbology.monitor(budget=0.5) as live, collector.paused():
        for _ in range(5):
            for kind in kinds:
                kind()
            gc.collect()
            sink(live.to_dict())
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    latest = {shape["number"]: shape for row in rows for shape in row["shapes"]}
    advised = [sum(shape["shape"]["advice"] is not None for shape in row["shapes"]) for row in rows]
    assert advised[:3] == [4, 8, 10]
    assert sum(shape["objects"] for shape in latest.values()) == live.collected
    assert len(latest) == 10


@pytest.mark.slow
def test_an_interval_that_grows_is_told_again(tmp_path):
    """While the collections go on unanalysed; where it has grown by a tenth, and in the last record."""
    path = tmp_path / "records.jsonl"
    sink, record = JsonLines(path), watched(JsonLines(tmp_path / "other")).to_dict()
    for high, final in ((100, False), (101, False), (150, False), (151, False), (151, True)):
        shapes = [{**each, "objects": 10, "objects_high": high} for each in record["shapes"]]
        sink({**record, "shapes": shapes, "final": final})
    told = [json.loads(line)["shapes"] for line in path.read_text().splitlines()]
    assert [shapes[0]["objects_high"] if shapes else None for shapes in told] == [100, None, 150, None, 151]


@pytest.mark.slow
def test_json_lines_are_rotated(tmp_path):
    """No file grows beyond its bound, the oldest go, and each is complete by itself."""
    path = tmp_path / "records.jsonl"
    sink = JsonLines(path, most_bytes=8_000, kept=2)
    record = watched(JsonLines(tmp_path / "other"), works=2).to_dict()
    for _ in range(30):
        sink(record)
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["other", "records.jsonl", "records.jsonl.1", "records.jsonl.2"]
    for each in (path, tmp_path / "records.jsonl.1"):
        assert each.stat().st_size <= 8_000
        assert (
            json.loads(each.read_text().splitlines()[0])["shapes"] == json.loads(json.dumps(record))["shapes"]
        )
    with pytest.raises(ValueError, match="most_bytes"):
        JsonLines(path, most_bytes=0)


def test_without_older_files_none_is_kept(tmp_path):
    """``kept=0``: the file begins anew."""
    path = tmp_path / "records.jsonl"
    sink = JsonLines(path, most_bytes=10, kept=0)
    for _ in range(3):
        sink({"shapes": [], "number": 1})
    assert [each.name for each in tmp_path.iterdir()] == ["records.jsonl"]
    assert len(path.read_text().splitlines()) == 1


def test_the_log_has_a_line_for_each_record_and_shape(caplog):
    """At the level that was asked for."""
    with caplog.at_level(logging.DEBUG, logger="garbology"):
        watched(Logged(level=logging.DEBUG), interval_seconds=100)
    texts = [each.getMessage() for each in caplog.records]
    assert any(text.startswith("1 collection freed ") for text in texts)
    assert any("Node.me -> Node" in text for text in texts)


@pytest.mark.slow
def test_prometheus_is_scraped_from_a_server():
    """Counters and a histogram by generation, and the bytes of shapes, as a real server shows them."""
    prometheus = pytest.importorskip("prometheus_client")
    registry = prometheus.CollectorRegistry()
    sink = Prometheus(registry, most_shapes=1)
    server, thread = prometheus.start_http_server(0, "127.0.0.1", registry=registry)
    try:
        seen = watched(sink, works=2, interval_seconds=100)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    full = seen.generations[2]
    assert float(lines['garbology_collected_objects_total{generation="2"}']) == full.collected
    assert float(lines['garbology_pause_seconds_count{generation="2"}']) == full.collections
    assert float(lines['garbology_pause_seconds_bucket{generation="2",le="+Inf"}']) == full.collections
    assert float(lines['garbology_shape_objects{shape="Node.me -> Node"}']) >= 3
    assert sum(name.startswith("garbology_shape_bytes{") for name in lines) == 1


def test_a_shape_without_advice_is_called_by_its_types():
    """There is a name for each."""
    assert name_of({"advice": None, "types": {"list": 2, "dict": 1}}) == "list, dict"
