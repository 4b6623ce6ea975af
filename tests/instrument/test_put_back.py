"""What a watch switches is switched back where its block never ends: after a fork, at exit, and where it is dropped."""

import gc
import os
import subprocess
import sys
import textwrap
import threading

import pytest

import garbology
from tests.fresh import interpreters

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
PATIENCE_SECONDS = 60

BEGIN = """
import atexit, builtins, contextlib, functools, gc, multiprocessing, os, sys, threading, _thread
import garbology

class Node:
    def __init__(self):
        self.itself = self

def tools():
    names = [sys.monitoring.get_tool(tool) for tool in range(6)] if sys.version_info >= (3, 12) else []
    return [name for name in names if name]

def state():
    # Not how many are frozen: 3.12 has frozen some itself, which thaw with ours.
    frozen = garbology.collector.program_has_frozen()
    return gc.isenabled(), gc.get_threshold(), frozen, list(gc.callbacks), sys.getprofile(), tools()

def suspended():
    with garbology.watch() as found:
        Node()
        yield found

def in_child(work):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work()
            sys.stdout.flush()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

def beside(block):
    '''Run `block(go_on)` in another thread, up to where it waits.'''
    inside, go_on = threading.Event(), threading.Event()
    def wait():
        inside.set()
        go_on.wait(60)
    thread = threading.Thread(target=block, args=(wait,), daemon=True)
    thread.start()
    inside.wait(60)
    def end():
        go_on.set()
        thread.join(60)
    return end
"""


@pytest.fixture
def run(fresh):
    """What a fresh interpreter prints; it must end well and say nothing else."""

    def printed(script):
        quiet = 'import warnings\nwarnings.simplefilter("ignore")'
        done = fresh.run(quiet + BEGIN + textwrap.dedent(script))
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return printed


SWITCHING = {
    "watch": "garbology.watch()",
    "assert_freed": "garbology.assert_freed()",
    "assert_no_cycles": "garbology.assert_no_cycles()",
    "paused": "garbology.collector.paused()",
    "threshold": "garbology.collector.threshold(7, 7, 7)",
    "frozen": "garbology.collector.frozen()",
    "record_pauses": "garbology.record_pauses()",
}


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize("block", SWITCHING.values(), ids=SWITCHING)
def test_a_child_has_nothing_switched_by_threads_that_it_has_not(run, block):
    """A fork beside another thread's block: the child is as before it, and its own watch changes nothing either."""
    printed = run(f"""
        before = state()

        def block(wait):
            with {block}:
                wait()

        end = beside(block)

        def child():
            print(state() == before)
            print(garbology.find_cycles(Node).shapes[0].advice.verified)
            print(state() == before)

        in_child(child)
        end()
        print(state() == before)
    """)
    assert printed == ["True", "True", "True", "0", "True"]


@pytest.mark.slow
@needs_fork
def test_a_watch_round_a_fork_goes_on_in_both(run):
    """The forking thread's own watch, and those outside it, end in the child as in the parent."""
    printed = run("""
        before = state()
        with garbology.watch() as outer:
            with garbology.watch() as found:
                Node()
                child = os.fork()
        print(found.shapes[0].count, outer.shapes[0].count, state() == before)
        sys.stdout.flush()
        if not child:
            os._exit(0)
        print(os.waitpid(child, 0)[1])
    """)
    assert printed == ["1", "1", "True"] * 2 + ["0"]


@pytest.mark.slow
@needs_fork
def test_a_watch_round_a_fork_ends_although_another_thread_watched(run):
    """Of two pauses the other thread's came first, and knew what was before: the child's collector is on at the end."""
    printed = run("""
        before = state()

        def block(wait):
            with garbology.watch():
                wait()

        end = beside(block)

        def child():
            with contextlib.suppress(ValueError):
                stack.close()
            print(state() == before)

        with contextlib.ExitStack() as stack:
            stack.enter_context(garbology.watch())
            in_child(child)
        end()
        print(state() == before)
    """)
    assert printed == ["True", "0", "True"]


@pytest.mark.slow
@needs_fork
def test_a_child_forked_beside_threads_that_open_and_close_can_watch(run):
    """Whatever lock another thread held when the fork came: the child waits for none."""
    printed = run("""
        stopping = []

        def block(wait):
            wait_once = [wait]
            def again():
                while not stopping:
                    with garbology.watch(), garbology.record_pauses():
                        Node()
            threads = [threading.Thread(target=again, daemon=True) for _ in range(2)]
            for thread in threads:
                thread.start()
            wait()
            stopping.append(True)
            for thread in threads:
                thread.join(60)

        end = beside(block)
        for _ in range(20):
            in_child(lambda: garbology.find_cycles(Node).garbage or sys.exit(1))
        end()
        print(state()[0], tools())
    """)
    assert printed == ["0"] * 20 + ["True", "[]"]


