"""The signs on the screen, in Unicode and, for LANG=C, in ASCII. States have a shape, not only a colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.lineage.rows import ASCII as GRAPH_ASCII


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs. Every one is a single cell wide."""

    ascii: bool
    cursor: str
    mark: str
    more: str
    beyond: str
    """A row's own lane lies right of what is shown."""
    remote: str
    partly: str
    cached: str
    running: str
    queued: str
    done: str
    failed: str
    stopped: str
    down: str
    up: str
    arrow: str
    rule: str
    warning: str
    dot: str
    opened: str
    closed: str
    full: str
    empty: str
    spark: str
    """Eight heights, lowest first."""

    def graph(self, lanes: str) -> str:
        """The lanes of a row in this set."""
        return lanes.translate(GRAPH_ASCII) if self.ascii else lanes

    def run(self, state: str) -> str:
        """The sign of a run's state; unknown states look stopped rather than fine."""
        known = {"running": self.running, "queued": self.queued, "done": self.done, "failed": self.failed}
        return known.get(state, self.failed if state == "lost" else self.stopped)

    def badge(self, done_bytes: int, total_bytes: int) -> str:
        """How much of a checkpoint is on this disk."""
        if total_bytes and done_bytes >= total_bytes:
            return self.cached
        return self.partly if done_bytes else self.remote

    def bar(self, fraction: float, width: int) -> str:
        """A progress bar of `width` cells."""
        filled = round(max(0.0, min(1.0, fraction)) * width)
        return self.full * filled + self.empty * (width - filled)

    def sparkline(self, values: Sequence[float], low: float, high: float) -> str:
        """One cell a value, of eight heights; a value that is no number is `!`."""
        cells = [
            self.spark[max(0, min(7, int(at * 8)))] if math.isfinite(at) else "!"
            for at in _heights(values, low, high)
        ]
        return "".join(cells)

    def sketch(self, values: Sequence[float], low: float, high: float, height: int) -> list[str]:
        """A line through two values a cell, `height` lines high, the topmost first."""
        if self.ascii:
            return self._bars(values[::2], low, high, height)
        dots = 4 * height
        cells = [[0] * ((len(values) + 1) // 2) for _ in range(height)]
        before: int | None = None
        for x, at in enumerate(_heights(values, low, high)):
            if not math.isfinite(at):
                before = None
                continue
            y = min(dots - 1, int(at * dots))
            joined = range(min(y, before + 1), max(y, before - 1) + 1) if before is not None else (y,)
            for dot in joined:
                cells[height - 1 - dot // 4][x // 2] |= _DOTS[x % 2][dot % 4]
            before = y
        return ["".join(chr(0x2800 + cell) if cell else " " for cell in line) for line in cells]

    def _bars(self, values: Sequence[float], low: float, high: float, height: int) -> list[str]:
        filled = [1 + at * (8 * height - 1) if math.isfinite(at) else 0 for at in _heights(values, low, high)]
        lines = []
        for line in range(height - 1, -1, -1):
            eighths = [max(0, min(8, round(cell) - 8 * line)) for cell in filled]
            lines.append("".join(self.spark[eighth - 1] if eighth else " " for eighth in eighths))
        return lines


_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a braille character: left and right column, lowest dot first."""


def _heights(values: Sequence[float], low: float, high: float) -> list[float]:
    """Where each value stands between `low` and `high`, 0 to 1, on a log scale where both are positive.

    Losses fall fast at first: on a linear scale everything after that would lie flat.
    """
    if low > 0:
        low, high = math.log(low), math.log(high)
        values = [math.log(v) if v > 0 and math.isfinite(v) else math.nan for v in values]
    span = high - low
    return [max(0.0, min(1.0, (v - low) / span)) if span > 0 and math.isfinite(v) else v * 0 for v in values]


UNICODE = Glyphs(
    ascii=False,
    cursor="▌",
    mark="◆",
    more="…",
    beyond="›",
    remote="○",
    partly="◐",
    cached="●",
    running="▶",
    queued="◷",
    done="✓",
    failed="✗",
    stopped="■",
    down="▼",
    up="▲",
    arrow="→",
    rule="─",
    warning="⚠",
    dot="·",
    opened="▾",
    closed="▸",
    full="━",
    empty="─",
    spark="▁▂▃▄▅▆▇█",
)

ASCII = Glyphs(
    ascii=True,
    cursor=">",
    mark="#",
    more="~",
    beyond=">",
    remote="o",
    partly="%",
    cached="@",
    running=">",
    queued=".",
    done="v",
    failed="x",
    stopped="=",
    down="-",
    up="+",
    arrow="->",
    rule="-",
    warning="!",
    dot="-",
    opened="v",
    closed=">",
    full="#",
    empty=".",
    spark="_.,-~=*#",
)


def glyphs_for(environ: Mapping[str, str]) -> Glyphs:
    """ASCII where the user asked for the C locale, Unicode otherwise.

    Python turns a C locale into C.UTF-8 and says so in LC_CTYPE (PEP 538), so that variable tells nothing
    about what was asked for; no locale at all, as in most containers, is not a wish for ASCII.
    """
    asked = environ.get("LC_ALL") or environ.get("LANG") or ""
    return ASCII if asked in ("C", "POSIX") else UNICODE
