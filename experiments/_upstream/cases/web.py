"""Web, networks, asynchronous code, remote services."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from experiments._upstream.bugs import EXCEPTION, LEAK, Cut, Work, bug


@bug(
    "flask", "pallets/flask#3761", pythons="3.10",
    broken="Flask==1.1.4 Werkzeug<2 markupsafe<2.1", mended="Flask==2.0.3 Werkzeug<2.1",
    cut=Cut("the view of static files captures a weak reference to the application",
            (r"^Flask\.view_functions\['static'\]\.__self__ -> Flask$",), ("weakref", "WeakMethod")),
)  # fmt: skip
def flask() -> Work:
    """An application, made and dropped."""
    import flask

    return lambda: flask.Flask("application")


@bug(
    "asgiref", "django/asgiref#487", pythons="3.12-3.13", kind=EXCEPTION,
    broken="asgiref==3.8.1", mended="asgiref==3.9.1",
    cut=Cut("the `yield` of a context manager moved out of its except clause",
            (r"Error\.__context__ -> RuntimeError$",), ("clear",)),
)  # fmt: skip
def asgiref() -> Work:
    """An attribute that a Local does not have."""
    from asgiref.local import Local

    local = Local(thread_critical=True)

    def work() -> None:
        with suppress(AttributeError):
            local.missing

    return work


@bug(
    "websockets", "python-websockets/websockets#1749", pythons="3.10-3.15",
    broken="websockets==15.0.1", mended="websockets==17.4",
    cut=Cut("the keepalive task is let go of when the connection is lost; the logger's `extra` has no connection",
            (r"Connection\.keepalive_task -> Task$", r"^LoggerAdapter\.extra\['websocket'\] -> "),
            ("clear", "weakref")),
)  # fmt: skip
def websockets() -> Work:
    """A connection, one message, and back."""
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def begin() -> Any:
        return await serve(echo, "127.0.0.1", 0)

    async def exchange() -> None:
        async with connect(address, compression=None) as connection:
            await connection.send("message")
            await connection.recv()
        await asyncio.sleep(0.01)

    loop = asyncio.new_event_loop()
    address = f"ws://127.0.0.1:{_port(loop.run_until_complete(begin()))}"
    return lambda: loop.run_until_complete(exchange())


@bug(
    "aiohttp", "aio-libs/aiohttp#10535", pythons="3.10-3.15", kind=EXCEPTION,
    broken="aiohttp==3.11.13", mended="aiohttp==3.11.14",
    cut=Cut("the protocol lets go of its exception when the connection closes",
            (r"^ResponseHandler\._exception -> ",), ("clear",)),
)  # fmt: skip
def aiohttp() -> Work:
    """A request to a server that hangs up."""
    import aiohttp

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async def begin() -> Any:
        return await asyncio.start_server(hang_up, "127.0.0.1", 0)

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            with suppress(aiohttp.ServerDisconnectedError):
                async with session.get(address):
                    pass
        await asyncio.sleep(0.01)

    loop = asyncio.new_event_loop()
    address = f"http://127.0.0.1:{_port(loop.run_until_complete(begin()))}/"
    return lambda: loop.run_until_complete(ask())


@bug(
    "twisted", "twisted/twisted#10310", pythons="3.10-3.11",
    broken="twisted==22.1.0", mended="twisted==23.8.0",
    cut=Cut("the canceller is let go of when the Deferred fires", (r"^Deferred\._canceller -> ",), ("clear",)),
)  # fmt: skip
def twisted() -> Work:
    """A generator that waits for one Deferred."""
    from twisted.internet.defer import Deferred, inlineCallbacks

    @inlineCallbacks
    def wait_for(deferred: Any) -> Any:
        yield deferred

    def work() -> None:
        deferred: Any = Deferred()
        wait_for(deferred)
        deferred.callback(1)

    return work


@bug(
    "urllib3", "urllib3/urllib3#3082", pythons="3.10-3.15", kind=EXCEPTION, broken="urllib3==2.2.3",
    cut=Cut("open; proposed: the variables of the frame are let go of, and the history keeps no exception",
            (r"frame of (HTTPConnectionPool\.)?urlopen .* → local (err|new_e) -> ", r"^RequestHistory\.error -> "),
            ("clear",)),
)  # fmt: skip
def urllib3() -> Work:
    """A request to a port at which nobody listens, tried twice."""
    import urllib3

    pool = urllib3.PoolManager()

    def work() -> None:
        with suppress(urllib3.exceptions.MaxRetryError):
            pool.request("GET", "http://127.0.0.1:9/", retries=1)

    return work


@bug(
    "httpx", "encode/httpx#3733", pythons="3.10-3.15",
    broken="httpx==0.28.1", mended="httpx2==2.16.2",
    cut=Cut("the stream refers weakly to its response; the successor keeps the time itself",
            (r"^BoundSyncStream\._response -> Response$",), ("weakref",)),
)  # fmt: skip
def httpx() -> Work:
    """A request whose answer is made here."""
    try:
        import httpx
    except ModuleNotFoundError:
        import httpx2 as httpx

    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, text="ok")))
    return lambda: client.get("http://localhost/")


@bug(
    "hiredis", "redis/hiredis-py#162", pythons="3.10-3.11", kind=LEAK,
    broken="hiredis==2.2.2", mended="hiredis==2.2.3",
    cut=Cut("the reader shows the collector what it holds (tp_traverse)", (r"\(held by hiredis\.Reader\)",)),
)  # fmt: skip
def hiredis() -> Work:
    """A reader with a method of its owner, as redis-py makes it."""
    import hiredis

    class Connection:
        def __init__(self) -> None:
            self.reader = hiredis.Reader(replyError=self.error)

        def error(self, message: str) -> Exception:
            return Exception(message)

    def work() -> None:
        Connection()

    return work


def _port(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


@bug(
    "anyio", "agronholm/anyio#806", pythons="3.10-3.15", kind=EXCEPTION,
    broken="anyio==4.6.0", mended="anyio==4.6.2.post1",
    cut=Cut("the variables of the frames are let go of in a finally",
            (r"frame of (TaskGroup\.)?__aexit__ .* → local \w+ -> ", r"TaskGroup\._exceptions"), ("clear",)),
)  # fmt: skip
def anyio() -> Work:
    """A block that fails in a group of tasks."""
    import anyio

    async def fail() -> None:
        with suppress(BaseException):  # an ExceptionGroup, which 3.10 does not have
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 0)
                raise KeyError

    loop = asyncio.new_event_loop()
    return lambda: loop.run_until_complete(fail())


@bug(
    "githubkit", "yanyongyu/githubkit#81", pythons="3.10-3.15",
    broken="githubkit==0.10.7", mended="githubkit==0.11.0",
    cut=Cut("what the client makes refers weakly to it", (r"\._github -> GitHub$",), ("weakref",)),
)  # fmt: skip
def githubkit() -> Work:
    """A client, and its REST interface."""
    import githubkit

    def work() -> None:
        github = githubkit.GitHub()
        github.rest.repos

    return work


@bug(
    "nicegui", "zauberzeug/nicegui#4938", pythons="3.10-3.13",
    broken="nicegui==2.20.0", mended="nicegui==2.21.1",
    cut=Cut("elements, slots, properties and classes refer weakly to what they belong to",
            (r"\.(client|parent|element|parent_slot|_client|_parent) -> ",), ("weakref",)),
)  # fmt: skip
def nicegui() -> Work:
    """A page with a card and a label."""
    from nicegui import Client, ui

    client = Client(ui.page("/page"), request=None)
    with client:
        card = ui.card()

    def work() -> None:
        with card:
            ui.label("text")
        card.clear()
        client.outbox.updates.clear()  # which are sent where the server runs

    return work