@pytest.mark.slow
@needs_fork
def test_a_child_computes_what_another_thread_was_computing_at_the_fork(run):
    """What the instrument computes once has no lock, which that thread would hold in the child for ever."""
    printed = run("""
        from garbology.interpreter.once import cached_property

        class Owner:
            def __init__(self, wait):
                self.wait = wait

            @cached_property
            def value(self):
                self.wait()
                return 1

        def child():
            owner = Owner(int)
            print(owner.value, owner.value is vars(owner)["value"])

        end = beside(lambda wait: Owner(wait).value)
        in_child(child)
        end()
    """)
    assert printed == ["1", "True", "0"]


NEVER_ENDED = {
    "generator": "builtins.held = suspended(); next(builtins.held)",
    "generator in a module": "held = suspended(); next(held)",
    "exit stack": "held = contextlib.ExitStack(); held.enter_context(garbology.watch())",
    "no with": "found = garbology.watch().__enter__()",
    "no with, kept": "held = garbology.watch(); held.__enter__()",
    "two": "held = [suspended(), suspended()]; [next(each) for each in held]",
    "daemon thread": """
def block(wait):
    with garbology.watch():
        wait()
beside(block)""",
    "busy daemon thread": """
def block(wait):
    with garbology.watch():
        threading.Timer(0.2, wait).start()
        while True:
            (lambda: Node())()
beside(block)""",
    "low-level thread": """
started = threading.Event()
def block():
    with garbology.watch():
        started.set()
        _thread.allocate_lock().acquire()
        threading.Event().wait()
_thread.start_new_thread(block, ())
started.wait(60)""",
    "dropped thread": """
def block():
    builtins.held = suspended()
    next(builtins.held)
thread = threading.Thread(target=block)
thread.start()
thread.join()""",
    "freed": "held = contextlib.ExitStack(); held.enter_context(garbology.assert_freed(Node()))",
    "in a finalizer": """
class Late:
    def __del__(self):
        builtins.watching = garbology.watch()
        builtins.watching.__enter__()
builtins.late = Late()
late = Late()""",
    "at exit": "atexit.register(lambda: garbology.watch().__enter__())",
}
AT_THE_END = """
class AtTheEnd:
    def __init__(self):
        self.itself = self
    def __del__(self, write=os.write):
        write(1, b"finalized")
AtTheEnd()
"""
DEVELOPMENT = ("-X", "dev", "-W", "ignore")


@pytest.fixture(scope="module")
def fresh_in_development():
    """Fresh interpreters in development mode."""
    with interpreters(*DEVELOPMENT) as each:
        yield each


@pytest.mark.slow
def test_a_daemon_thread_in_the_middle_of_an_analysis_is_waited_for(fresh):
    """It would never go on, and what its lists hold would never be finalized."""
    script = """
from garbology.interpreter import exclusive
holds, go_on = threading.Event(), threading.Event()
class AtTheEnd:
    def __del__(self, write=os.write):
        write(1, b"finalized")
kept = [AtTheEnd()]
def analyse(kept):
    with exclusive.analysis():
        holds.set()
        go_on.wait(0.5)
        kept.pop()
threading.Thread(target=analyse, args=(kept,), daemon=True).start()
del kept
holds.wait(60)
"""
    done = fresh.run(BEGIN + script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "finalized", "")


@pytest.mark.slow
@pytest.mark.parametrize("begin", NEVER_ENDED.values(), ids=NEVER_ENDED)
def test_a_window_that_is_never_closed_does_no_harm_at_the_end(fresh_in_development, begin):
    """The interpreter ends well and says nothing, and finalizers run at its end as ever."""
    done = fresh_in_development.run(BEGIN + begin + AT_THE_END)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "finalized")


@pytest.mark.slow
def test_a_window_that_is_opened_after_our_own_end_does_no_harm_either():
    """What was registered before garbology was imported is called after its own."""
    early = """
import atexit, builtins
def open_late():
    builtins.late = garbology.watch()
    builtins.late.__enter__()
atexit.register(open_late)
"""
    command = [sys.executable, *DEVELOPMENT, "-c", early + BEGIN + AT_THE_END]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "finalized")


