"""A sweep over the workers of a scheduler: each is asked what it is, given the code, and put beside its like."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import garbology
from garbology.cluster import worker
from garbology.cluster.code import Code
from garbology.cluster.dispatch import Dispatch, GoneError, Patience, Seen, Transport
from garbology.cluster.interpreters import Remote
from garbology.measuring.interpreters import LostError
from garbology.measuring.processes import Stopped
from garbology.study.hardware import hardware_key, hardware_of, hardware_text, with_hardware

RESOURCE = "measure"
_LOOK_SECONDS = 2.0
_GIB = 2**30
_ENVIRONMENT_DIFFERS = "has other packages or settings than the others of its hardware"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What a sweep asks of each worker: these interpreters, or its own; with `matrix` every CPython that it has."""

    pythons: tuple[str, ...] = ()
    matrix: bool = False


@dataclass
class _Group:
    remote: Remote
    description: Mapping[str, Any]
    workers: list[str] = field(default_factory=list)


class Sweep:
    """The workers of a scheduler as interpreters: one for each runtime on each kind of hardware.

    `say` is told, in a sentence each, which worker is refused and why, and what came of those that joined late.
    """

    def __init__(
        self, transport: Transport, code: Code, wanted: Wanted, say: Say, patience: Patience | None = None
    ) -> None:
        self._transport = transport
        self._code = code
        self._wanted = wanted
        self._say = say
        self._patience = patience or Patience()
        self._dispatch = Dispatch(transport, self._patience)
        self._id = secrets.token_hex(4)
        self._groups: dict[str, _Group] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._has_begun = False
        self.failures = 0  # workers that were refused, interpreters that were asked for and are not there

    def __enter__(self) -> Sweep:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._dispatch.stop()

    def at_once(self) -> int:
        """How many samples are measured at once: one on each worker."""
        return self._dispatch.worker_count

    def stop(self) -> None:
        """Kill what is under way on every worker; nothing is measured afterwards."""
        if self._dispatch.stop():
            self._transport.tell(worker.stop, json.dumps({"sweep": self._id}), self._dispatch.addresses())

    def interpreters(self) -> list[Remote]:
        """Prepare all workers that are there, and say what can measure; LostError where nothing can."""
        new = self._first_workers()
        with ThreadPoolExecutor(max(1, len(new))) as pool:
            looking = threading.Thread(target=self._look_on, daemon=True)
            looking.start()
            try:
                list(pool.map(self._welcome, new))
            except BaseException:  # such as Ctrl-C: the pool waits for its threads, and they for the workers
                self.stop()
                raise
        if not self._groups:
            why = "no worker can measure" if new else "it has no workers"
            raise LostError(f"{why}: start one with `dask worker ADDRESS --resources {RESOURCE}=1`")
        self._has_begun = True
        return [self._groups[name].remote for name in sorted(self._groups)]

    def announcements(self) -> list[str]:
        """What each worker says it is: a line for its hardware, one for each interpreter that is found there."""
        lines = []
        for seen in self._first_workers():
            try:
                told = self._ask(seen, worker.announce, {"digest": self._code.digest, "interpreters": True})
            except GoneError as error:
                self._refuse(seen, str(error))
                continue
            lines.append(f"worker {seen.address}: {hardware_text(told['hardware'])}")
            lines += [f"  {line}" for line in told["interpreters"]]
        return lines

    def _first_workers(self) -> list[Seen]:
        """Those that are there, after a while in which one may come where there is none."""
        new = self._dispatch.look()
        waited = 0.0
        while not new and waited < self._patience.workers_seconds:
            self._over.wait(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
            new = self._dispatch.look()
        return sorted(new, key=lambda each: each.address)

    def _look_on(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            try:
                new = self._dispatch.look()
            except LostError:
                return
            for each in new:
                threading.Thread(target=self._welcome, args=(each,), daemon=True).start()

    def _welcome(self, seen: Seen) -> None:
        """Ask a worker what it is and give it the code; one that is unfit is refused with a sentence."""
        try:
            self._refuse_unfit(seen)
            told = self._ask(seen, worker.announce, {"digest": self._code.digest})
            if told["garbology"] != garbology.__version__:
                raise GoneError(
                    f"it has garbology {told['garbology']}, this is {garbology.__version__}: install that there"
                )
            if not told["has_code"]:
                wheel = {"digest": self._code.digest, "wheel": self._code.text}
                self._ask(seen, worker.install, wheel)
            request = {
                "digest": self._code.digest,
                "targets": dict(self._code.targets),
                "requirements": list(self._code.requirements),
                "pythons": list(self._wanted.pythons),
                "matrix": self._wanted.matrix,
            }
            prepared = self._ask(seen, worker.prepare, request)
        except GoneError as error:
            self._refuse(seen, str(error))
            return
        except (LostError, Stopped):
            return
        for sentence in prepared["sentences"]:
            self._say(f"worker {seen.address}: {sentence}")
        with self._lock:
            self.failures += prepared["failures"]
            for found in prepared["interpreters"]:
                self._add(seen, found)

    def _refuse_unfit(self, seen: Seen) -> None:
        offered = seen.resources.get(RESOURCE, 0)
        if offered != 1:
            has = f"offers {RESOURCE}={offered:g}" if offered else f"offers no resource {RESOURCE!r}"
            raise GoneError(
                f"it {has}: start it with --resources {RESOURCE}=1, so that it measures one at a time"
            )

    def _refuse(self, seen: Seen, why: str) -> None:
        if "ModuleNotFoundError" in why and "garbology" in why:
            why = "it or its scheduler has no garbology.cluster: pip install 'garbology[cluster]' there"
        with self._lock:
            self.failures += 1
        self._say(f"worker {seen.address} is refused: {why}")

    def _ask(self, seen: Seen, function: Callable[[str], str], request: Mapping[str, Any]) -> dict[str, Any]:
        return self._dispatch.ask(seen.address, function, {"sweep": self._id, **request})

    def _add(self, seen: Seen, found: Mapping[str, Any]) -> None:
        """Put an interpreter of a worker beside those that measure alike; called under the lock."""
        if found["description"] is None:
            for why in dict.fromkeys(found["lacking"].values()):
                self._say(f"worker {seen.address}: {why}")
            self.failures += 1
            return
        description = _as_recorded(found["description"])
        name = description["slug"]
        group = self._groups.get(name)
        if group is None and self._has_begun:
            text = hardware_text(description["environment"])
            self._say(
                f"worker {seen.address} came late with what nobody had, {found['name']} on {text}: not used"
            )
            return
        if group is None:
            remote = Remote(found["name"], description, self._id, self._code, self._dispatch, self.stop)
            group = self._groups[name] = _Group(remote, description)
        elif group.description != description:
            self.failures += 1
            self._say(f"worker {seen.address} is refused for {found['name']}: it {_ENVIRONMENT_DIFFERS}")
            return
        elif set(group.workers) & {seen.address}:
            self._say(f"worker {seen.address}: {found['name']} is the same runtime as another of it")
            return
        group.workers.append(seen.address)
        group.remote.join(seen.address, found["python"], found["lacking"])
        self._dispatch.join(name, seen.address)


def _as_recorded(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description as a record has it: on like hardware the same, and told apart by it in its slug."""
    environment = dict(description["environment"])
    if environment.get("total_memory_bytes") is not None:  # machines of one kind differ by a few pages
        environment["total_memory_bytes"] = hardware_of(environment)["memory_gib"] * _GIB
    slug = with_hardware(description["slug"], environment)
    return {"slug": slug, "runtime": dict(description["runtime"]), "environment": environment}


def sweep_summary(remotes: Sequence[Remote]) -> list[str]:
    """A line for each interpreter: where it is measured, on how many workers, under which key."""
    return [
        f"{each.name} on {hardware_text(each.environment)} ({hardware_key(each.environment)}): "
        f"{each.worker_count} worker{'' if each.worker_count == 1 else 's'}"
        for each in remotes
    ]
