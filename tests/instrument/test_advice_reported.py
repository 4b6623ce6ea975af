"""Kinds of public reports, without their libraries: what is said is what their maintainers did, or as good."""

import collections.abc
import concurrent.futures
import contextlib
import ctypes
import enum
import functools
import gc
import sys
import threading
import xml.parsers.expat

import pytest

import garbology
from garbology.interpreter import collector

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


def advice_of(program, *args):
    (shape,) = garbology.find_cycles(program, *args).shapes
    return shape.advice


class Linked(ctypes.Structure):
    """Points to another."""


Linked._fields_ = [("next", ctypes.POINTER(Linked))]


# --- an exception thrown in while another is handled (asgiref)


def _no():
    raise LookupError


@contextlib.contextmanager
def yields_while_handling():
    try:
        _no()
    except LookupError:
        yield 1


@contextlib.contextmanager
def yields_while_handling_one_of_two():
    try:
        _no()
    except KeyError:
        yield 1
    except LookupError:
        if sys.argv:
            yield 2


def with_context(manager):
    with contextlib.suppress(AttributeError), manager() as storage:
        return storage.missing


def raises_while_handling():
    try:
        _no()
    except LookupError:
        raise AttributeError  # noqa: B904


@contextlib.contextmanager
def raises_instead_of_yielding():
    raises_while_handling()
    yield


def is_kept_by_contextlib(manager):
    """Asked of the collector, for it changes with the patch level: not up to 3.11, nor in 3.13.18 or 3.14.10."""
    gc.collect()
    with collector.paused():
        with_context(manager)
        return gc.collect() > 0


@pytest.mark.parametrize("manager", [yields_while_handling, yields_while_handling_one_of_two])
def test_what_is_thrown_in_while_another_is_handled_is_yielded_later(manager):
    """The frame of contextlib that keeps the exception is no program's to change; the except clause is."""
    if not is_kept_by_contextlib(manager):
        assert garbology.find_cycles(with_context, manager).garbage == 0
        return
    advice = advice_of(with_context, manager)
    assert [edge.label for edge in advice.edges] == [".__context__"]
    assert f"function {manager.__name__}" in advice.reason
    assert "yield after that clause" in advice.reason
    assert advice.verified


def keeps_what_it_raised():
    error = None
    try:
        raises_while_handling()
    except AttributeError as caught:
        error = caught
    return error is None


def test_what_is_raised_while_another_is_handled_is_not_yielded():
    """The frame of the program's own that keeps it comes first, and nothing is said of a `yield`."""
    advice = advice_of(keeps_what_it_raised)
    assert "`del error`" in advice.reason
    assert "yield" not in advice.reason


# --- the frame that an exception passed through (aiohttp)


def waits():
    waiter = concurrent.futures.Future()
    waiter.set_exception(ValueError())
    waiter.result()


def test_what_a_frame_keeps_is_let_go_of_although_the_function_is_left_by_an_exception():
    """A statement at the end of the function would not be reached."""

    def program():
        with contextlib.suppress(ValueError):
            waits()

    reason = advice_of(program).reason
    assert "end with `waiter = None` (or `del waiter`) in a finally" in reason


class Stream:
    """Raises what ended it to all who read."""

    error = None

    def read(self):
        """Raise it, this time and the next."""
        if self.error is not None:
            raise self.error

    def read_to_the_end(self):
        """Fail, and keep what it was."""
        try:
            raise ConnectionResetError
        except ConnectionResetError as error:
            self.error = error


def test_an_error_that_is_raised_again_is_let_go_of_after_the_last_time():
    """Whoever reads after the first time would wait for ever."""

    def program():
        stream = Stream()
        stream.read_to_the_end()
        for _ in range(2):
            with contextlib.suppress(ConnectionResetError):
                stream.read()

    assert "`self.error = None` once it was raised or reported for the last time" in advice_of(program).reason


# --- a method of a list that another has replaced (matplotlib)


class Line:
    remove = None


class Axes:
    def __init__(self):
        self.lines = []

    def add(self):
        """A line that knows how to leave."""
        line = Line()
        self.lines.append(line)
        line.remove = self.lines.remove

    def clear(self):
        """Forget the lines: the list stays."""
        self.lines = []