@pytest.mark.slow
@pytest.mark.parametrize("begin", ["suspended()", "contextlib.ExitStack()", "garbology.watch()"])
def test_a_window_that_is_dropped_is_closed(run, begin):
    """What nothing can close any more has everything put back."""
    printed = run(f"""
        before = state()
        held = {begin}
        if type(held) is contextlib.ExitStack:
            held.enter_context(garbology.watch())
        elif type(held) is garbology.watch:
            held.__enter__()
        else:
            next(held)
        print(gc.isenabled())
        del held
        print(state() == before)
    """)
    assert printed == ["False", "True"]


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_every_start_method(tmp_path, method):
    """A process started inside a watch has the collector on, watches itself, and its parent's watch ends."""
    script = tmp_path / "processes.py"
    script.write_text(
        f"""
import gc, multiprocessing, sys
import garbology

class Node:
    def __init__(self):
        self.itself = self

def work(number):
    found = garbology.find_cycles(Node)
    if not gc.isenabled() or sys.getprofile():
        sys.exit(1)
    return found.shapes[0].count, gc.isenabled()

if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    with context.Pool(1) as pool:
        print(*pool.map(work, [1]))
    with garbology.watch() as found:
        process = context.Process(target=work, args=(1,))
        process.start()
        process.join()
        print(process.exitcode)
        Node()
    print(gc.isenabled(), any("Node" in str(shape.types) for shape in found.shapes))
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["(1, True)", "0", "True True"]


BLOCKS = {
    "watch": garbology.watch,
    "assert_no_cycles": garbology.assert_no_cycles,
    "assert_freed": garbology.assert_freed,
}


@pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS)
def test_a_block_entered_twice_is_refused(make):
    """One object is one block at a time: the second entry raises and switches nothing, and the first goes on."""
    block = make()
    with block:
        with pytest.raises(RuntimeError, match="make a new one"), block:
            raise AssertionError("entered")
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize("make", BLOCKS.values(), ids=BLOCKS)
def test_a_block_that_was_not_entered_cannot_end(make):
    """Ending it, or ending it twice, says what is wrong."""
    block = make()
    with block:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        block.__exit__(None, None, None)
    with pytest.raises(RuntimeError, match="not open"):
        make().__exit__(None, None, None)


def test_a_watch_used_again_has_another_finding():
    """Two blocks one after the other have two findings."""
    watching = garbology.watch()
    with watching as first:
        node = []
        node.append(node)
        del node
    with watching as second:
        pass
    assert first.garbage == 1
    assert second.garbage == 0


def test_a_block_refused_in_another_thread():
    """The same object in two threads at once is refused as well."""
    watching, refused = garbology.watch(), []

    def enter():
        with pytest.raises(RuntimeError, match="make a new one"):
            watching.__enter__()
        refused.append(True)

    with watching:
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(PATIENCE_SECONDS)
    assert refused
    assert gc.isenabled()


SUBINTERPRETERS = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def run(script, isolated):
    if sys.version_info >= (3, 13):
        made = interpreters.create("isolated" if isolated else "legacy")
    else:
        made = interpreters.create(isolated=isolated)
    try:
        failed = interpreters.run_string(made, script)
        print("fine" if failed is None else failed.formatted)
    except Exception as error:
        print(error)
    interpreters.destroy(made)
"""


@pytest.mark.slow
@pytest.mark.parametrize("imported_before", [False, True])
@pytest.mark.parametrize("isolated", [False, True])
def test_a_subinterpreter_is_refused_with_a_sentence(isolated, imported_before):
    """NumPy does not work there, and on 3.10 and 3.11 to import it there may never end."""
    before = "import garbology; garbology.find_cycles(list)" * imported_before
    script = f"import sys; sys.path[:0] = {sys.path!r}; import garbology; garbology.find_cycles(list)"
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            f"{SUBINTERPRETERS}\n{before}\nrun({script!r}, {isolated})\n{before}",
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "this is a subinterpreter: watch in the main interpreter" in done.stdout


@pytest.mark.slow
def test_a_subinterpreter_run_inside_a_watch_does_no_harm():
    """The main interpreter's watch ends as ever."""
    script = """
import garbology
with garbology.watch() as found:
    run("a = []; a.append(a); del a; f = lambda: 1; f()", True)
    cycle = []
    cycle.append(cycle)
    del cycle
print(found.garbage)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SUBINTERPRETERS + script],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["fine", "1"]
