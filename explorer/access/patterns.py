"""Wildcards of policies: `*` is any run of characters, `?` exactly one; everything else is itself.

Written out rather than handed to `re`: `a*a*a*…b` against a 1,024-byte key would backtrack for hours, and a
policy is a stranger's text. Leftmost matching of the pieces between stars is exact for globs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class _Glob:
    pieces: tuple[str, ...]
    """The text between the stars, in order; one piece means that there is no star."""
    shapes: tuple[re.Pattern[str] | None, ...]
    """For each piece that holds a `?`, its expression: no repetition in it, so no backtracking either."""

    def at(self, index: int, text: str, start: int) -> bool:
        shape = self.shapes[index]
        if shape is None:
            return text.startswith(self.pieces[index], start)
        return shape.match(text, start) is not None

    def find(self, index: int, text: str, start: int) -> int:
        shape = self.shapes[index]
        if shape is None:
            return text.find(self.pieces[index], start)
        found = shape.search(text, start)
        return -1 if found is None else found.start()


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> _Glob:
    pieces = tuple(pattern.split("*"))
    return _Glob(pieces, tuple(_shape(piece) if "?" in piece else None for piece in pieces))


def _shape(piece: str) -> re.Pattern[str]:
    return re.compile("".join("." if char == "?" else re.escape(char) for char in piece), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of `text` is what `pattern` describes; `text` has no wildcards of its own."""
    glob = _compile(pattern)
    first, last = glob.pieces[0], glob.pieces[-1]
    if len(glob.pieces) == 1:
        return len(text) == len(first) and glob.at(0, text, 0)
    if len(text) < len(first) + len(last) or not glob.at(0, text, 0):
        return False
    tail = len(text) - len(last)
    if not glob.at(len(glob.pieces) - 1, text, tail):
        return False
    position = len(first)
    for index in range(1, len(glob.pieces) - 1):
        found = glob.find(index, text, position)
        if found < 0 or found + len(glob.pieces[index]) > tail:
            return False
        position = found + len(glob.pieces[index])
    return True


def covers(pattern: str, prefix: str) -> bool:
    """Whether `pattern` describes every text that starts with `prefix` (may say False where it does)."""
    return pattern.endswith("*") and matches(pattern, prefix)


def touches(pattern: str, prefix: str) -> bool:
    """Whether `pattern` describes some text that starts with `prefix` (may say True where it does not)."""
    literal = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if literal == pattern:
        return pattern.startswith(prefix)
    return literal.startswith(prefix) or prefix.startswith(literal)