class Named:
    def __init__(self):
        self.lines = {}

    def add(self):
        """The same by name."""
        line = Line()
        self.lines["a line"] = line
        line.remove = self.lines.pop

    def clear(self):
        """Forget the names: the dict stays."""
        self.lines = {}


class Unordered:
    def __init__(self):
        self.lines = set()

    def add(self):
        """The same in a set, which takes a weak reference."""
        line = Line()
        self.lines.add(line)
        line.remove = self.lines.discard

    def clear(self):
        """Forget the set."""
        self.lines = set()


def plot(axes):
    axes.add()
    axes.clear()


def plot_two(axes):
    axes.add()
    axes.add()
    axes.clear()


@pytest.mark.parametrize("made_before", [False, True])
@pytest.mark.parametrize("program", [plot, plot_two])
@pytest.mark.parametrize("kind", [Axes, Named, Unordered])
def test_a_container_that_was_replaced_is_emptied(kind, program, made_before):
    """`weakref.ref([])` is an error, and a weak reference in it would have died: it is emptied where it is replaced."""
    axes = kind()
    advice = advice_of(program, axes) if made_before else advice_of(lambda: program(kind()))
    name = type(axes.lines).__name__
    assert advice.remedy == "clear"
    assert f"empty that {name} (`clear()`)" in advice.reason
    assert "hold weakref" not in advice.reason
    assert advice.verified


# --- what a class refers to (pydantic)


def class_with_a_reader():
    class Model:
        reader = None

    class Reader:
        def __init__(self, model):
            self.model = model

    Model.reader = Reader(Model)


def test_what_a_class_refers_to_is_none_of_its_instances():
    """Nothing is said of instances where there are none; the class is made once."""
    for shape in garbology.find_cycles(class_with_a_reader).shapes:
        assert shape.advice.remedy == "hoist"
        assert "instances" not in shape.advice.reason


def with_an_enum():
    class Color(enum.Enum):
        RED = 1

    return Color.RED is None


def with_a_default():
    class Style:
        pass

    Style.default = Style()


@pytest.mark.parametrize("program", [with_an_enum, with_a_default])
def test_what_a_class_is_known_by_is_not_weakened(program):
    """Without its members it is another class."""
    for shape in garbology.find_cycles(program).shapes:
        assert shape.advice.remedy == "hoist"
        assert not shape.advice.edges
        assert "weak" not in shape.advice.reason


# --- structures of ctypes that point to each other


def test_what_ctypes_keeps_is_let_go_of_by_the_pointer():
    """Nobody but ctypes writes into its dictionaries."""

    def program():
        one, other = Linked(), Linked()
        one.next = ctypes.pointer(other)
        other.next = ctypes.pointer(one)

    advice = advice_of(program)
    assert set(advice.remedies) == {"clear"}
    assert "assign a null pointer" in advice.reason
    assert "weakref" not in advice.reason

    def followed(null):
        one, other = Linked(), Linked()
        one.next = ctypes.pointer(other)
        other.next = ctypes.pointer(one)
        one.next = null

    assert garbology.find_cycles(followed, ctypes.POINTER(Linked)()).garbage == 0
    assert garbology.find_cycles(followed, None).garbage > 0


# --- what is made when it is asked for has parts with a way back of their own (githubkit)


class Part:
    def __init__(self, owner):
        self._owner = owner


class Parts:
    def __init__(self, owner):
        self._owner = owner

    @functools.cached_property
    def issues(self):
        """A part with its own way back."""
        return Part(self._owner)


class Client:
    @functools.cached_property
    def rest(self):
        """What it keeps."""
        return Parts(self)


def test_one_of_several_ways_back_is_not_said_to_be_enough():
    """With that reference weak, the part still leads back."""

    def alone():
        client = Client()
        return client.rest is client

    def with_a_part():
        client = Client()
        return client.rest.issues is client

    assert "Parts._owner" in advice_of(alone).reason
    advice = advice_of(with_a_part)
    assert advice.remedy == "property"
    assert "weakref" not in advice.reason


# --- a canceller that is an object (twisted)


class Deferred:
    def __init__(self, canceller=None):
        self._canceller = canceller

    def cancel(self):
        """Ask the canceller."""
        self._canceller(self)


