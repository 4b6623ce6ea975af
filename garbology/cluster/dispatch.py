"""Which worker takes a sample, and what becomes of it where that worker dies, hangs or leaves."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from garbology.measuring.interpreters import LostError
from garbology.measuring.processes import Stopped

MOST_MOVES = 2  # of a sample to another worker, then it stands as failed
_SHORT_SECONDS = 2.0  # a sample that takes less waits on its worker already when the one before it ends
_LOOK_SECONDS = 0.5  # between two looks at whether a worker is still there
_ANOTHER_SECONDS = 5.0  # so long another worker is waited for, then the one that failed may try again
_SHARE_OF_NEW = 0.2  # of the latest sample in what samples take on average


@dataclass(frozen=True)
class Patience:
    """How long is waited: for the answer beyond a case's limit, for a worker where there is none."""

    grace_seconds: float = 20.0
    workers_seconds: float = 60.0


@dataclass(frozen=True)
class Seen:
    """A worker as its scheduler sees it; `heartbeat` is another value after each sign of life."""

    address: str
    host: str
    heartbeat: float
    resources: Mapping[str, float] = field(default_factory=dict)


class Ticket(Protocol):
    """A task under way: `done` is set at its end, `started` once it has begun (`time.monotonic`)."""

    done: threading.Event
    started: float | None

    def answer(self) -> str:
        """The result; GoneError with the reason where there is none, LostError where the scheduler is gone."""

    def drop(self) -> None:
        """Forget it, whatever it is doing."""


class Transport(Protocol):
    """The scheduler; may be used by several threads at once."""

    def workers(self) -> list[Seen]:
        """Those that are there now; LostError where the scheduler is gone."""

    def submit(self, function: Callable[[str], str], text: str, address: str, key: str) -> Ticket:
        """Have a worker call a function, beside nothing else that is measured there."""

    def tell(self, function: Callable[[str], str], text: str, addresses: Iterable[str]) -> None:
        """Have workers call a function at once, whatever they measure."""


class GoneError(Exception):
    """A worker gave no answer; the message is the reason."""

    def __init__(self, reason: str, *, counts: bool = True) -> None:
        super().__init__(reason)
        self.counts = counts  # whether the sample had begun, so that it may have been at fault


@dataclass
class _Member:
    seen: Seen
    alive_at: float  # when the last sign of life came (`time.monotonic`)
    under_way: int = 0
    is_aside: bool = False  # it hangs: nothing more is given to it until it shows life again


