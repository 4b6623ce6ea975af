"""The statements of a source file that set attributes and variables, as plain strings and numbers.

A file is parsed once and its tree given up again: what is kept of it has no reference to any object of a program.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from garbology.names.settings import WITH_CALLBACK, Setting, Statements, scope_of, with_keyword
from garbology.names.sources import lines_of, stamp_of

_MOST_LINES = 20_000
_ADDING = frozenset(
    [
        *("add", "append", "appendleft", "extend", "extendleft", "insert", "put", "put_nowait"),
        *("push", "register", "setdefault", "update"),
    ]
)
_ADDING_FUNCTIONS = frozenset(
    ["heappush", "heapreplace", "heappushpop", "insort", "insort_left", "insort_right"]
)
_EMPTY = frozenset(
    [
        *("Counter", "OrderedDict", "WeakSet", "defaultdict", "deque", "dict", "field", "frozenset", "list"),
        *("set", "tuple"),
    ]
)
_TAKING_CALLBACKS = frozenset(["WeakMethod", "finalize", "proxy", "ref"])
ANY_NAME = "*"  # `setattr(self, name, value)`, `self.__dict__.update(values)`
_DIGITS_AND_KEYWORD = re.compile(r"(?<![\w.])(\d[\w.]*?)(and|else|for|if|in|is|not|or)\b")
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)
_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def statements_of(filename: str) -> Statements:
    """The statements of a file; none where it cannot be read or is no Python."""
    return _parsed(filename, stamp_of(filename), len(lines_of(filename)))


@functools.lru_cache(maxsize=24)
def _parsed(filename: str, stamp: tuple[int, int], length: int) -> Statements:
    """``stamp`` and ``length`` tell a file from an earlier one of the same name."""
    if not 0 < length <= _MOST_LINES:
        return Statements()
    try:
        tree = ast.parse(_without_warnings("\n".join(lines_of(filename)) + "\n"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Statements()
    reader = _Reader(tree, length)
    reader.found.keep_scopes(reader.scopes)
    return reader.found


def _without_warnings(text: str) -> str:
    """The text without what the parser warns of: a warning would run code of the program's. Lines stay as they are."""
    return _BACKSLASH.sub(_plain_escape, _DIGITS_AND_KEYWORD.sub(r"\1 \2", text))


def _plain_escape(match: re.Match[str]) -> str:
    return match[0] if match[1] in "\\'\"\nN" else f"_{match[1]}"


class _Place(NamedTuple):
    """Where in the file a node is."""

    scope: int
    class_name: str = ""  # of the class around, qualified
    class_line: int = 0
    in_class_body: bool = False
    selves: tuple[tuple[str, tuple[str, int]], ...] = ()  # first arguments of methods, and the class of each
    class_first_line: int = 0  # decorators included


