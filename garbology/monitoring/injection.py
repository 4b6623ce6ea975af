"""Python code put into a running process: by `sys.remote_exec` from CPython 3.14 on, by gdb before."""

from __future__ import annotations

import getpass
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from garbology.monitoring.signals import delayed_signals

_NAMED = re.compile(r"python(3\.\d+)[a-z]*(?:\.exe)?$")
_LIBRARY = re.compile(r"libpython(3\.\d+)[a-z]*\.so")
_OLDEST = (3, 10)
_REMOTE_EXEC = (3, 14)
_MOST_SECONDS = 60


class AttachError(Exception):
    """One sentence: why a process cannot be looked at, and what to do."""


@dataclass(frozen=True)
class Target:
    """A running Python process: its id, its interpreter's file and version, its owner (-1 where not known)."""

    pid: int
    executable: Path
    version: tuple[int, int]
    uid: int

    @property
    def version_text(self) -> str:
        """'3.14'."""
        return ".".join(map(str, self.version))


def target_of(pid: int) -> Target:
    """The process of this id.

    Raises
    ------
    AttachError : there is none, it belongs to somebody else, it is no CPython, or one that cannot be attached to.
    """
    import psutil

    if pid == os.getpid():
        raise AttachError(f"{pid}: this is garbology itself; inside a program, use garbology.monitor")
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            raise psutil.NoSuchProcess(pid)
        uid = process.uids().effective if hasattr(process, "uids") else -1
        owner = process.username()
        words, executable = process.cmdline(), process.exe()
    except psutil.NoSuchProcess:
        raise AttachError(f"{pid}: there is no such process") from None
    except psutil.AccessDenied:
        raise AttachError(f"{pid}: {_not_ours(pid)}") from None
    if uid not in (-1, _own_uid()) and _own_uid() != 0:
        raise AttachError(
            f"{pid}: it belongs to {owner}, and you are {_own_name()}: attach as {owner} or as root"
        )
    _refuse_containers(pid)
    target = Target(pid, Path(executable), _version(pid, executable), uid)
    _refuse_disabled(target, words)
    return target


def _own_uid() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else -1


def _own_name() -> str:
    with suppress(Exception):
        return getpass.getuser()
    return f"user {_own_uid()}"


def _not_ours(pid: int) -> str:
    import psutil

    with suppress(psutil.Error):
        if psutil.Process(pid).uids().effective == _own_uid() or not _own_uid():
            return _not_permitted()
        return _anothers(psutil.Process(pid).username())
    return "it belongs to another user: attach as that user or as root"


def _anothers(owner: str) -> str:
    who = "root" if owner == "root" else f"{owner} or as root"
    return f"it belongs to {owner}, and you are {_own_name()}: attach as {who}"


def _refuse_containers(pid: int) -> None:
    for kind in ("mnt", "pid"):
        try:
            other, own = os.readlink(f"/proc/{pid}/ns/{kind}"), os.readlink(f"/proc/self/ns/{kind}")
        except OSError:
            continue
        if other != own:
            raise AttachError(f"{pid}: it runs in a container: run garbology attach inside of it")


def _version(pid: int, executable: str) -> tuple[int, int]:
    """Read off the names of files: nothing is run, for it may be anything."""
    found = _NAMED.search(os.path.realpath(executable)) or _LIBRARY.search(_mapped(pid))
    if found is None:
        raise AttachError(f"{pid}: {executable or 'it'} is no CPython that is known here")
    major, minor = map(int, found[1].split("."))
    if (major, minor) < _OLDEST:
        raise AttachError(f"{pid}: it is CPython {found[1]}; garbology needs 3.10 or newer")
    return major, minor


