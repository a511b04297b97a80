"""TensorBoard event files: scalars old and new style, read without TensorFlow.

Source of field numbers: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from struct import Struct

from explorer.metrics.parsed import Column, Part, Troubles, series_of
from explorer.metrics.rows import MAX_COLUMNS, MAX_STEP
from explorer.metrics.series import Trouble
from explorer.metrics.tensor_proto import scalar, signed
from explorer.metrics.tfrecord import (
    HEAD_BYTES,
    TAIL_BYTES,
    Frames,
    data_is_right,
    fields,
    find_frames,
    varint,
)

_DOUBLE, _FLOAT = Struct("<d"), Struct("<f")
_START = 1  # SessionLog.START
_FAST_FROM = 2000
"""Records from which on numpy is worth it."""


@dataclass(frozen=True, slots=True)
class Process:
    """The rows of one process; a START record in the file begins another one."""

    columns: Mapping[str, Column]
    restored_step: float | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """What the first `consumed` bytes of an event file said."""

    file: str
    consumed: int = 0
    last: bytes = b""
    """The last complete record: proves that a grown file is still the same one."""
    processes: tuple[Process, ...] = (Process({}),)
    troubles: tuple[Trouble, ...] = ()
    started_s: float = math.nan
    broken: bool = field(default=False)

    @property
    def resume_at(self) -> int:
        return self.consumed - len(self.last)

    def parts(self) -> tuple[Part, ...]:
        several = len(self.processes) > 1
        return tuple(
            Part(series_of(p.columns), str(i) if several else "", self.started_s, p.restored_step)
            for i, p in enumerate(self.processes)
            if p.columns
        )


def read_events(data: bytes, before: Events) -> Events | None:
    """The records of `before` and of `data`, which starts at `before.resume_at`; None if the file is another.

    A record with a wrong checksum is left out and told; a torn last one waits for its rest.
    """
    if not data.startswith(before.last):
        return None
    if before.broken:
        return before
    known, base = len(before.last), before.resume_at
    fresh = data[known:] if known else data
    frames = find_frames(fresh)
    reader = _Reader(before, base + known)
    reader.note_start(fresh, frames)
    if len(frames.starts) >= _FAST_FROM:
        from explorer.metrics.event_matrix import count_leading, take_regular

        # a version and a START come first, and concern the rows behind them
        first = count_leading(fresh, frames)
        for i in range(first):
            reader.record(fresh, frames.starts[i], frames.lengths[i])
        regular = Frames(frames.starts[first:], frames.lengths[first:], frames.end)
        rest = [first + i for i in take_regular(fresh, regular, reader)]
    else:
        rest = list(range(len(frames.starts)))
    for i in rest:
        reader.record(fresh, frames.starts[i], frames.lengths[i])
    if frames.broken_at is not None:
        reader.troubles.tell(
            base + known + frames.broken_at, "a record whose length is damaged; the rest cannot be read"
        )
    return reader.result(before, fresh, frames)


class _Reader:
    def __init__(self, before: Events, offset: int) -> None:
        self.offset = offset
        self.processes = list(before.processes)
        last = self.processes[-1]
        self.columns: dict[str, Column] = dict(last.columns)
        self._fresh: set[str] = set()
        self.troubles = Troubles(before.file, before.troubles)
        self.started_s = before.started_s

    def result(self, before: Events, data: bytes, frames: Frames) -> Events:
        self.processes[-1] = replace(self.processes[-1], columns=self.columns)
        last = before.last
        if frames.starts:
            last = data[frames.starts[-1] - HEAD_BYTES : frames.starts[-1] + frames.lengths[-1] + TAIL_BYTES]
        return Events(
            before.file,
            self.offset + frames.end,
            last,
            tuple(self.processes),
            self.troubles.all(),
            self.started_s,
            frames.broken_at is not None,
        )

    def note_start(self, data: bytes, frames: Frames) -> None:
        """The first wall time of the file is when its process began."""
        for start, length in zip(frames.starts, frames.lengths, strict=True):
            if math.isfinite(self.started_s):
                return
            if (
                length >= 9 and data[start] == 0x09 and data_is_right(data, start, length)
            ):  # field 1, a double
                (self.started_s,) = _DOUBLE.unpack_from(data, start + 1)

    def record(self, data: bytes, start: int, length: int) -> None:
        offset = self.offset + start - HEAD_BYTES
        if not data_is_right(data, start, length):
            self.troubles.tell(offset, "a record with a wrong checksum was left out")
            return
        try:
            self._event(data[start : start + length], offset)
        except (ValueError, IndexError):
            self.troubles.tell(offset, "a record that is not an event")

    def _event(self, event: bytes, offset: int) -> None:
        wall, step, summaries, session = math.nan, 0, [], None
        for number, wire, start, end in fields(event):
            if number == 1 and wire == 1:
                (wall,) = _DOUBLE.unpack_from(event, start)
            elif number == 2 and wire == 0:
                step = signed(varint(event, start)[0])
            elif number == 5 and wire == 2:
                summaries.append(event[start:end])
            elif number == 7 and wire == 2:
                session = event[start:end]
        if session is not None and any(
            n == 1 and varint(session, s)[0] == _START for n, w, s, _ in fields(session) if w == 0
        ):
            self.restart(step)
        for summary in summaries:
            for number, wire, start, end in fields(summary):
                if number == 1 and wire == 2:
                    self._value(summary[start:end], float(step), wall, offset)

    def restart(self, step: int) -> None:
        """A process begins here and takes back every row from `step` on."""
        if self.columns:
            self.processes[-1] = replace(self.processes[-1], columns=self.columns)
            self.processes.append(Process({}))
            self.columns, self._fresh = {}, set()
        self.processes[-1] = replace(self.processes[-1], restored_step=float(step) - 1 if step > 0 else None)

    def _value(self, value: bytes, step: float, wall: float, offset: int) -> None:
        tag, number = "", None
        for field_number, wire, start, end in fields(value):
            if field_number == 1 and wire == 2:
                tag = value[start:end].decode("utf-8", "replace")
            elif field_number == 2 and wire == 5:
                (number,) = _FLOAT.unpack_from(value, start)
            elif field_number == 8 and wire == 2:
                number = scalar(value[start:end])
        if not tag or number is None:
            return  # an image, a histogram, a text: not a curve
        if not 0 <= step <= MAX_STEP:
            self.troubles.tell(offset, "a row whose step is no step")
            return
        column = self.column(tag, offset)
        if column is not None:
            column.add(step, number, wall)

    def column(self, tag: str, offset: int) -> Column | None:
        """The column of a tag, ours to write to."""
        if tag not in self._fresh:
            if tag not in self.columns and len(self.columns) >= MAX_COLUMNS:
                self.troubles.tell(offset, f"more than {MAX_COLUMNS} metrics: the others were left out")
                return None
            known = self.columns.get(tag)
            self.columns[tag] = Column.empty() if known is None else known.copy()
            self._fresh.add(tag)
        return self.columns[tag]