class Canceller:
    deferred = None

    def __call__(self, deferred):
        self.deferred = None


class Session:
    deferred = None


@pytest.mark.parametrize(("kind", "is_called"), [(Canceller, True), (Session, False)])
def test_an_object_that_is_called_once_is_let_go_of(kind, is_called):
    """Nothing else may hold it: a weak reference would be dead before it is called."""

    def program():
        canceller = kind()
        canceller.deferred = Deferred(canceller)

    assert ("`self._canceller = None`" in advice_of(program).reason) is is_called


# --- an inner function that two things hold (tqdm)


class Output:
    write = None
    flush = None


def with_a_shared_function():
    def write():
        return stream

    def flush():
        return write()

    stream = Output()
    stream.write = write
    stream.flush = flush


def with_a_shared_partial():
    stream = Output()
    stream.write = functools.partial(print, stream)
    stream.flush = stream.write


def with_a_shared_method():
    stream = Output()
    stream.write = stream.flush = stream.__init__


@pytest.mark.parametrize("program", [with_a_shared_function, with_a_shared_partial, with_a_shared_method])
def test_a_callable_that_nothing_else_keeps_is_not_held_weakly(program):
    """A weak reference to it would be dead at once: what it captures may be weak."""
    advice = advice_of(program)
    assert [edge.target for edge in advice.edges] == ["Output"]
    assert ".write" not in advice.edges[0].label


# --- a callback that is called again and again (distributed)


class Periodic:
    """Calls its callback as long as it runs."""

    def __init__(self, callback):
        self.callback = callback

    def tick(self):
        """Call it."""
        self.callback()


class OnCompletion:
    """Calls it once."""

    def __init__(self, callback):
        self.on_completion = callback

    def tick(self):
        """Call it."""
        self.on_completion()


class Watched:
    def __init__(self, kind, by_function):
        self.timer = kind((lambda: self.tick()) if by_function else self.tick)

    def tick(self):
        return self


@pytest.mark.parametrize("by_function", [False, True])
@pytest.mark.parametrize(("kind", "is_once"), [(Periodic, False), (OnCompletion, True)])
def test_a_callback_is_not_said_to_be_called_once(kind, is_once, by_function):
    """Its name says that it is called, not how often."""

    def program():
        watched = Watched(kind, by_function)
        watched.timer.tick()

    reason = advice_of(program).reason
    assert ("is called once" in reason) is is_once
    if not is_once:
        assert "once it was called for the last time" in reason


# --- a method in place of the class's own (pyparsing)


class Word:
    def __init__(self, fast):
        if fast:
            self.parse = self._parse_fast
        else:
            self.reading = self._parse_fast

    def parse(self):
        """What others call."""

    def _parse_fast(self):
        return self


def test_a_weak_method_is_not_put_in_place_of_a_method():
    """Others call it, and would call the weak method; what only its own class calls may be one."""
    instead = advice_of(lambda: Word(True) and None)
    assert "in place of the class's own parse(), which others call" in instead.reason
    assert "WeakMethod" not in instead.reason
    assert "WeakMethod" in advice_of(lambda: Word(False) and None).reason


# --- one of an object's own methods, in a private attribute of it (matplotlib's markers, werkzeug's rules)


class Marker:
    def __init__(self, shape):
        if shape:
            self._draw = self._point
        else:
            self._draw = getattr(self, "_nothing")  # noqa: B009

    def _point(self):
        return self

    def _nothing(self):
        return self


class Chosen:
    """Takes another's function as well, which gets no object."""

    def __init__(self, draw=None):
        self._draw = draw or self._point

    def _point(self):
        return self


class Open(Marker):
    """Is asked for by others."""

    def __init__(self):
        self.draw = self._point


@pytest.mark.parametrize(
    ("make", "is_own"),
    [(lambda: Marker(True), True), (lambda: Marker(False), True), (Chosen, False), (Open, False)],
)
def test_one_of_an_object_s_own_methods_is_held_as_a_function(make, is_own):
    """A copy of the object would ask the weak reference for the first; where another may give one it cannot be."""
    advice = advice_of(lambda: make() and None)
    assert (advice.remedy == "property") is is_own
    assert ("hold the function (`type(self)._" in advice.reason) is is_own
    assert advice.verified


