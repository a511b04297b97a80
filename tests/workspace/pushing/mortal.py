"""A push that ends at a given line of its map."""

from __future__ import annotations

from pathlib import Path

from explorer.workspace.pushing.record import PushMap


class Killed(BaseException):
    """Nothing handles it: as far as a push can tell, the process ends here."""


class MortalMap(PushMap):
    """Ends the push at its n-th line: with the deed done and the line not written, or right after it."""

    def __init__(self, path: Path, left: int, *, before: bool) -> None:
        super().__init__(path)
        self._left = left
        self._before = before

    def note(self, **line: object) -> None:
        self._left -= 1
        if self._left <= 0 and self._before:
            raise Killed
        super().note(**line)
        if self._left <= 0:
            raise Killed
