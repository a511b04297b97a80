"""A scalar out of a TensorProto. Source: tensorflow/core/framework/tensor.proto, types.proto."""

from __future__ import annotations

from struct import Struct, unpack_from

from explorer.metrics.tfrecord import fields, varint

# DataType of tensor.proto: its struct code and the field of the unpacked values
_TYPES = {1: ("f", 5), 2: ("d", 6), 3: ("i", 7), 9: ("q", 10), 19: ("e", 13)}


def scalar(tensor: bytes) -> float | None:
    """The one number of a scalar tensor; None where it holds another number of them, or text."""
    kind, content, plain = 0, b"", dict[int, bytes]()
    for number, wire, start, end in fields(tensor):
        if number == 1 and wire == 0:
            kind = varint(tensor, start)[0]
        elif number == 2 and wire == 2 and any(n == 2 for n, *_ in fields(tensor[start:end])):
            # a shape with dimensions is no scalar unless all of them are 1
            sizes = [tensor[start:end][s:e] for n, _, s, e in fields(tensor[start:end]) if n == 2]
            if any(varint(d, s)[0] != 1 for d in sizes for n, w, s, _ in fields(d) if n == 1 and w == 0):
                return None
        elif number == 4 and wire == 2:
            content = tensor[start:end]
        elif wire in (0, 1, 2, 5):
            plain[number] = tensor[start:end]
    code, where = _TYPES.get(kind, ("", 0))
    if not code:
        return None
    size = Struct(f"<{code}").size
    if len(content) == size:
        return float(unpack_from(f"<{code}", content)[0])
    told = plain.get(where, b"")
    if code in "fd":
        return float(unpack_from(f"<{code}", told)[0]) if len(told) == size else None
    return float(signed(varint(told, 0)[0])) if told and code in "iq" else None


def signed(value: int) -> int:
    """A varint's number as int64."""
    return value - (1 << 64) if value >= 1 << 63 else value
