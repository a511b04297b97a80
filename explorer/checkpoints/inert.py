"""What a pickle becomes here: plain data, and these stand-ins for everything that would have been code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from explorer.errors import BadCheckpoint

MARK = object()
"""What MARK puts on the stack."""


class Global:
    """A name in a module that a pickle refers to. It is never imported."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"

    def __repr__(self) -> str:
        return self.path[:200]


class Call:
    """What a pickle wanted to be called or built: callee and arguments, as data."""

    __slots__ = ("args", "callee", "entries", "items", "state")

    def __init__(self, callee: Any, args: Any) -> None:
        self.callee = callee
        self.args = args
        self.state: Any = None
        """What BUILD would have set."""
        self.entries: dict[Any, Any] | None = None
        """What was put into it by key, if it is some kind of dict."""
        self.items: list[Any] | None = None
        """What was appended to it, if it is some kind of list."""

    @property
    def path(self) -> str:
        return self.callee.path if isinstance(self.callee, Global) else ""

    @property
    def name(self) -> str:
        return self.callee.name if isinstance(self.callee, Global) else ""


class Persistent:
    """A reference to something outside of the pickle: torch's storages."""

    __slots__ = ("pid",)

    def __init__(self, pid: Any) -> None:
        self.pid = pid


class Opaque:
    """A value of no use here (a giant number, a key that nobody can look up), with a word on what it was."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what


class BadPickle(BadCheckpoint):
    """A pickle that cannot be read to its end; `refers_to` are the globals it had named until then."""

    refers_to: tuple[str, ...] = ()
    cut = False
    """Whether more bytes could help."""


def as_mapping(value: Any) -> Mapping[Any, Any] | None:
    """The entries of a dict or of an object that behaves like one; None for everything else."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Call):
        if value.entries is not None:
            return value.entries
        if value.name in ("OrderedDict", "defaultdict", "dict"):
            return _pairs(value.args)
    return None


def fields_of(value: Any) -> Mapping[Any, Any]:
    """The attributes that an object would have had: its `__dict__` and its slots."""
    if not isinstance(value, Call):
        return {}
    state = value.state
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
        return {**(state[0] if isinstance(state[0], dict) else {}), **state[1]}
    return state if isinstance(state, dict) else {}


def _pairs(args: Any) -> dict[Any, Any]:
    """`OrderedDict([(k, v), ...])`: how old protocols write one."""
    found: dict[Any, Any] = {}
    first = args[0] if isinstance(args, tuple) and args else ()
    for pair in first if isinstance(first, list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str | int):
            found[pair[0]] = pair[1]
    return found


def lookup_is_cheap(key: Any, budget: int = 64) -> bool:
    """Whether `hash(key)` is bounded: nested shared tuples take exponential time, deep ones the C stack."""
    todo = [key]
    while todo:
        budget -= 1
        if budget < 0:
            return False
        item = todo.pop()
        if isinstance(item, tuple):
            if len(item) > budget:
                return False
            todo += item
        elif isinstance(item, list | dict | bytearray):
            return False
    return True


def plain_tree(value: Any, budget: int = 20_000) -> Any:
    """The value as dicts, lists and scalars, as JSON has them; cycles, sharing and depth cannot blow it up.

    Objects are their fields, a global is its path, tensors and storages are left to other eyes (None).
    """
    left = [budget]

    def visit(node: Any, depth: int) -> Any:
        left[0] -= 1
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if isinstance(node, bytes):
            return f"{len(node)} bytes"
        if left[0] < 0 or depth > 30:
            return "…"
        entries = as_mapping(node)
        if entries is None and isinstance(node, Call):
            entries = fields_of(node)
            if not entries:
                return _called(node, visit, depth)
        if entries is not None:
            return {_key(key): visit(inner, depth + 1) for key, inner in _first(entries.items(), left)}
        if isinstance(node, list | tuple):
            return [visit(inner, depth + 1) for inner in _first(node, left)]
        return node.path if isinstance(node, Global) else "…" if isinstance(node, Opaque) else None

    return visit(value, 0)


def _called(call: Call, visit: Any, depth: int) -> Any:
    if call.items is not None:
        return visit(call.items, depth + 1)
    args = call.args if isinstance(call.args, tuple) else ()
    # enums and paths: SchedulerType("cosine") is its value, Path("a", "b") its parts
    if len(args) == 1 and isinstance(args[0], str | int | float | bool):
        return args[0]
    if args and all(isinstance(arg, str) for arg in args[:50]):
        return "/".join(args[:50])
    if len(args) == 1 and isinstance(args[0], list | tuple):
        return visit(args[0], depth + 1)
    return call.path or "…"


def _first(items: Any, left: list[int]) -> Iterator[Any]:
    for item in items:
        if left[0] < 0:
            return
        yield item


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    return str(key)[:100] if isinstance(key, int | float | bool) or key is None else repr(type(key).__name__)