# --- what a descriptor gave and the object keeps (cachetools)


class Bound:
    def __init__(self, owner):
        self.owner = owner
        self.calls = []

    def __call__(self):
        """Remember the call, so that another one is not as good."""
        self.calls.append(self.owner)


class Keeping:
    def __set_name__(self, cls, name):
        self.name = name

    def __get__(self, owner, cls=None):
        made = owner.__dict__[self.name] = Bound(owner)
        return made


class Service:
    ask = Keeping()


def test_what_a_descriptor_gave_is_not_kept_weakly():
    """A weak reference in its place would be given to those who ask for it."""

    def program():
        service = Service()
        service.ask()

    assert ".ask" not in [edge.label for edge in advice_of(program).edges]


class Cached:
    """Keeps what is asked, as a cache does, which keeps the way back."""

    def __init__(self):
        self.known = {}

    ask = Keeping()


def test_what_a_descriptor_gave_is_cleared_where_nothing_else_can_be():
    """It is let go of; a weak reference would have been given."""

    def program():
        service = Cached()
        service.ask()
        return service.ask.owner is service

    for edge in advice_of(program).to_dict()["edges"]:
        assert (edge["label"], edge["remedy"]) != (".ask", "weakref")


# --- what a descriptor keeps for good (python-docx)


class Lazy:
    """Keeps what it made, and refuses to be set."""

    def __init__(self, make):
        self.make = make

    def __set_name__(self, cls, name):
        self.name = name

    def __get__(self, owner, cls=None):
        if self.name not in owner.__dict__:
            owner.__dict__[self.name] = self.make(owner)
        return owner.__dict__[self.name]

    def __set__(self, owner, value):
        raise AttributeError


class Package:
    @Lazy
    def parts(self):
        """Parts that fill themselves, so that others are not as good."""
        return Bound(self)


def test_what_refuses_to_be_set_is_not_to_be_cleared():
    """`package.parts = None` is an error: what it holds may be weak, or nothing is advised."""

    def program():
        package = Package()
        package.parts()
        return package.parts.owner is package

    assert ".parts" not in [edge.label for edge in advice_of(program).edges]


# --- each edge by its own remedy


def test_each_edge_is_marked_with_what_to_do_about_it():
    """One is hoisted, the other is weak."""

    def program():
        def again():
            return again

        line = Line()
        line.remove = again
        again.line = line
        line.itself = line

    (shape,) = garbology.find_cycles(program).shapes
    by_label = {edge["label"]: edge["remedy"] for edge in shape.advice.to_dict()["edges"]}
    assert len(set(by_label.values())) > 1
    text = str(garbology.find_cycles(program))
    assert "<- hoist this one" in text
    assert {"<- replace this one", "<- weaken this one", "<- clear this one"} & {
        line[line.index("<-") :] for line in text.splitlines() if "<-" in line
    }


# --- a line of source that holds more than one kind of thing (marshmallow)


class Schema:
    def __init__(self, field):
        self.field = field
        field.parent = self
        field.root = self


class Nested(Schema):
    pass


class Field:
    parent = root = None


def test_only_what_was_seen_to_be_held_is_said_to_have_been():
    """One line sets the way back to both: one schema was held by it alone, the other was not."""

    def use(field):
        return field.parent, field.root

    def program():
        field = Field()
        Nested(field)
        use(field)
        other = Schema(Field())
        return other.field is None

    reasons = [shape.advice.reason for shape in garbology.find_cycles(program).shapes]
    assert any("one of Field.parent and Field.root has to stay strong" in reason for reason in reasons)
    assert not [reason for reason in reasons if "held the Schema" in reason]


# --- a wrapper that captures itself (tenacity)


def test_a_wrapper_that_captures_itself_is_called_by_the_variable():
    """It bears the name of what it wraps, which captures nothing."""

    def counted(function):
        @functools.wraps(function)
        def wrapper():
            wrapper.calls += 1
            return function()

        wrapper.calls = 0
        return wrapper

    def program():
        counted(lambda: None)()

    assert advice_of(program).reason.startswith("wrapper captures itself")