def _mapped(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _refuse_disabled(target: Target, words: list[str]) -> None:
    import psutil

    if target.version < _REMOTE_EXEC:
        return
    with suppress(psutil.Error):
        variables = psutil.Process(target.pid).environ()
        ways = ("disable-remote-debug", "disable_remote_debug")
        if variables.get("PYTHON_DISABLE_REMOTE_DEBUG") or any(way in word for word in words for way in ways):
            raise AttachError(
                f"{target.pid}: it was started with remote debugging disabled (-X disable_remote_debug, or "
                "PYTHON_DISABLE_REMOTE_DEBUG): start it without"
            )


def inject(target: Target, script: Path) -> None:
    """Ask the process to run a file; its main thread does so when it next runs Python code.

    Raises
    ------
    AttachError : it cannot be asked.
    """
    if target.version >= _REMOTE_EXEC:
        _by_remote_exec(target, str(script))
    else:
        _by_gdb(target, script)


def withdraw(target: Target, script: Path) -> None:
    """Take back what was asked and has not been run."""
    if target.version >= _REMOTE_EXEC:
        with suppress(AttachError):
            _by_remote_exec(
                target, os.devnull
            )  # in its place; a file that is missing would be complained about
    script.unlink(missing_ok=True)


def _by_remote_exec(target: Target, script: str) -> None:
    command = [str(interpreter_for(target)), "-I", "-S", "-c"]
    code = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
    done = _done([*command, code, str(target.pid), script], target)
    if done.returncode:
        raise AttachError(f"{target.pid}: {_refusal(done.stderr)}")


def interpreter_for(target: Target) -> Path:
    """One of the process's own version, which `sys.remote_exec` needs.

    What belongs to somebody else is not run.
    """
    if sys.version_info[:2] == target.version:
        return Path(sys.executable)
    named = shutil.which(f"python{target.version_text}")
    if named is not None:
        return Path(named)
    with suppress(OSError):
        if _NAMED.search(os.path.realpath(target.executable)) and os.stat(target.executable).st_uid in (
            0,
            _own_uid(),
        ):
            return target.executable
    raise AttachError(
        f"{target.pid}: it is CPython {target.version_text}, and only that version can attach to it: run garbology "
        f"with python{target.version_text}"
    )


def _refusal(text: str) -> str:
    last = last_line(text)
    if "PermissionError" in last or "not permitted" in last:
        return _not_permitted()
    return last


def last_line(text: str) -> str:
    """Of a traceback: what went wrong."""
    return (text.strip().splitlines() or ["no word why"])[-1]


def _not_permitted() -> str:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    restricted = f" (kernel.yama.ptrace_scope is {scope.read_text().strip()})" if scope.exists() else ""
    return f"the system does not permit to trace it{restricted}: attach as root, or grant CAP_SYS_PTRACE"


# A page of its own for the code, because the process may be anywhere, in malloc too; and no breakpoint, which would
# end the process if gdb was killed.
_GDB = """
set confirm off
set pagination off
set unwindonsignal on
handle all nostop noprint pass
handle SIGINT nostop noprint pass
attach {pid}
{try_registers}
set $page = ((char *(*)(void *, unsigned long, int, int, int, long)) mmap)(0, 4096, 3, 34, -1, 0)
set {{char [{size}]}} $page = "{code}"
set $refused = ((int (*)(void *, void *)) Py_AddPendingCall)((void *) PyRun_SimpleString, $page)
printf "refused: %d\\n", $refused
detach
"""
# A gdb that is older than the processor may be unable to write its registers (gdb 13 and AMX), and finds out in the
# middle of a call: the process's system call then fails with error 514. So one register is written and written back;
# what fails in a file of commands ends it.
TRY_REGISTERS = """
set $xmm15.v4_int32[3] = $xmm15.v4_int32[3] ^ 1
set $xmm15.v4_int32[3] = $xmm15.v4_int32[3] ^ 1
"""
# Whatever is raised here would leave PyRun_SimpleString with -1, and that would end the program in a SystemError: at
# most nothing happens. What has no Exception for a base comes from the program's own handlers of signals.
_READ_AND_RUN = """try:
    with open({path!a}) as file:
        code = file.read()
    exec(code, {{}})
except Exception:
    pass
"""


def _by_gdb(target: Target, script: Path) -> None:
    gdb = shutil.which("gdb")
    if gdb is None:
        raise AttachError(
            f"{target.pid}: attaching to CPython {target.version_text} needs gdb: install it, or start the program "
            "with `garbology run` or garbology.monitor"
        )
    # In a namespace of its own, and the file closed: a warning would be noted in that of `__main__`.
    code = f"exec({_READ_AND_RUN.format(path=str(script))!a}, {{}})"
    quoted = code.replace("\\", r"\\").replace('"', r"\"")
    registers = TRY_REGISTERS if platform.machine().lower() in ("x86_64", "amd64") else ""
    commands = script.with_suffix(".gdb")
    commands.write_text(
        _GDB.format(pid=target.pid, size=len(code) + 1, code=quoted, try_registers=registers),
        encoding="utf-8",
    )
    quiet = ["-iex", "set auto-load off", "-iex", "set debuginfod enabled off"]
    done = _done([gdb, "-nx", "-batch", *quiet, str(target.executable), "-x", str(commands)], target)
    if "refused: 0" in done.stdout:
        return
    if "ptrace: Operation not permitted" in done.stderr:
        raise AttachError(f"{target.pid}: {_not_permitted()}")
    if "Couldn't write" in done.stderr:
        raise AttachError(
            f"{target.pid}: this gdb cannot write the registers of this processor, so nothing was attached: install a "
            "newer one, or start the program with `garbology run` or garbology.monitor"
        )
    raise AttachError(f"{target.pid}: gdb could not call into it: {last_line(done.stderr)}")


def _done(command: list[str], target: Target) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, also where Ctrl-C comes: a gdb that is killed leaves the process with its registers."""
    try:
        with delayed_signals():
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_MOST_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AttachError(f"{target.pid}: {Path(command[0]).name} failed: {error}") from None