class _Reader:
    def __init__(self, tree: ast.Module, length: int) -> None:
        self.found = Statements()
        self.scopes = [scope_of("<module>", "", 1, 1, length, -1)]
        pending: list[Iterator[tuple[ast.AST, _Place]]] = [iter([(tree, _Place(0))])]
        while pending:  # no recursion: an expression may be as deep as it likes
            found = next(pending[-1], None)
            if found is None:
                pending.pop()
                continue
            node, place = found
            if isinstance(node, _SIMPLE) and node.end_lineno and node.end_lineno > node.lineno:
                self.found.keep_statement(node.lineno, node.end_lineno)
            read = _READERS.get(type(node))
            inside = read(self, node, place) if read else None
            pending.append(_children(node, place, place if inside is None else inside))

    def _read_classdef(self, node: ast.ClassDef, place: _Place) -> _Place:
        self._bind(node.name, node.lineno, place)
        qualified = self._prefix(place) + node.name
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        self.found.keep_class(qualified, first)
        return _Place(place.scope, qualified, node.lineno, True, place.selves, first)

    def _prefix(self, place: _Place) -> str:
        return f"{place.class_name}." if place.in_class_body else self.scopes[place.scope].qualified

    def _read_functiondef(self, node: _Function, place: _Place) -> _Place:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        if not isinstance(node, ast.Lambda):
            self._bind(name, node.lineno, place)
        names = _arguments(node.args)
        scope = scope_of(
            name,
            f"{self._prefix(place)}{name}.<locals>.",
            min([node.lineno, *(each.lineno for each in decorators)]),
            node.lineno,
            node.end_lineno or node.lineno,
            place.scope,
            place.class_line,
        )
        scope.bound.update({each: [node.lineno] for each in names})
        self.scopes.append(scope)
        selves = tuple(each for each in place.selves if each[0] not in names)
        if (
            place.in_class_body
            and names
            and not any(_last_name(each) == "staticmethod" for each in decorators)
        ):
            selves += ((names[0], (place.class_name, place.class_first_line)),)
        inner = len(self.scopes) - 1
        return _Place(inner, place.class_name, place.class_line, False, selves, place.class_first_line)

    _read_asyncfunctiondef = _read_functiondef
    _read_lambda = _read_functiondef

    def _read_assign(self, node: ast.Assign, place: _Place) -> None:
        for target in node.targets:
            self._set(target, node.value, node.lineno, place)

    def _read_annassign(self, node: ast.AnnAssign, place: _Place) -> None:
        if place.in_class_body and isinstance(node.target, ast.Name):
            trivial = node.value is not None and _is_trivial(node.value)
            self.found.keep_setting(
                Setting(
                    *(node.target.id, node.lineno, place.class_name),
                    trivial=trivial,
                    is_field=True,
                    owner_line=place.class_first_line,
                )
            )
        elif node.value is not None:
            self._set(node.target, node.value, node.lineno, place)

    def _read_augassign(self, node: ast.AugAssign, place: _Place) -> None:
        self._add(node.target, node.lineno, place)

    def _read_namedexpr(self, node: ast.NamedExpr, place: _Place) -> None:
        self._set(node.target, node.value, node.lineno, place)

    def _read_for(self, node: ast.For | ast.AsyncFor, place: _Place) -> None:
        self._set(node.target, None, node.lineno, place)

    _read_asyncfor = _read_for

    def _read_with(self, node: ast.With | ast.AsyncWith, place: _Place) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._set(item.optional_vars, None, item.optional_vars.lineno, place)

    _read_asyncwith = _read_with

    def _read_excepthandler(self, node: ast.ExceptHandler, place: _Place) -> None:
        self.found.keep_handler(node.lineno, node.end_lineno or node.lineno)
        if node.name:
            self._bind(node.name, node.lineno, place)

    def _read_import(self, node: ast.Import | ast.ImportFrom, place: _Place) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0], node.lineno, place)

    _read_importfrom = _read_import

    def _read_nonlocal(self, node: ast.Nonlocal | ast.Global, place: _Place) -> None:
        self.scopes[place.scope].elsewhere.extend(node.names)

    _read_global = _read_nonlocal

    def _read_matchas(self, node: ast.MatchAs | ast.MatchStar, place: _Place) -> None:
        if node.name:
            self._bind(node.name, node.lineno, place)

    _read_matchstar = _read_matchas

    def _read_dict(self, node: ast.Dict, place: _Place) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and type(key.value) is str and not _is_trivial(value):
                self.found.keep_key(key.value, key.lineno)

    def _read_call(self, node: ast.Call, place: _Place) -> None:
        called = _last_name(node.func)
        if node.args or node.keywords:
            self.found.keep_call(called, node.lineno)
            if len(node.args) > 1 and called in _TAKING_CALLBACKS:
                self.found.keep_call(f"{called}{WITH_CALLBACK}", node.lineno)
            for each in node.keywords:
                if each.arg:
                    self.found.keep_key(each.arg, each.value.lineno)
                    self.found.keep_call(with_keyword(called, each.arg), each.value.lineno)
        if called in ("setattr", "__setattr__"):
            self._set_by_name(node, place)
        elif isinstance(node.func, ast.Attribute) and called in _ADDING and (node.args or node.keywords):
            self._add(node.func.value, node.lineno, place)
            owner = _owner_of_namespace(node.func.value)
            if owner is not None and called == "update":
                for name, value in _entries_of(node):
                    self._setting(name, owner, value, node.lineno, place)
        elif called in _ADDING_FUNCTIONS and node.args:
            self._add(node.args[0], node.lineno, place)

    def _set_by_name(self, node: ast.Call, place: _Place) -> None:
        """`setattr(node, 'parent', x)`, `object.__setattr__(self, 'parent', x)`, `super().__setattr__('parent', x)`."""
        if len(node.args) not in (2, 3) or any(isinstance(each, ast.Starred) for each in node.args):
            return
        *on, name, value = node.args
        owner = on[0] if on else ast.Name(place.selves[-1][0] if place.selves else "self")
        self._setting(_constant(name) or ANY_NAME, owner, value, node.lineno, place)

    def _set(self, target: ast.expr, value: ast.expr | None, line: int, place: _Place) -> None:
        """Note what an assignment target sets; of a tuple each part, whatever the value is."""
        pending = [(target, value)]
        while pending:
            each, its_value = pending.pop()
            if isinstance(each, (ast.Tuple, ast.List)):
                values: list[ast.expr | None] = [None] * len(each.elts)
                if isinstance(its_value, (ast.Tuple, ast.List)) and len(its_value.elts) == len(values):
                    values = list(its_value.elts)
                pending += zip(each.elts, values, strict=True)
            elif isinstance(each, ast.Starred):
                pending.append((each.value, None))
            elif isinstance(each, ast.Name):
                self._set_name(each.id, its_value, line, place)
            elif isinstance(each, ast.Attribute):
                self._setting(_mangled(each.attr, place), each.value, its_value, line, place)
            elif isinstance(each, ast.Subscript):
                self._set_item(each, its_value, line, place)

    def _set_name(self, name: str, value: ast.expr | None, line: int, place: _Place) -> None:
        if place.in_class_body:
            trivial = value is not None and _is_trivial(value)
            is_field = isinstance(value, ast.Call) and not trivial
            self.found.keep_setting(
                Setting(
                    *(name, line, place.class_name),
                    trivial=trivial,
                    is_field=is_field,
                    owner_line=place.class_first_line,
                )
            )
            return
        self._bind(name, -line if value is not None and _is_trivial(value) else line, place)
        if isinstance(value, ast.Call):
            self.scopes[place.scope].made_as[name] = _last_name(value.func)

    def _set_item(self, target: ast.Subscript, value: ast.expr | None, line: int, place: _Place) -> None:
        owner = _owner_of_namespace(target.value)
        if owner is not None:
            self._setting(_constant(target.slice) or ANY_NAME, owner, value, line, place)
        else:
            self._add(target.value, line, place)

    def _add(self, container: ast.expr, line: int, place: _Place) -> None:
        """Something is put into a container, or into one that it holds: `self.items`, `self.by_key[key]`."""
        root = container
        while not isinstance(root, (ast.Attribute, ast.Name)):
            if isinstance(root, ast.Subscript):
                root = root.value
            elif isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute):
                root = root.func.value
            else:
                return
        if isinstance(root, ast.Name):
            self._bind(root.id, line, place, adds=True)
        else:
            self._setting(_mangled(root.attr, place), root.value, None, line, place, adds=True)

    def _setting(
        self, name: str, on: ast.expr, value: ast.expr | None, line: int, place: _Place, adds: bool = False
    ) -> None:
        variable = on.id if isinstance(on, ast.Name) else ""
        owner, owner_line = dict(place.selves).get(variable, ("", 0))
        made_as = "" if owner else self.scopes[place.scope].made_as.get(variable, "")
        trivial = value is not None and _is_trivial(value)
        kind = (adds, trivial, False, owner_line, value is not None and _is_constant(value))
        self.found.keep_setting(Setting(name, line, owner, made_as, *kind))

    def _bind(self, name: str, line: int, place: _Place, *, adds: bool = False) -> None:
        if place.in_class_body and not adds:
            return
        scope = self.scopes[place.scope]
        while name in scope.elsewhere and scope.parent >= 0:
            scope = self.scopes[scope.parent]
        while adds and name not in scope.bound and scope.parent >= 0:
            scope = self.scopes[scope.parent]
        (scope.added if adds else scope.bound).setdefault(name, []).append(line)


