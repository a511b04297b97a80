"""A place in one object that only moves forward: for formats without a table, whose data is inline."""

from __future__ import annotations

from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

_NEAR_BYTES = 16 * 1024
"""Read behind a leap: the next names and the small arrays after them."""
_MOST_BYTES = 1024 * 1024
"""Read at once where everything is small and lies in a row."""
MAX_HOPS = 2_000
"""One after the other: a model of 2,000 large tensors takes that many round trips."""
_MAX_READ_BYTES = 64 * 2**20


class Hops:
    """Takes bytes and leaps over others; what is at hand already costs no read."""

    def __init__(self, info: ObjectInfo, file: str, head: bytes = b"") -> None:
        self.at = 0
        self.file = file
        self.size_bytes = info.size_bytes
        self._key = info.key
        self._start, self._data = 0, head
        self._hops = self._read_bytes = 0
        self._next_bytes = _NEAR_BYTES

    def take(self, count: int) -> Reading[bytes]:
        """The next `count` bytes. Raises BadCheckpoint: beyond the end, or it took too many reads."""
        first = self.at - self._start
        if first + count > len(self._data):
            yield from self._fetch(count)
            first = self.at - self._start
        self.at += count
        return self._data[first : first + count]

    def leap(self, count: int) -> None:
        """Go on behind `count` bytes that nobody reads. Raises BadCheckpoint: the end comes before."""
        self._check(count)
        self.at += count

    def refused(self, why: str) -> BadCheckpoint:
        hint = "it was cut short, or is damaged: save it again"
        return BadCheckpoint(f"`{self.file}` cannot be read: {why}.", hint=hint)

    def _check(self, count: int) -> None:
        if count > self.size_bytes - self.at:
            raise self.refused(f"{count} bytes at {self.at} reach beyond its end at {self.size_bytes}")

    def _fetch(self, count: int) -> Reading[None]:
        self._check(count)
        end = self._start + len(self._data)
        in_a_row = self._start <= self.at <= end
        self._next_bytes = min(2 * self._next_bytes, _MOST_BYTES) if in_a_row else _NEAR_BYTES
        kept = self._data[self.at - self._start :] if in_a_row else b""
        begin = self.at + len(kept)
        length = min(max(count - len(kept), self._next_bytes), self.size_bytes - begin)
        self._hops += 1
        self._read_bytes += length
        if self._hops > MAX_HOPS or self._read_bytes > _MAX_READ_BYTES:
            raise BadCheckpoint(
                f"`{self.file}` has no table of its tensors, and too many to look for: {self._hops} reads.",
                hint="keep the model in safetensors, or in Orbax' own format",
            )
        (raw,) = yield (Range(self._key, begin, length),)
        if len(raw) < length:
            raise self.refused("it ends before its size says so")
        self._start, self._data = self.at, kept + raw
