"""Dask's distributed scheduler as that of a sweep: the only file that imports it, and it is imported late."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker, LocalCluster
from distributed.security import Security

from garbology.cluster.dispatch import GoneError, Seen
from garbology.cluster.worker import STARTED
from garbology.measuring.interpreters import LostError

RESOURCE = "measure"  # of which a worker has one, so that nothing is measured beside something else
_LOCAL = "local:"
_PATIENT = "garbology.cluster.patient"
_CLOSE_SECONDS = 5
_RESULT_SECONDS = 60


@contextmanager
def connected(text: str) -> Iterator[DaskTransport]:
    """The scheduler at an address, in a scheduler file, or one made here with `local:N` workers.

    TLS and whatever else is of connections are as Dask's own configuration says. ValueError where `text` is none of
    these, LostError where no scheduler answers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what there is to say is said in our words
    with ExitStack() as stack:
        try:
            client = Client(**_where(text, stack), set_as_default=False)
        except (OSError, ImportError, ValueError, TypeError) as error:
            raise LostError(f"no scheduler at {text}: {_first_line(error)}") from None
        try:
            yield DaskTransport(client, text)
        finally:
            with suppress(Exception):  # it may be gone
                client.close(timeout=_CLOSE_SECONDS)


class DaskTransport:
    """A client of a scheduler, seen by `Dispatch`."""

    def __init__(self, client: Client, text: str) -> None:
        self._client = client
        self._text = text
        self.tickets: dict[str, DaskTicket] = {}
        client.subscribe_topic(STARTED, self._has_started)

    def workers(self) -> list[Seen]:
        """Those that are there now; LostError where the scheduler is gone."""
        try:
            told = self._client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, KeyError, RuntimeError, TimeoutError) as error:
            raise self.lost() from error
        if self.is_lost:
            raise self.lost()
        return [
            Seen(address, str(each["host"]), float(each["last_seen"]), dict(each["resources"]))
            for address, each in told.items()
            if each.get("status", "running") in ("running", "paused")
        ]

    def submit(self, function: Callable[[str], str], text: str, address: str, key: str) -> DaskTicket:
        """Have a worker call a function, beside nothing else that is measured there."""
        ticket = DaskTicket(key, self)
        self.tickets[key] = ticket
        try:
            ticket.future = self._client.submit(
                function,
                text,
                key=key,
                workers=[address],
                allow_other_workers=False,
                resources={RESOURCE: 1},
                retries=0,
                pure=False,
            )
        except Exception as error:  # a client that is closing raises what it likes
            raise self.lost() from error
        ticket.future.add_done_callback(lambda _: ticket.done.set())
        return ticket

    def tell(self, function: Callable[[str], str], text: str, addresses: Iterable[str]) -> None:
        """Have workers call a function at once, whatever they measure."""
        asking = threading.Thread(target=self._run, args=(function, text, list(addresses)), daemon=True)
        asking.start()
        asking.join(_CLOSE_SECONDS)  # one that hangs does not answer

    def _run(self, function: Callable[[str], str], text: str, addresses: list[str]) -> None:
        with suppress(Exception):  # they may be gone, or the scheduler
            self._client.run(function, text, workers=addresses, on_error="ignore")

    def _has_started(self, event: tuple[float, Any]) -> None:
        ticket = self.tickets.get(event[1]["key"])
        if ticket is not None:
            ticket.started = time.monotonic()

    @property
    def is_lost(self) -> bool:
        """Whether the scheduler is gone."""
        return bool(self._client.status != "running")

    def lost(self) -> LostError:
        """What to raise then."""
        return LostError(f"the scheduler at {self._text} is gone: what was measured is kept")


class DaskTicket:
    """A task under way."""

    def __init__(self, key: str, transport: DaskTransport) -> None:
        self.done = threading.Event()
        self.started: float | None = None
        self.future: Any = None
        self._key = key
        self._transport = transport

    def answer(self) -> str:
        """The result; GoneError with the reason where there is none, LostError where the scheduler is gone."""
        try:
            return str(self.future.result(timeout=_RESULT_SECONDS))
        except KilledWorker:  # whose text has the worker's address, and a reason becomes part of a record
            raise GoneError("its worker died") from None
        except Exception as error:
            if self._transport.is_lost:
                raise self._transport.lost() from None
            cause: BaseException = error  # such as a module that the worker lacks
            while cause.__cause__ is not None:
                cause = cause.__cause__
            raise GoneError(f"{type(cause).__name__}: {_first_line(cause)}") from None

    def drop(self) -> None:
        """Forget it, whatever it is doing."""
        self._transport.tickets.pop(self._key, None)
        with suppress(Exception):
            self.future.release() if self.done.is_set() else self.future.cancel()


def _where(text: str, stack: ExitStack) -> dict[str, Any]:
    if text.startswith(_LOCAL):
        count = text.removeprefix(_LOCAL)
        if not count.isdigit() or not int(count):
            raise ValueError(f"{text!r}: write local:N, N workers of this machine")
        cluster = LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            resources={RESOURCE: 1},
            preload=[_PATIENT],
        )
        return {"address": stack.enter_context(cluster)}
    if "://" in text:
        if text.startswith("tls://") and Security().get_connection_args("client")["ssl_context"] is None:
            raise ValueError("tls needs ca-file and client's cert and key in Dask's configuration")
        return {"address": text}
    if not Path(text).is_file():
        raise ValueError(
            "it is no address such as tcp://HOST:8786, no local:N and no scheduler file that is there"
        )
    return {"scheduler_file": text}


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