def _children(node: ast.AST, place: _Place, inner: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """The children of a node in the order of the source, each with where it is: what a `def` evaluates is outside."""
    for name in node._fields:
        value = getattr(node, name, None)
        its_place = inner if name == "body" else place
        for child in value if type(value) is list else (value,):
            if type(child) not in _LEAVES and isinstance(child, ast.AST):
                yield child, its_place


def _entries_of(update: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The names and values of `namespace.update({"name": value}, name=value)`; ANY_NAME for what is not written out."""
    for each in update.args:
        if not isinstance(each, ast.Dict):
            yield ANY_NAME, each
            continue
        for key, value in zip(each.keys, each.values, strict=True):
            yield (key and _constant(key)) or ANY_NAME, value
    for keyword in update.keywords:
        yield keyword.arg or ANY_NAME, keyword.value


def _constant(expression: ast.expr) -> str:
    """The text that an expression is, '' where it is no string."""
    if isinstance(expression, ast.Constant) and type(expression.value) is str:
        return expression.value
    return ""


def _arguments(arguments: ast.arguments) -> list[str]:
    each = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [argument.arg for argument in each if argument is not None]


def _last_name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Call):
        expression = expression.func
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _owner_of_namespace(expression: ast.expr) -> ast.expr | None:
    """Whose attributes `owner.__dict__` or `vars(owner)` are; None for anything else."""
    if isinstance(expression, ast.Attribute) and expression.attr == "__dict__":
        return expression.value
    if (
        isinstance(expression, ast.Call)
        and _last_name(expression.func) == "vars"
        and len(expression.args) == 1
    ):
        return expression.args[0]
    return None


def _is_trivial(value: ast.expr) -> bool:
    """A constant, or an empty container."""
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return all(map(_is_trivial, value.elts))
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.Call):
        return _last_name(value.func) in _EMPTY and not any(map(_may_hold, value.args))
    return _is_constant(value)


def _is_constant(value: ast.expr) -> bool:
    """Whether it is text, a number or the like whatever its parts are: `-node` may be a node."""
    if isinstance(value, ast.UnaryOp):
        return isinstance(value.op, ast.Not) or _is_constant(value.operand)
    return isinstance(value, (ast.Constant, ast.JoinedStr))


def _may_hold(value: ast.expr) -> bool:
    return not (isinstance(value, ast.Name) and value.id in _EMPTY) and not _is_trivial(value)


def _mangled(name: str, place: _Place) -> str:
    owner = place.class_name.rpartition(".")[2].lstrip("_")
    return f"_{owner}{name}" if owner and name.startswith("__") and not name.endswith("__") else name


_LEAVES = frozenset(
    [ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.Pass, ast.alias, str, int, type(None)]
)
_READERS: dict[type, Callable[[_Reader, Any, _Place], _Place | None]] = {
    kind: getattr(_Reader, f"_read_{name.lower()}")
    for name, kind in vars(ast).items()
    if type(kind) is type and hasattr(_Reader, f"_read_{name.lower()}")
}