class Dispatch:
    """Gives each sample to a worker of its group; a group is what measures alike.

    `take` is called in as many threads as samples are to be under way; `look` is called now and then by one.
    """

    def __init__(self, transport: Transport, patience: Patience) -> None:
        self._transport = transport
        self._patience = patience
        self._changed = threading.Condition()
        self._members: dict[str, _Member] = {}
        self._groups: dict[str, set[str]] = {}
        self._average: dict[str, float] = {}  # seconds that a sample of a group takes
        self._ended: Exception | None = None
        self._asked = 0
        self._admitted: dict[str, deque[str]] = {}  # workers that are kept for samples about to be taken

    def look(self) -> list[Seen]:
        """See which workers are there; those that are new."""
        try:
            seen = {each.address: each for each in self._transport.workers()}
        except LostError as error:
            self._end(error)
            raise
        now = time.monotonic()
        with self._changed:
            new = [each for address, each in seen.items() if address not in self._members]
            for address in [address for address in self._members if address not in seen]:
                del self._members[address]
            for address, each in seen.items():
                member = self._members.setdefault(address, _Member(each, now))
                if each.heartbeat != member.seen.heartbeat:
                    member.alive_at, member.is_aside = now, False
                member.seen = each
            self._changed.notify_all()
        return new

    def join(self, group: str, address: str) -> None:
        """Have a worker measure for a group, from now on."""
        with self._changed:
            self._groups.setdefault(group, set()).add(address)
            self._changed.notify_all()

    def admit(self, group: str) -> bool:
        """Keep a worker for the next `take` of a group, where one is free.

        With none of them left, and nothing under way anywhere, there is room: `take` then waits for one to come.
        """
        with self._changed:
            chosen = self._choose(group, self._there(group))
            if chosen is None:
                return not self._there(group) and not any(each.under_way for each in self._members.values())
            self._members[chosen].under_way += 1
            self._admitted.setdefault(group, deque()).append(chosen)
            return True

    def dismiss(self, group: str) -> None:
        """Give up what `admit` kept last."""
        with self._changed:
            kept = self._admitted.get(group)
            if kept:
                self._release(kept.pop())

    @property
    def worker_count(self) -> int:
        """How many workers are there that measure for some group."""
        with self._changed:
            return len({address for group in self._groups for address in self._there(group)})

    def addresses(self) -> list[str]:
        """The workers that are there."""
        with self._changed:
            return list(self._members)

    def neighbours(self, group: str) -> int:
        """The most workers that one machine has in a group."""
        with self._changed:
            hosts = [self._members[address].seen.host for address in self._there(group)]
        return max(map(hosts.count, hosts), default=1)

    def stop(self) -> bool:
        """Give every sample up that is under way: `take` raises Stopped. Whether this is the first time."""
        with self._changed:
            is_first = self._ended is None
            self._end(Stopped())
        return is_first

    def take(
        self,
        group: str,
        function: Callable[[str], str],
        request: Callable[[str], Mapping[str, Any]],
        limit_seconds: float,
    ) -> dict[str, Any]:
        """Have one of the group's workers answer; what stands for the sample where none of three attempts was answered.

        `request` is what a worker is asked, by its address. LostError where the scheduler is gone, or no worker of
        any group is left.
        """
        failed: dict[str, str] = {}  # the reason, by the worker's address
        moved = 0
        while True:
            address = self._reserve(group, failed)
            started = time.monotonic()
            try:
                answer = self.ask(address, function, request(address), limit_seconds)
                self._note_seconds(group, time.monotonic() - started)
                if "refused" not in answer:
                    return answer
                raise GoneError(answer["refused"])
            except GoneError as error:
                failed[address] = str(error)
                moved += error.counts
                if moved > MOST_MOVES:
                    return {"status": "failed", "message": f"given up after {moved} attempts: {error}"}
            finally:
                self._release(address)

    def ask(
        self,
        address: str,
        function: Callable[[str], str],
        request: Mapping[str, Any],
        limit_seconds: float | None = None,
    ) -> dict[str, Any]:
        """The answer of one worker, within a sample's time limit if it has one; GoneError where there is none."""
        with self._changed:
            self._raise_if_ended()
            self._asked += 1
            key = f"garbology-{request['sweep']}-{self._asked}"
        ticket = self._transport.submit(function, json.dumps({**request, "key": key}), address, key)
        try:
            self._await(ticket, address, limit_seconds)
            return dict(json.loads(ticket.answer()))
        finally:
            ticket.drop()

    def _await(self, ticket: Ticket, address: str, limit_seconds: float | None) -> None:
        """Until it is done. One that has not begun waits for another sweep perhaps, as long as its worker lives."""
        grace = self._patience.workers_seconds if limit_seconds is None else self._patience.grace_seconds
        while not ticket.done.wait(_LOOK_SECONDS):
            now = time.monotonic()
            with self._changed:
                self._raise_if_ended()
                member = self._members.get(address)
                begun = ticket.started is not None
                if member is None:
                    raise GoneError("its worker died or left", counts=begun)
                since, patience = member.alive_at, grace
                if ticket.started is not None:
                    since, patience = ticket.started, (limit_seconds or 0) + grace
                if now - since > patience:
                    member.is_aside = True
                    raise GoneError(f"its worker gave no answer for {patience:g} seconds", counts=begun)

    def _reserve(self, group: str, failed: Mapping[str, str]) -> str:
        """The worker with the least to do, one that failed before only where no other comes.

        With nobody there a new one is waited for, say one that its nanny starts again.
        """
        deadline = time.monotonic() + self._patience.workers_seconds
        patient_until = time.monotonic() + _ANOTHER_SECONDS
        with self._changed:
            kept = self._admitted.get(group)
            if not failed and kept:
                address = kept.popleft()
                if address in self._there(group):
                    return address
                self._release(address)
            while True:
                self._raise_if_ended()
                there = self._there(group)
                others = [address for address in there if address not in failed]
                chosen = self._choose(group, others)
                if chosen is None and time.monotonic() > patient_until:
                    chosen = self._choose(group, there)
                if chosen is not None:
                    self._members[chosen].under_way += 1
                    return chosen
                if others:
                    patient_until = time.monotonic() + _ANOTHER_SECONDS
                if there or self._is_busy(group):
                    deadline = time.monotonic() + self._patience.workers_seconds
                elif time.monotonic() > deadline:
                    raise LostError("no worker is left that can measure it: what was measured is kept")
                self._changed.wait(_LOOK_SECONDS)

    def _choose(self, group: str, addresses: Iterable[str]) -> str | None:
        """The one with the least to do, if it has room."""
        depth = self._depth(group)
        free = [each for each in addresses if self._members[each].under_way < depth]
        return min(free, key=lambda address: self._members[address].under_way, default=None)

    def _release(self, address: str) -> None:
        with self._changed:
            if address in self._members:
                self._members[address].under_way = max(0, self._members[address].under_way - 1)
            self._changed.notify_all()

    def _is_busy(self, group: str) -> bool:
        """Whether other groups go on, so that the end of this one can wait for theirs."""
        others = [address for name in self._groups if name != group for address in self._there(name)]
        return any(self._members[address].under_way for address in others)

    def _there(self, group: str) -> list[str]:
        members = (address for address in sorted(self._groups.get(group, ())) if address in self._members)
        return [address for address in members if not self._members[address].is_aside]

    def _depth(self, group: str) -> int:
        return 2 if self._average.get(group, _SHORT_SECONDS) < _SHORT_SECONDS else 1

    def _note_seconds(self, group: str, seconds: float) -> None:
        with self._changed:
            waits = self._depth(group)
            before = self._average.get(group, seconds)
            self._average[group] = (1 - _SHARE_OF_NEW) * before + _SHARE_OF_NEW * seconds / waits

    def _raise_if_ended(self) -> None:
        if self._ended is not None:
            raise type(self._ended)(*self._ended.args)  # not the one object, in the tracebacks of all threads

    def _end(self, error: Exception) -> None:
        with self._changed:
            self._ended = self._ended or error
            self._changed.notify_all()