# --- as text


def test_no_line_of_a_long_edge_is_empty():
    """Names with a file and line are cut, and nothing but a mark follows them."""

    def program():
        def what_is_called_when_something_happens_to_it():
            return owner

        def what_is_called_when_something_else_happens_to_it():
            return what_is_called_when_something_happens_to_it()

        owner = Line()
        owner.first = what_is_called_when_something_happens_to_it
        owner.second = what_is_called_when_something_else_happens_to_it

    text = str(garbology.find_cycles(program))
    assert "-> function" in text
    assert not [line for line in text.splitlines() if line and not line.strip()]


# --- an exception that is raised again through a call (multiprocessing's managers)


def checked(kind, result):
    return result if kind == "error" else TypeError()


class Answer:
    """Gives what the other side raised."""

    error = None

    def receive(self):
        """Keep what went wrong."""
        try:
            _no()
        except LookupError as error:
            self.error = error

    def result(self):
        """Raise it."""
        raise checked("error", self.error)


def test_what_a_call_gives_back_is_raised_and_its_traceback_put_back():
    """`raise checked(self.error)` may raise what was kept: to drop its traceback before would do nothing."""
    reason = advice_of(lambda: Answer().receive()).reason
    assert "with_traceback" not in reason
    assert "`self.error = None`" in reason


# --- an exception that is the answer (aiohttp)


class NotFoundResponse(Exception):
    """Raised to answer a request."""


def _fails():
    raise NotFoundResponse


def _handled():
    try:
        _fails()
    except NotFoundResponse as error:
        response = error
    return response


def served():
    response = _handled()
    return response is None


def test_what_variables_of_two_functions_keep_is_let_go_of_in_both():
    """Each is a statement of the function's own; the traceback is what tells where it came from."""
    reason = advice_of(served).reason
    assert "`del response` in function served" in reason
    assert "`del response` in function _handled" in reason
    assert "with_traceback" not in reason


# --- a generator, and a class made in every call whose method it is (iterparse)


def iterates():
    def generate(source):
        for each in source:
            yield iterator.root, each

    class Iterator(collections.abc.Iterator):
        __next__ = generate([1, 2]).__next__
        root = None

    iterator = Iterator()
    next(iterator)


def test_what_a_class_made_in_a_call_has_is_not_let_go_of_before_what_its_instances_are_held_by():
    """A method of a class is there as long as the class."""
    (shape,) = garbology.find_cycles(iterates).shapes
    assert shape.advice.remedy == "hoist"
    assert shape.advice.edges
    assert not [edge for edge in shape.advice.edges if edge.source.startswith(("class ", "method-wrapper"))]


# --- a list of the object alone (tomlkit)


class Key:
    def __init__(self):
        self._keys = [self]


class Keys:
    def __init__(self, *keys):
        self._keys = [*keys] or [self]


@pytest.mark.parametrize(("kind", "is_own"), [(Key, True), (Keys, False)])
def test_a_list_of_the_object_alone_is_made_when_it_is_asked_for(kind, is_own):
    """Who reads the list expects objects in it, not weak references."""
    advice = advice_of(lambda: kind() and None)
    assert (advice.remedy == "property") is is_own
    assert ("make ._keys a property" in advice.reason) is is_own


# --- an attribute that is the object where no other is given (SQLAlchemy's aliases)


class Alias:
    def __init__(self, base=None):
        self.base = base or self


class Root:
    def __init__(self):
        self.base = self


@pytest.mark.parametrize(("kind", "is_always"), [(Root, True), (Alias, False)])
def test_what_may_be_another_object_is_no_property(kind, is_always):
    """A property that returns self would lose the other."""
    advice = advice_of(lambda: kind() and None)
    assert advice.remedy == ("property" if is_always else "weakref")


# --- what a method makes when it is asked for (SciPy's adjoint operators)


class Operator:
    def __init__(self):
        self.__adjoint = None

    def adjoint(self):
        """Made once, and kept."""
        if self.__adjoint is None:
            self.__adjoint = Adjoint(self)
        return self.__adjoint


