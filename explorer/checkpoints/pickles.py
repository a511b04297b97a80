"""Pickles as plain data: an interpreter of the opcodes that calls, imports and sets nothing.

It reads what `pickle` reads (protocols 0 to 5) and builds the stand-ins of `inert.py`. Written as one loop
over bytes because going through `pickletools.genops` takes twice as long; the tests hold it against the C
unpickler. Opcodes: Lib/pickletools.py of CPython.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from time import thread_time
from typing import Any

from explorer.checkpoints.inert import (
    MARK,
    BadPickle,
    Call,
    Global,
    Opaque,
    Persistent,
    lookup_is_cheap,
)
from explorer.checkpoints.rare_opcodes import RARE

MAX_OPS = 2_500_000
"""Of the most wasteful ones so many take 1.3 s and 214 MB; a 70B optimizer has 70,000."""
MAX_SECONDS = 4.0
"""Of this thread's CPU: a busy machine refuses no file."""
_MAX_STACK = 1_000_000
_MAX_INT_BYTES = 1024
_MAX_REFERS = 2_000
_CHECK_EVERY = 4096
_INT4, _UINT4 = struct.Struct("<i").unpack_from, struct.Struct("<I").unpack_from
_UINT2 = struct.Struct("<H").unpack_from
_FLOAT8 = struct.Struct(">d").unpack_from


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a pickle holds, the globals it names, and where it ends."""

    value: Any
    refers_to: tuple[str, ...]
    end: int


def load(
    data: bytes | memoryview, start: int = 0, *, max_ops: int = MAX_OPS, max_seconds: float = MAX_SECONDS
) -> Loaded:
    """Read one pickle from `start` on.

    Cost: about a second for two million opcodes; memory is a small multiple of the data.

    Raises:
        BadPickle: cut off (`cut` is set), not a pickle, or beyond the limits of opcodes and time.
    """
    machine = Machine(bytes(data), start, max_ops, thread_time() + max_seconds)
    try:
        return machine.run()
    except BadPickle as error:
        error.refers_to = machine.named()
        raise
    except (IndexError, struct.error):
        raise machine.refused("it is cut off or damaged", cut=machine.at >= len(machine.data)) from None
    except (ValueError, TypeError, OverflowError, AttributeError, KeyError, RecursionError) as error:
        raise machine.refused(f"an opcode makes no sense ({type(error).__name__})") from None


class Machine:
    __slots__ = ("at", "data", "deadline", "max_ops", "memo", "ops", "refers", "stack")

    def __init__(self, data: bytes, start: int, max_ops: int, deadline: float) -> None:
        self.data = data
        self.at = start
        self.max_ops = max_ops
        self.deadline = deadline
        self.ops = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}  # a dict: an index of 2**31 costs nothing
        self.refers: dict[str, None] = {}

    def run(self) -> Loaded:
        data, stack, memo = self.data, self.stack, self.memo
        push, pop = stack.append, stack.pop
        size, rare = len(data), RARE
        until_check = _CHECK_EVERY
        while True:
            until_check -= 1
            if not until_check:
                until_check = _CHECK_EVERY
                self.check(_CHECK_EVERY)
            at = self.at
            code = data[at]
            self.at = at = at + 1
            # the frequent ones first, in the order that torch's pickles have them
            if code == 0x68:  # BINGET
                push(memo[data[at]])
                self.at = at + 1
            elif code == 0x6A:  # LONG_BINGET
                push(memo[_UINT4(data, at)[0]])
                self.at = at + 4
            elif code == 0x71:  # BINPUT
                memo[data[at]] = stack[-1]
                self.at = at + 1
            elif code == 0x72:  # LONG_BINPUT
                memo[_UINT4(data, at)[0]] = stack[-1]
                self.at = at + 4
            elif code == 0x94:  # MEMOIZE
                memo[len(memo)] = stack[-1]
            elif code == 0x4B:  # BININT1
                push(data[at])
                self.at = at + 1
            elif code == 0x58:  # BINUNICODE
                end = at + 4 + _UINT4(data, at)[0]
                push(self.text(at + 4, end, size))
                self.at = end
            elif code == 0x8C:  # SHORT_BINUNICODE
                end = at + 1 + data[at]
                push(self.text(at + 1, end, size))
                self.at = end
            elif code == 0x4A:  # BININT
                push(_INT4(data, at)[0])
                self.at = at + 4
            elif code == 0x4D:  # BININT2
                push(_UINT2(data, at)[0])
                self.at = at + 2
            elif code == 0x28:  # MARK
                push(MARK)
            elif code == 0x74:  # TUPLE
                items = self.popped()
                push(tuple(items))
            elif code == 0x85:  # TUPLE1
                stack[-1] = (stack[-1],)
            elif code == 0x86:  # TUPLE2
                last = pop()
                stack[-1] = (stack[-1], last)
            elif code == 0x87:  # TUPLE3
                last, middle = pop(), pop()
                stack[-1] = (stack[-1], middle, last)
            elif code == 0x52 or code == 0x81:  # REDUCE, NEWOBJ
                args = pop()
                stack[-1] = Call(stack[-1], args)
            elif code == 0x62:  # BUILD
                state = pop()
                if isinstance(stack[-1], Call):  # a state for anything else would change what others share
                    stack[-1].state = state
            elif code == 0x51:  # BINPERSID
                stack[-1] = Persistent(stack[-1])
            elif code == 0x7D:  # EMPTY_DICT
                push({})
            elif code == 0x5D:  # EMPTY_LIST
                push([])
            elif code == 0x29:  # EMPTY_TUPLE
                push(())
            elif code == 0x75:  # SETITEMS
                self.put(self.popped())
            elif code == 0x73:  # SETITEM
                value, key = pop(), pop()
                self.put([key, value])
            elif code == 0x65:  # APPENDS
                self.append(self.popped())
            elif code == 0x61:  # APPEND
                self.append([pop()])
            elif code == 0x4E:  # NONE
                push(None)
            elif code == 0x88:  # NEWTRUE
                push(True)
            elif code == 0x89:  # NEWFALSE
                push(False)
            elif code == 0x8A:  # LONG1
                end = at + 1 + data[at]
                push(self.integer(at + 1, end, size))
                self.at = end
            elif code == 0x47:  # BINFLOAT
                push(_FLOAT8(data, at)[0])
                self.at = at + 8
            elif code == 0x2E:  # STOP
                if not stack or stack[-1] is MARK:
                    raise self.refused("it ends with nothing on its stack")
                return Loaded(pop(), self.named(), self.at)
            else:
                handler = rare.get(code)
                if handler is None:
                    raise self.refused(f"byte {at - 1} is no opcode ({code:#04x})")
                handler(self)

    def check(self, ops: int) -> None:
        self.ops += ops
        if self.ops > self.max_ops:
            raise self.refused(f"it has more than {self.max_ops} opcodes")
        if len(self.stack) > _MAX_STACK:
            raise self.refused("its stack grows without end")
        if thread_time() > self.deadline:
            raise self.refused("it takes too long to read")

    def refused(self, why: str, *, cut: bool = False) -> BadPickle:
        hint = "save the checkpoint again; nothing in it was executed"
        error = BadPickle(f"The pickle cannot be read: {why}.", hint=hint, where=f"byte {self.at}")
        error.refers_to = self.named()
        error.cut = cut
        return error

    def named(self) -> tuple[str, ...]:
        return tuple(self.refers)

    def popped(self) -> list[Any]:
        """Everything down to the topmost mark."""
        stack = self.stack
        at = len(stack) - 1
        while stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise self.refused("a mark is missing")
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def text(self, start: int, end: int, size: int) -> str:
        if end > size:
            self.at = size
            raise self.refused(f"a text of {end - start} bytes reaches beyond its end", cut=True)
        return self.data[start:end].decode("utf-8", "surrogatepass")

    def blob(self, start: int, end: int, size: int) -> bytes:
        if end > size:
            self.at = size
            raise self.refused(f"{end - start} bytes of data reach beyond its end", cut=True)
        return self.data[start:end]

    def integer(self, start: int, end: int, size: int) -> int | Opaque:
        raw = self.blob(start, end, size)
        if len(raw) > _MAX_INT_BYTES:
            return Opaque(f"an integer of {len(raw)} bytes")
        return int.from_bytes(raw, "little", signed=True)

    def put(self, flat: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Call):
            if target.entries is None:
                target.entries = {}
            target = target.entries
        elif not isinstance(target, dict):
            raise self.refused("entries are put into something that has none")
        keys = flat[::2]
        if len(flat) % 2:
            raise self.refused("a key without a value")
        for index, key in enumerate(keys):
            if type(key) is not str and not lookup_is_cheap(key):
                key = Opaque("a key")
            target[key] = flat[2 * index + 1]
            if index % 1024 == 1023:  # colliding integers make every step slower than the one before
                self.check(1024)

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Call):
            if target.items is None:
                target.items = []
            target = target.items
        elif not isinstance(target, list):
            raise self.refused("items are appended to something that has none")
        target.extend(items)
        self.check(len(items) // 16)

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at, self.at + 100_000)
        raw = self.data[self.at : end]
        self.at = end + 1
        return raw

    def count(self, width: int) -> int:
        raw = self.data[self.at : self.at + width]
        if len(raw) < width:
            raise IndexError
        self.at += width
        return int.from_bytes(raw, "little")

    def global_(self, module: Any, name: Any) -> Global:
        if not isinstance(module, str) or not isinstance(name, str):
            raise self.refused("a global's name is not a text")
        found = Global(module[:200], name[:200])
        if len(self.refers) < _MAX_REFERS:
            self.refers[found.path] = None
        return found
