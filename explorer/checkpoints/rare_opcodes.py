"""The opcodes that torch's pickles seldom have, one function each, for the loop in `pickles.py`."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.inert import Call, Global, Opaque, Persistent

if TYPE_CHECKING:
    from explorer.checkpoints.pickles import Machine

_MAX_DIGITS = 2_000


def _proto(machine: Machine) -> None:
    version = machine.count(1)
    if version > 5:
        raise machine.refused(f"protocol {version} is from the future, 0 to 5 are known")


def _frame(machine: Machine) -> None:
    machine.count(8)  # a hint for buffered readers


def _global(machine: Machine) -> None:
    module, name = machine.line(), machine.line()
    machine.stack.append(machine.global_(module.decode(), name.decode()))


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.global_(module, name))


def _extension(width: int) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        machine.stack.append(machine.global_("copyreg", f"extension {machine.count(width)}"))

    return run


def _inst(machine: Machine) -> None:
    module, name = machine.line(), machine.line()
    args = tuple(machine.popped())
    machine.stack.append(Call(machine.global_(module.decode(), name.decode()), args))


def _obj(machine: Machine) -> None:
    callee, *args = machine.popped()
    machine.stack.append(Call(callee, tuple(args)))


def _newobj_ex(machine: Machine) -> None:
    keywords, args, callee = machine.stack.pop(), machine.stack.pop(), machine.stack.pop()
    call = Call(callee, args)
    if isinstance(keywords, dict):
        call.state = keywords
    machine.stack.append(call)


def _pop(machine: Machine) -> None:
    machine.stack.pop()


def _pop_mark(machine: Machine) -> None:
    machine.popped()


def _dup(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _int(machine: Machine) -> None:
    raw = machine.line()
    machine.stack.append({b"00": False, b"01": True}[raw] if raw in (b"00", b"01") else _number(machine, raw))


def _long(machine: Machine) -> None:
    machine.stack.append(_number(machine, machine.line().rstrip(b"L")))


def _number(machine: Machine, raw: bytes) -> Any:
    return int(raw) if len(raw) <= _MAX_DIGITS else Opaque(f"an integer of {len(raw)} digits")


def _long4(machine: Machine) -> None:
    length = machine.count(4)
    start = machine.at
    machine.stack.append(machine.integer(start, start + length, len(machine.data)))
    machine.at = start + length


def _float(machine: Machine) -> None:
    machine.stack.append(float(machine.line()))


def _string(machine: Machine) -> None:
    raw = machine.line()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in b"\"'":
        raise machine.refused("a string without quotes")
    machine.stack.append(raw[1:-1].decode("latin-1"))


def _unicode(machine: Machine) -> None:
    # by this function and not by name: looking a codec up by name would import it
    machine.stack.append(codecs.raw_unicode_escape_decode(machine.line())[0])


def _sized_text(width: int) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        length = machine.count(width)
        start = machine.at
        machine.stack.append(machine.text(start, start + length, len(machine.data)))
        machine.at = start + length

    return run


def _sized_blob(width: int, *, latin: bool = False) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        length = machine.count(width)
        start = machine.at
        raw = machine.blob(start, start + length, len(machine.data))
        machine.at = start + length
        # Python 2's str: torch reads it as text too
        machine.stack.append(raw.decode("latin-1") if latin else raw)

    return run


def _persid(machine: Machine) -> None:
    machine.stack.append(Persistent(machine.line().decode("latin-1")))


def _new_list(machine: Machine) -> None:
    items = machine.popped()
    machine.stack.append(items)


def _new_dict(machine: Machine) -> None:
    flat = machine.popped()
    machine.stack.append({})
    machine.put(flat)


def _empty_set(machine: Machine) -> None:
    machine.stack.append(
        []
    )  # a list: a set's items would have to be hashed, and a set costs four times as much


def _frozenset(machine: Machine) -> None:
    items = machine.popped()
    machine.stack.append(items)


def _get(machine: Machine) -> None:
    machine.stack.append(machine.memo[int(machine.line()[:20])])


def _put(machine: Machine) -> None:
    machine.memo[int(machine.line()[:20])] = machine.stack[-1]


def _next_buffer(machine: Machine) -> None:
    machine.stack.append(Global("pickle", "out-of-band buffer"))


def _readonly_buffer(machine: Machine) -> None:
    machine.stack[-1]


RARE: dict[int, Callable[[Machine], None]] = {
    0x80: _proto,
    0x95: _frame,
    0x63: _global,
    0x93: _stack_global,
    0x82: _extension(1),
    0x83: _extension(2),
    0x84: _extension(4),
    0x69: _inst,
    0x6F: _obj,
    0x92: _newobj_ex,
    0x30: _pop,
    0x31: _pop_mark,
    0x32: _dup,
    0x49: _int,
    0x4C: _long,
    0x8B: _long4,
    0x46: _float,
    0x53: _string,
    0x56: _unicode,
    0x8D: _sized_text(8),
    0x54: _sized_blob(4, latin=True),
    0x55: _sized_blob(1, latin=True),
    0x42: _sized_blob(4),
    0x43: _sized_blob(1),
    0x8E: _sized_blob(8),
    0x96: _sized_blob(8),
    0x50: _persid,
    0x6C: _new_list,
    0x64: _new_dict,
    0x8F: _empty_set,
    0x90: lambda machine: machine.append(machine.popped()),
    0x91: _frozenset,
    0x67: _get,
    0x70: _put,
    0x97: _next_buffer,
    0x98: _readonly_buffer,
}
"""By opcode; the rest is in the loop."""