class Adjoint(Operator):
    def __init__(self, operator):
        super().__init__()
        self._operator = operator
        self._init_shape()

    def _init_shape(self):
        self.shape = ()

    def adjoint(self):
        """The way back, in place of one of its own."""
        return self._operator


class Registry:
    def __init__(self):
        self.latest = None

    def add(self):
        """Another one each time: not made because it was asked for."""
        self.latest = Adjoint(self)
        return self.latest


@pytest.mark.parametrize(
    ("program", "is_memo"),
    [(lambda: Operator().adjoint() and None, True), (lambda: Registry().add() and None, False)],
)
def test_what_a_method_makes_when_it_is_asked_for_is_not_kept(program, is_memo):
    """`operator.adjoint().adjoint()` would find its way back dead, were that weak."""
    advice = advice_of(program)
    assert (advice.remedy == "property") is is_memo
    assert ("make it each time" in advice.reason) is is_memo


# --- an exception that another thread is handling (a worker of concurrent.futures)


def test_an_exception_that_another_thread_is_handling_is_held_by_nothing_unknown():
    """A worker waits for work in the except clause of an `Empty`."""
    waiting, begun, ended = threading.Event(), threading.Event(), threading.Event()

    def waits():
        try:
            _no()
        except LookupError:
            begun.set()
            waiting.wait()
        ended.set()

    thread = threading.Thread(target=waits)

    def program():
        thread.start()
        begun.wait()

    try:
        found = garbology.find_cycles(program)
    finally:
        waiting.set()
        thread.join()
    assert "LookupError" not in str(found)


# --- a copy of a function's variables (trio asked for `frame.f_locals`)


def _asks_for_its_variables():
    try:
        _no()
    except LookupError as error:
        kept = [error]
        locals()
    del kept


def _is_asked_for_its_variables():
    try:
        _no()
    except LookupError as error:
        kept = [error]
        assert sys._getframe().f_locals.setdefault("@a flag", True)
    del kept


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="nothing is copied")
@pytest.mark.parametrize("program", [_asks_for_its_variables, _is_asked_for_its_variables])
def test_a_copy_of_the_variables_is_told_from_the_variables(program):
    """They were cleared by the function itself: what is left is in a dictionary that nobody knows of."""
    (shape,) = garbology.find_cycles(program).shapes
    assert {edge.label.partition("[")[0] for edge in shape.advice.edges} == {".f_locals"}
    assert f"the frame of function {program.__name__}" in shape.advice.reason
    assert "keeps a copy of its variables" in shape.advice.reason
    assert "with_traceback" not in shape.advice.reason
    assert not [edge for edge in shape.edges if "value stack" in edge.label]
    assert shape.advice.verified


# --- an object written in C that calls methods of who holds it (uvicorn's parser)


class Document:
    def __init__(self):
        self.parser = xml.parsers.expat.ParserCreate()
        self.parser.StartElementHandler = self.start

    def start(self, name, attributes):
        """Called by the parser."""
        self.name = name


def test_an_object_in_c_that_calls_back_can_be_let_go_of():
    """It takes what it takes: a function in place of the method may not be among that."""

    def program():
        document = Document()
        document.parser.Parse("<a/>", True)

    reason = advice_of(program).reason
    assert "captures weakref.ref(self)" in reason
    assert "or let go of the xmlparser (`self.parser = None`) when it is done with" in reason


# --- a list that others fill, of which one element leads back (pyparsing)


class Expression:
    def __init__(self, *expressions):
        self.expressions = [*expressions]


class Sequence(Expression):
    """All of them."""


class Recursive:
    expression = None


class Grammar:
    """Keeps its observers apart from its parts."""

    def __init__(self):
        self.parts, self.observers = [], []


class Observer:
    def __init__(self, grammar):
        self.grammar = grammar


def recursive_grammar():
    value = Recursive()
    value.expression = Sequence(Expression(), value)
    return value


def observed_grammar():
    grammar, observer = Grammar(), Observer(None)
    grammar.parts.append(Expression())
    grammar.observers.append(observer)
    observer.grammar = grammar
    return observer


