"""Latency of an asyncio server with a monitor and without, side by side.

    python benchmarks/serving.py [--budget 0.01] [--rate 300] [--blocks 400] [--seconds 0.25] [--pairs 1] [--json FILE]

Two servers on loopback, each a process of its own that answers requests over HTTP: it reads JSON, makes a graph
of objects that is cyclic garbage afterwards, and writes JSON. One of them runs under `garbology.monitor`. One client
process asks them in turns, block by block, so that what disturbs the machine disturbs both. Requests come at random
moments at a fixed rate whatever the answers take (an open loop), and latency counts from the moment that a request
was due.

Latency includes the waits for whatever else the machine does. So there is also the `own` time: that of the processor,
which a server took for a request with all that happened meanwhile, collections and analyses.

A ratio is that of the percentiles of all latencies with and without the monitor; its 95 % interval is from 1,000
resamples of the pairs of blocks. `same` is the ratio of two servers without a monitor: what the machine can tell
apart. `import alone` has `import garbology` in one of them, which brings NumPy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

CONNECTIONS = 16
RESAMPLES = 1_000
PERCENTILES = (50, 90, 99, 99.9)
OWN_SECONDS = array(
    "d"
)  # of the processor, for each request of a server; no object that a collector looks at
LENGTH = b"Content-Length: "
BODY = json.dumps({"user": 7, "items": [{"name": f"item {n}", "price": n * 1.5} for n in range(40)]}).encode()


class Item:
    """A line of an order, which knows its order: a cycle."""

    def __init__(self, order: Order, data: dict[str, Any]) -> None:
        self.order = order
        self.name, self.price = data["name"], data["price"]


class Order:
    """What a request asks for."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.items = [Item(self, each) for each in data["items"]]

    def answer(self) -> bytes:
        """As JSON."""
        rows = [{"name": item.name, "price": round(item.price * 1.19, 2)} for item in self.items]
        return json.dumps({"items": rows, "total": sum(row["price"] for row in rows)}).encode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it ends."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.split(LENGTH)[1].split(b"\r\n")[0])
            data = await reader.readexactly(size)
            begin = time.process_time()
            body = Order(json.loads(data)).answer()
            OWN_SECONDS.append(time.process_time() - begin)
            writer.write(b"HTTP/1.1 200 OK\r\n%s%d\r\n\r\n%s" % (LENGTH, len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve() -> None:
    """Print the port, and serve until standard input ends."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def run_server(budget: float) -> None:
    """A server, under a monitor where ``budget`` is above 0, with its import alone below; what was seen, as JSON."""
    if budget < 0:
        __import__("garbology")
    if budget <= 0:
        asyncio.run(serve())
        print(json.dumps({"own_seconds": list(OWN_SECONDS)}), flush=True)
        return
    import garbology

    with garbology.monitor(budget=budget) as seen:
        asyncio.run(serve())
    figures = ("collections", "analysed", "analysis_seconds", "elapsed_seconds", "unexplained")
    told = {name: getattr(seen, name) for name in figures}
    print(json.dumps({**told, "own_seconds": list(OWN_SECONDS)}), flush=True)


class Server:
    """A server process and the client's connections to it."""

    def __init__(self, budget: float) -> None:
        words = [sys.executable, __file__, "--serve", str(budget)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._port = int(self._output().readline())
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    def _output(self) -> Any:
        return self._process.stdout

    async def connect(self) -> None:
        """Open the connections."""
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))

    async def ask(self, due: float, latencies: list[float]) -> None:
        """One request and its answer."""
        reader, writer = connection = await self._idle.get()
        writer.write(b"POST / HTTP/1.1\r\n%s%d\r\n\r\n%s" % (LENGTH, len(BODY), BODY))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.split(LENGTH)[1]))
        latencies.append(time.perf_counter() - due)
        self._idle.put_nowait(connection)

    async def block(self, rate: float, seconds: float, seed: int) -> list[float]:
        """Latencies of the requests of one block."""
        dice, latencies, tasks = random.Random(seed), list[float](), list[asyncio.Task[None]]()
        due, end = time.perf_counter(), time.perf_counter() + seconds
        while (due := due + dice.expovariate(rate)) < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self.ask(due, latencies)))
        await asyncio.gather(*tasks)
        return latencies

    def end(self) -> dict[str, Any]:
        """What its monitor has seen."""
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()
        out, _ = self._process.communicate("", timeout=60)
        seen: dict[str, Any] = json.loads(out)
        return seen


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many of a hundred are below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def ratio(pairs: Sequence[tuple[list[float], list[float]]], percent: float) -> float:
    """Of the percentiles of what came second and first."""
    before, after = ([value for pair in pairs for value in pair[place]] for place in (0, 1))
    return percentile(after, percent) / percentile(before, percent)


