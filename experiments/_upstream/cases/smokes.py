"""What a library is for, used in a few lines: it fails where an advice that was applied broke the library."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import Any

from experiments._upstream.bugs import smoke
from experiments._upstream.cases.databases import mapped_classes


@smoke("asgiref")
def use_local() -> None:
    """What is set can be read; what is not set is an AttributeError."""
    from asgiref.local import Local

    local = Local(thread_critical=True)
    local.x = 1
    assert local.x == 1
    assert not hasattr(local, "y")


@smoke("httpx")
def get_answer() -> None:
    """The text, and how long it took, of two answers that are both kept."""
    import httpx

    def answer_in_parts(request: Any) -> Any:
        return httpx.Response(200, content=(part for part in [b"o", b"k"]))

    client = httpx.Client(transport=httpx.MockTransport(answer_in_parts))
    answers = [client.get("http://localhost/") for _ in range(2)]
    assert [answer.text for answer in answers] == ["ok", "ok"]
    assert all(answer.elapsed.total_seconds() >= 0 for answer in answers)
    with client.stream("GET", "http://localhost/") as answer:
        assert b"".join(answer.iter_bytes()) == b"ok"


@smoke("urllib3")
def ask_nobody() -> None:
    """The error has its reason, and the history its errors."""
    import urllib3

    pool = urllib3.PoolManager()
    error = _raised(lambda: pool.request("GET", "http://127.0.0.1:9/", retries=2))
    assert isinstance(error, urllib3.exceptions.MaxRetryError)
    assert isinstance(error.reason, urllib3.exceptions.NewConnectionError)


@smoke("githubkit")
def use_rest() -> None:
    """The interface has the client's methods."""
    import githubkit

    github = githubkit.GitHub()
    assert callable(github.rest.repos.get)


@smoke("nicegui")
def build_page() -> None:
    """What is in a card is there, knows its parent, and can be styled."""
    from nicegui import Client, ui

    client = Client(ui.page("/smoke"), request=None)
    with client:
        card = ui.card()
        with card:
            label = ui.label("text").classes("w-full").style("color: red").props("dense")
        assert label.parent_slot.parent is card
        assert label.text == "text"
        assert label in list(card)


@smoke("networkx")
def use_graph() -> None:
    """Views follow their graph, asked twice and kept."""
    import networkx

    graph = networkx.Graph()
    edges, degree = graph.edges, graph.degree
    graph.add_edge(1, 2)
    graph.add_edge(2, 3)
    assert sorted(edges) == sorted(graph.edges) == [(1, 2), (2, 3)]
    assert dict(degree) == dict(graph.degree()) == {1: 1, 2: 2, 3: 1}
    assert graph.edges[1, 2] == {}
    assert networkx.shortest_path(graph, 1, 3) == [1, 2, 3]


@smoke("scipy, minimize")
def find_minimum() -> None:
    """The minimum of two methods."""
    import numpy as np
    from scipy.optimize import minimize

    for method in ("L-BFGS-B", "BFGS", "trust-constr"):
        found = minimize(lambda x: ((x - 1) ** 2).sum(), np.zeros(2), method=method)
        assert np.allclose(found.x, 1, atol=1e-3), method


@smoke("h5netcdf")
def read_file() -> None:
    """Values, dimensions and groups, written and read."""
    import tempfile
    from pathlib import Path

    import h5netcdf

    path = Path(tempfile.mkdtemp(prefix="garbology-"), "data.nc")
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"x": 2}
        variable = file.create_variable("v", ("x",), float)
        variable[...] = [1, 2]
        file.create_group("g").attrs["a"] = 1
    with h5netcdf.File(path, "r") as file:
        assert list(file["v"][...]) == [1, 2]
        assert file["v"].dimensions == ("x",)
        assert file["g"].parent is file
        assert file["g"].attrs["a"] == 1


@smoke("tqdm")
def show_bar() -> None:
    """The bar counts to its end, also where it is closed by hand."""
    import tqdm

    stream = io.StringIO()
    assert list(tqdm.tqdm(range(3), file=stream)) == [0, 1, 2]
    assert "3/3" in stream.getvalue()
    with tqdm.tqdm(total=2, file=stream) as bar:
        bar.update(2)
        bar.write("text", file=stream)
    assert "2/2" in stream.getvalue()


@smoke("omegaconf")
def use_configuration() -> None:
    """Values are read, and what is missing is an error with its text."""
    from omegaconf import OmegaConf

    configuration = OmegaConf.create({"a": {"b": 1}})
    assert configuration.a.b == 1
    OmegaConf.set_struct(configuration, True)
    error = _raised(lambda: configuration.missing)
    assert isinstance(error, AttributeError)
    assert "missing" in str(error)


@smoke("addict")
def use_nested() -> None:
    """What is set through attributes is there."""
    from addict import Dict

    outer: Any = Dict()
    outer.x.y.z = 1
    assert outer == {"x": {"y": {"z": 1}}}


@smoke("sqlalchemy, path")
def map_and_query() -> None:
    """What is added is found again, with its parts loaded by an option."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Load, Session

    owner, part = mapped_classes()
    engine = create_engine("sqlite://")
    owner.metadata.create_all(engine)
    session = Session(engine)
    session.add(owner(id=1, parts=[part(id=2), part(id=3)]))
    session.commit()
    found = session.query(owner).options(Load(owner).joinedload(owner.parts).load_only(part.id)).one()
    assert [part.id for part in found.parts] == [2, 3]


@smoke("asyncio, TaskGroup")
def fail_in_a_group() -> None:
    """The errors of tasks come as a group, and results where none failed."""

    async def answer() -> int:
        await asyncio.sleep(0)
        return 1

    async def fail() -> None:
        async with asyncio.TaskGroup():
            raise KeyError("a")

    async def use() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(answer())
        assert task.result() == 1

    loop = asyncio.new_event_loop()
    loop.run_until_complete(use())
    error: Any = _raised(lambda: loop.run_until_complete(fail()))
    assert [type(each) for each in error.exceptions] == [KeyError]


@smoke("contextlib")
def use_context_managers() -> None:
    """An exception goes through, is swallowed, or becomes another."""

    @contextmanager
    def through() -> Any:
        yield

    @contextmanager
    def swallowing() -> Any:
        with suppress(KeyError):
            yield

    def fail() -> None:
        with through():
            raise KeyError("a")

    def swallow() -> None:
        with swallowing():
            raise KeyError

    swallow()
    error = _raised(fail)
    assert (type(error), error.args) == (KeyError, ("a",))


def _raised(use: Callable[[], object]) -> BaseException:
    try:
        use()
    except BaseException as error:  # whatever it is, it is looked at
        return error
    raise AssertionError("nothing was raised")
