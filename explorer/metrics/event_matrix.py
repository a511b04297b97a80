"""Event records that differ only in wall time, step and value, decoded as a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics.tensor_proto import scalar
from explorer.metrics.tfrecord import TAIL_BYTES, Frames, data_is_right, fields, masked_crcs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.metrics.tfevents import _Reader

    Bytes = npt.NDArray[np.uint8]

_MOST_SHAPES = 400
_FLOAT32 = 1  # DataType.DT_FLOAT
_MATRIX_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the three numbers of a record lie; every other byte is the same in all records of the shape."""

    tag: str
    wall: int
    step: tuple[int, int] | None
    value: int


def take_regular(data: bytes, frames: Frames, reader: _Reader) -> list[int]:
    """Give the reader all records of common shapes, and hand back the indices of the others, in order.

    Where the place of one of the others among them would matter, nothing is taken and all come back.
    """
    import numpy as np

    starts, lengths = np.array(frames.starts), np.array(frames.lengths)
    left: list[npt.NDArray[np.int64]] = []
    taken: list[tuple[Shape, npt.NDArray[np.int64], Bytes]] = []
    view = np.frombuffer(data, np.uint8)
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        per_matrix = max(_MATRIX_BYTES // max(int(length), 1), 1)
        for chunk in (same[i : i + per_matrix] for i in range(0, len(same), per_matrix)):
            _take_length(view, data, int(length), chunk, starts, taken, left)
    rest = sorted(int(i) for part in left for i in part)
    tags = {shape.tag for shape, _, _ in taken}
    for i in rest:
        if data_is_right(data, frames.starts[i], frames.lengths[i]):
            event = data[frames.starts[i] : frames.starts[i] + frames.lengths[i]]
            if _matters(event, tags):
                return list(range(len(frames.starts)))
    _give(taken, reader)
    return rest


def count_leading(data: bytes, frames: Frames) -> int:
    """How many records stand before the first scalar."""
    places = enumerate(zip(frames.starts, frames.lengths, strict=True))
    return next((i for i, (at, size) in places if shape_of(data[at : at + size])), len(frames.starts))


def _take_length(
    view: Bytes,
    data: bytes,
    length: int,
    records: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    taken: list[tuple[Shape, npt.NDArray[np.int64], Bytes]],
    left: list[npt.NDArray[np.int64]],
) -> None:
    import numpy as np

    rows = view[starts[records][:, None] + np.arange(length + TAIL_BYTES)]
    told = np.ascontiguousarray(rows[:, length:]).view("<u4")[:, 0]
    right = masked_crcs(rows[:, :length]) == told
    left.append(records[~right])
    records, rows = records[right], rows[right]
    for _ in range(_MOST_SHAPES):
        if not len(records):
            break
        shape = shape_of(rows[0, :length].tobytes())
        if shape is None:
            left.append(records[:1])
            records, rows = records[1:], rows[1:]
            continue
        fits = _fits(rows[:, :length], shape)
        taken.append((shape, records[fits], rows[fits]))
        records, rows = records[~fits], rows[~fits]
    left.append(records)


def _fits(rows: Bytes, shape: Shape) -> npt.NDArray[np.bool_]:
    import numpy as np

    fixed = np.ones(rows.shape[1], np.bool_)
    fixed[shape.wall : shape.wall + 8] = False
    fixed[shape.value : shape.value + 4] = False
    if shape.step is not None:
        start, end = shape.step
        fixed[start:end] = False
    fits: npt.NDArray[np.bool_] = (rows[:, fixed] == rows[0, fixed]).all(axis=1)
    if shape.step is not None:  # a varint of another length would shift what follows
        fits &= ((rows[:, start:end] & 0x80) == (rows[0, start:end] & 0x80)).all(axis=1)
    return fits


def shape_of(event: bytes) -> Shape | None:
    """The shape of an event that holds one float scalar, old style or new, and nothing else; else None."""
    wall = step = summary = None
    try:
        for number, wire, start, end in fields(event):
            if (number, wire) == (1, 1):
                wall = start
            elif (number, wire) == (2, 0):
                step = (start, end)
            elif (number, wire) == (5, 2) and summary is None:
                summary = (start, end)
            else:
                return None
        if wall is None or summary is None:
            return None
        (outer,) = fields(event[summary[0] : summary[1]])
        inside = summary[0] + outer[2]
        found = {
            (n, w): (inside + s, inside + e) for n, w, s, e in fields(event[inside : summary[0] + outer[3]])
        }
        if outer[0] != 1 or (1, 2) not in found or found.keys() - {(1, 2), (2, 5), (8, 2), (9, 2)}:
            return None
        tag = event[slice(*found[1, 2])].decode("utf-8")
        value = found[2, 5][0] if (2, 5) in found else _float_in(event, *found[8, 2])
    except (ValueError, KeyError):
        return None
    return Shape(tag, wall, step, value) if tag and value is not None else None


def _float_in(event: bytes, start: int, end: int) -> int | None:
    """Where the one float32 of a tensor lies: in its content, or in its packed values."""
    tensor = event[start:end]
    found = {n: (s, e) for n, _, s, e in fields(tensor)}
    where = found.get(4) or found.get(5)
    if found.keys() - {1, 2, 4, 5} or where is None or where[1] - where[0] != 4 or scalar(tensor) is None:
        return None
    return start + where[0] if tensor[found[1][0]] == _FLOAT32 else None


def _matters(event: bytes, tags: set[str]) -> bool:
    """Whether a record begins a process or has a row of one of these tags, so that its place counts."""
    try:
        for number, _, start, end in fields(event):
            if number == 7:
                return True
            for _, _, s, e in fields(event[start:end]) if number == 5 else ():
                value = event[start:end][s:e]
                names = (
                    value[a:b].decode("utf-8", "replace") for n, w, a, b in fields(value) if (n, w) == (1, 2)
                )
                if any(name in tags for name in names):
                    return True
    except ValueError:
        return False
    return False


def _give(taken: list[tuple[Shape, npt.NDArray[np.int64], Bytes]], reader: _Reader) -> None:
    """Rows of each tag in file order."""
    import numpy as np

    by_tag: dict[str, list[tuple[Shape, npt.NDArray[np.int64], Bytes]]] = {}
    for shape, records, rows in taken:
        by_tag.setdefault(shape.tag, []).append((shape, records, rows))
    for tag, groups in by_tag.items():
        order = np.argsort(np.concatenate([records for _, records, _ in groups]), kind="stable")
        steps = np.concatenate([_steps(rows, shape) for shape, _, rows in groups])[order]
        values = np.concatenate([_number(rows, shape.value, "<f4") for shape, _, rows in groups])[order]
        walls = np.concatenate([_number(rows, shape.wall, "<f8") for shape, _, rows in groups])[order]
        good = (steps >= 0) & (steps <= 2.0**53)
        if not good.all():
            reader.troubles.tell(reader.offset, "a row whose step is no step", int((~good).sum()))
        column = reader.column(tag, reader.offset) if good.any() else None
        if column is not None:
            column.steps.frombytes(steps[good].astype(np.float64).tobytes())
            column.values.frombytes(values[good].astype(np.float64).tobytes())
            column.walls.frombytes(walls[good].astype(np.float64).tobytes())


def _number(rows: Bytes, start: int, kind: str) -> npt.NDArray[np.float64]:
    import numpy as np

    size = np.dtype(kind).itemsize
    return np.ascontiguousarray(rows[:, start : start + size]).view(kind)[:, 0].astype(np.float64)


def _steps(rows: Bytes, shape: Shape) -> npt.NDArray[np.float64]:
    import numpy as np

    if shape.step is None:
        return np.zeros(len(rows))
    value = np.zeros(len(rows), np.uint64)
    for shift, at in enumerate(range(*shape.step)):
        value |= (rows[:, at].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * shift)
    return value.view(np.int64).astype(np.float64)