def interval(pairs: Sequence[tuple[list[float], list[float]]], percent: float) -> tuple[float, float]:
    """95 %, by resampling the pairs of blocks."""
    dice = random.Random(1)
    found = sorted(ratio(dice.choices(pairs, k=len(pairs)), percent) for _ in range(RESAMPLES))
    return found[int(RESAMPLES * 0.025)], found[int(RESAMPLES * 0.975)]


async def compare(budgets: tuple[float, float], settings: argparse.Namespace) -> dict[str, Any]:
    """Blocks of two servers in turns: the pairs of their latencies, and what the monitors have seen."""
    pairs, seen = [], []
    own: tuple[list[float], list[float]] = [], []
    for pair in range(settings.pairs):
        servers = [Server(budget) for budget in budgets]
        for server in servers:
            await server.connect()
            await server.block(settings.rate, settings.warmup, seed=0)
        for number in range(settings.blocks):
            seed = 1 + pair * settings.blocks + number
            order = (0, 1) if number % 2 else (1, 0)
            found = {
                place: await servers[place].block(settings.rate, settings.seconds, seed) for place in order
            }
            pairs.append((found[0], found[1]))
        for server, seconds in zip(servers, own, strict=True):
            told = server.end()
            seconds += told.pop("own_seconds")
            seen += [told] if told else []
    return {"pairs": pairs, "seen": seen, "own": own}


def told(name: str, found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each percentile."""
    pairs = found["pairs"]
    for percent in PERCENTILES:
        without = percentile([value for pair in pairs for value in pair[0]], percent)
        low, high = interval(pairs, percent)
        yield {
            "name": name, "percentile": percent, "requests": sum(len(pair[1]) for pair in pairs),
            "without_ms": 1e3 * without, "ratio": ratio(pairs, percent), "low": low, "high": high,
            "own_ms": 1e3 * percentile(found["own"][0], percent), "own_ratio": ratio([found["own"]], percent),
        }  # fmt: skip


def table(record: dict[str, Any]) -> list[str]:
    """A record as Markdown."""
    lines = [
        f"| CPython {record['python']} | percentile | latency without | times (95 %) | own time without | times |",
        "|---|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        times = f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        own = f"{row['own_ms']:.3f} ms | {row['own_ratio']:.3f}"
        lines.append(
            f"| {row['name']} | {row['percentile']:g} | {row['without_ms']:.2f} ms | {times} | {own} |"
        )
    return lines


@contextmanager
def _collector_off() -> Iterator[None]:
    """In the client, whose pauses are none of the server's."""
    import gc

    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def main(words: Sequence[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=0.01)
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second")
    parser.add_argument("--blocks", type=int, default=400, help="of each server of a pair")
    parser.add_argument("--seconds", type=float, default=0.25, help="of a block")
    parser.add_argument("--warmup", type=float, default=5.0, help="seconds that are not measured")
    parser.add_argument("--pairs", type=int, default=1, help="of server processes, one after the other")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path, help="of a record, without measuring")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    settings = parser.parse_args(words)
    if settings.serve is not None:
        run_server(settings.serve)
        return 0
    if settings.table:
        say("\n".join(table(json.loads(settings.table.read_text(encoding="utf-8")))))
        return 0
    rows: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    kinds = {
        "same": (0.0, 0.0),
        "import alone": (0.0, -1.0),
        f"budget {settings.budget:g}": (0.0, settings.budget),
    }
    for name, budgets in kinds.items():
        with _collector_off():
            found = asyncio.run(compare(budgets, settings))
        rows += told(name, found)
        seen += found["seen"]
    record = {"python": platform.python_version(), "rows": rows, "seen": seen}
    say("\n".join(table(record)))
    for each in seen:
        share = each["analysis_seconds"] / each["elapsed_seconds"]
        mean = 1e3 * each["analysis_seconds"] / max(each["analysed"], 1)
        analysed = f"{each['analysed']:,} of {each['collections']:,} collections analysed"
        say(f"monitor: {analysed}, {share:.2%} of the time, {mean:.2f} ms each")
    if settings.json:
        settings.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