def test_an_element_is_not_weak_where_others_of_its_list_have_to_stay():
    """Who reads the list takes all elements alike: `for each in self.expressions: each.parse(...)`."""
    advice = advice_of(lambda: recursive_grammar() and None)
    assert [str(edge) for edge in advice.edges] == ["Recursive.expression -> Sequence"]
    assert advice.remedy == "clear"
    advice = advice_of(lambda: observed_grammar() and None)
    assert [str(edge) for edge in advice.edges] == ["Grammar.observers[0] -> Observer"]


# --- a method that an object has from a class written in C, in an attribute of it (chameleon's scopes)


class Table:
    """Looks up what it owns, and whoever asked."""

    def __init__(self):
        self.by_name = {}


def looked_up():
    table = Table()
    asking = Observer(table)
    table.by_name["owned"] = Expression()
    table.by_name["asking"] = asking
    return asking


def test_a_value_is_not_weak_where_others_of_its_table_have_to_stay():
    """A WeakValueDictionary would let go of all that it alone owns."""
    advice = advice_of(lambda: looked_up() and None)
    assert advice.remedy != "WeakValueDictionary"
    assert "[" not in "".join(edge.label for edge in advice.edges)


class Request:
    """What a response answers."""


def answered():
    response = Line()
    response.remove = functools.partial(print, Request(), response)
    return response


def test_each_place_of_a_tuple_is_its_own():
    """One argument of a call has to stay, and another leads back (cachecontrol's responses)."""
    advice = advice_of(lambda: answered() and None)
    assert [edge.label for edge in advice.edges] == [".remove.args[1]"]
    assert advice.remedy == "weakref"


class Scope(dict):
    __slots__ = ("set_global",)

    def __init__(self):
        self.set_global = self.__setitem__


def test_a_method_written_in_c_of_the_object_itself_becomes_one_of_the_class():
    """To empty the dictionary would help nothing, and it takes no weak reference."""
    advice = advice_of(lambda: Scope() and None)
    assert advice.remedy == "property"
    assert "make set_global a method of the class instead" in advice.reason


# --- an object among others in a list of its own (zope.interface's registries)


class Ordered:
    def __init__(self, *bases):
        self.bases = bases
        self.order = [self, *bases]


def test_an_object_in_a_list_of_its_own_is_left_out_of_it():
    """Who reads the list expects objects, and a weak reference to itself would be the only one."""
    base = Ordered()
    advice = advice_of(lambda: Ordered(base) and None)
    assert advice.remedy == "property"
    assert "keep the others alone there, and make .order a property that adds it" in advice.reason


# --- an exception that `getattr` with a default drops after it has left a block (django's URLs, asgiref)


class Storage:
    @contextlib.contextmanager
    def locked(self):
        """Nothing else."""
        yield self

    def __getattr__(self, name):
        with self.locked():
            raise AttributeError


def test_an_exception_that_left_a_block_is_not_for_contextlib_to_let_go_of():
    """From 3.11 nothing keeps it; before, the frame of contextlib is no program's to change."""

    def program():
        return getattr(Storage(), "missing", None)

    found = garbology.find_cycles(program)
    for shape in found.shapes:
        assert "catch the exception inside the with block, or raise it after that" in shape.advice.reason
    assert found.shapes or sys.version_info >= (3, 11)


# --- exceptions that are made and never raised (jsonschema's errors)


class Invalid(Exception):
    """Has the error that it is a part of."""

    parent = None

    def __init__(self, *context):
        super().__init__()
        self.context = context
        for error in context:
            error.parent = self


def test_nothing_is_said_of_frames_where_nothing_was_raised():
    """No weak reference either: who holds a part alone asks it for the whole."""
    advice = advice_of(lambda: Invalid(Invalid()) and None)
    assert advice.remedy == "clear"
    assert "frames" not in advice.reason
    assert "= None` once it was reported for the last time" in advice.reason


# --- what a container among a function's variables holds (a debugger's table)


def keeps_its_frame_in_a_table():
    table = {"line": Line()}
    try:
        _no()
    except LookupError as error:
        table["line"].remove = error.__traceback__.tb_frame


def test_a_container_among_the_variables_is_let_go_of_with_its_variable():
    """What it holds is not asked for a frame."""
    reason = advice_of(keeps_its_frame_in_a_table).reason
    assert "end with `table = None` (or `del table`) in a finally" in reason
