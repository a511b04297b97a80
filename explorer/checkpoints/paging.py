"""Many tiny reads of one object turned into few: whole pages, fetched once, neighbours together."""

from __future__ import annotations

from typing import TypeVar

from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import Range

T = TypeVar("T")
PAGE_BYTES = 64 * 1024
_MAX_PAGES = 512


def paged(reading: Reading[T], size_bytes: int) -> Reading[T]:
    """Run a reader of one object of `size_bytes`; its waves ask only for pages that no earlier one had.

    Raises:
        BadCheckpoint: it wants more than 32 MB, or bytes beyond the end.
    """
    pages: dict[int, bytes] = {}
    try:
        wants = next(reading)
        while True:
            missing = sorted({page for want in wants for page in _pages(want, size_bytes)} - pages.keys())
            if len(pages) + len(missing) > _MAX_PAGES:
                hint = "the file is damaged"
                raise BadCheckpoint("Its structure is spread over too many places.", hint=hint)
            if missing:
                runs = _runs(missing)
                blobs = yield tuple(_range(wants[0].key, run, size_bytes) for run in runs)
                for (first, count), blob in zip(runs, blobs, strict=True):
                    for index in range(count):
                        pages[first + index] = blob[index * PAGE_BYTES : (index + 1) * PAGE_BYTES]
            wants = reading.send(tuple(_cut(want, pages, size_bytes) for want in wants))
    except StopIteration as stop:
        value: T = stop.value
        return value


def _range(key: str, run: tuple[int, int], size_bytes: int) -> Range:
    start = run[0] * PAGE_BYTES
    return Range(key, start, min(run[1] * PAGE_BYTES, size_bytes - start))


def _pages(want: Range, size_bytes: int) -> range:
    length = want.length or 0
    if want.start < 0 or length > size_bytes or want.start + length > size_bytes:
        raise BadCheckpoint(
            f"Bytes {want.start}-{want.start + length} lie beyond its end at {size_bytes}.",
            hint="the file is damaged or was cut short",
        )
    return range(want.start // PAGE_BYTES, -(-(want.start + length) // PAGE_BYTES))


def _runs(pages: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for page in pages:
        if runs and sum(runs[-1]) == page:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((page, 1))
    return runs


def _cut(want: Range, pages: dict[int, bytes], size_bytes: int) -> bytes:
    found = _pages(want, size_bytes)
    blob = b"".join(pages[page] for page in found)
    first = want.start - found.start * PAGE_BYTES
    return blob[first : first + (want.length or 0)]
