"""Readers without I/O: generators that yield the ranges they need and are sent the bytes.

A wave is what may be fetched in parallel: one round trip. Whoever drives a reader decides how.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from explorer.errors import BadCheckpoint
from explorer.lineage.values import Range

T = TypeVar("T")
Reading = Generator[tuple[Range, ...], tuple[bytes, ...], T]
"""Yields waves of ranges, is sent as many byte strings in the same order, returns a T."""


def together(readings: Sequence[Reading[T]]) -> Reading[tuple[T | BadCheckpoint, ...]]:
    """Drive several readers in step: their first ranges are one wave, their second ranges the next.

    A reader that refuses its bytes leaves its BadCheckpoint in its place and does not stop the others.
    """
    results: list[T | BadCheckpoint | None] = [None] * len(readings)
    waiting: dict[int, tuple[Range, ...]] = {}

    def step(index: int, answer: tuple[bytes, ...] | None) -> None:
        reading = readings[index]
        try:
            waiting[index] = next(reading) if answer is None else reading.send(answer)
        except StopIteration as stop:
            results[index] = stop.value
        except BadCheckpoint as error:
            results[index] = error
        except (RecursionError, ValueError, OverflowError, MemoryError, IndexError, struct.error) as error:
            # what the standard library says of hostile numbers, texts and nestings
            results[index] = BadCheckpoint(
                f"The bytes cannot be what they claim to be: {type(error).__name__}.",
                hint="the file is damaged, or was made to break readers",
            )

    for index in range(len(readings)):
        step(index, None)
    while waiting:
        asked = sorted(waiting)
        ranges = {index: waiting[index] for index in asked}
        answers = yield tuple(want for index in asked for want in ranges[index])
        waiting.clear()
        at = 0
        for index in asked:
            count = len(ranges[index])
            step(index, answers[at : at + count])
            at += count
    return tuple(result for result in results if result is not None)


def drive(reading: Reading[T], fetch: Callable[[tuple[Range, ...]], Sequence[bytes]]) -> T:
    """Run a reader to its end with a blocking `fetch` that answers one wave at a time."""
    try:
        wants = next(reading)
        while True:
            wants = reading.send(tuple(fetch(wants)))
    except StopIteration as stop:
        value: T = stop.value
        return value
