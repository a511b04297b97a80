"""Titles and rows of a page of sections as styled text: how a width is shared between names and values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style

from explorer.tui.columns import Piece
from explorer.tui.fitting import fit, fit_end
from explorer.tui.glyphs import Glyphs
from explorer.tui.theme import Palette

if TYPE_CHECKING:
    from explorer.checkpoints import Row, Section
    from explorer.checkpoints.statistics import Statistics

_MARGIN = 6
"""The cursor's bar, the sign of a row that expands, its mark, and blanks."""
_NAME_LEAST = 24
_SHAPE_LEAST = 14
_COLUMNS = (
    ("CHANGE", 9), ("COSINE", 9), ("EQUAL", 7), ("MAX DIFF", 10), ("NaN/inf", 8), ("|A|", 9), ("|B|", 9),
    ("|B-A|", 9),
)  # fmt: skip
"""What comparing values told, in the order in which it is given room; each has a blank in front."""


@dataclass(frozen=True, slots=True)
class Widths:
    """The widest texts of a section: measured once, so that columns stand still while rows come and go."""

    name: int
    values: int
    """Of both values together, with the arrow between them."""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Widths:
        """Cost: O(rows) and their members, once."""
        names = max((_cells(member.name) for row in rows for member in (row, *row.rows)), default=0)
        values = max((_cells(row.a) + _cells(row.b) for row in rows), default=0)
        return cls(names, values + 5)


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


class SectionRows:
    """Writes lines for one width, one palette and one set of signs."""

    def __init__(self, width: int, palette: Palette, glyphs: Glyphs) -> None:
        self._width = width
        self._palette = palette
        self._glyphs = glyphs

    def title(self, section: Section, *, is_open: bool, columns: Widths | None) -> list[Piece]:
        """A section's title; over the columns of compared values their heads."""
        palette = self._palette
        sign = self._glyphs.opened if is_open else self._glyphs.closed
        style = palette.bad if section.title.endswith("warnings") else palette.strong
        pieces: list[Piece] = [(f"{sign} ", palette.primary), (section.title, style)]
        note = section.note
        if columns is not None and is_open:
            name, chosen = self._value_layout(columns)
            room = name + _MARGIN - 3 - cell_len(section.title)
            told = fit(f"  {note}", room, self._glyphs.more)
            heads = "".join(f"{head:>{width}}" for head, width in chosen)
            return [*pieces, (told + " " * (room - cell_len(told)), palette.dim), (heads, palette.faint)]
        return [
            *pieces,
            (fit(f"  {note}", self._width - 4 - cell_len(section.title), self._glyphs.more), palette.dim),
        ]

    def row(self, row: Row, widths: Widths, *, expanded: bool | None, depth: int) -> list[Piece]:
        """A name, and what it says on both sides; `expanded` is None where a row has no members."""
        palette, more = self._palette, self._glyphs.more
        start = self._start(row, expanded=expanded, depth=depth)
        room = self._width - _MARGIN - 2 * (depth - 1)
        if not (row.a or row.b):
            return [*start, (fit(row.name, room, more), palette.text)]
        name_width = max(min(12, room // 2), min(widths.name, max(room - 2 - widths.values, room // 2 - 6)))
        # the last part of a key or a tensor's name tells it apart
        name = fit_end(row.name, name_width, more)
        pieces: list[Piece] = [*start, (name + " " * (name_width - cell_len(name) + 2), palette.text)]
        pieces += self._values(row, room - name_width - 3)
        many, used = f"  ×{row.count:,}", sum(cell_len(text) for text, _ in pieces)
        if row.rows and used + len(many) < self._width - 1:
            pieces.append((many if not self._glyphs.ascii else many.replace("×", "x"), palette.faint))
        return pieces

    def _values(self, row: Row, room: int) -> list[Piece]:
        palette, more = self._palette, self._glyphs.more
        both = bool(row.a and row.b)
        arrow = f" {self._glyphs.arrow} " if both else ""
        half = (room - len(arrow)) // 2 if both else room
        a = fit(row.a, max(half, room - len(arrow) - cell_len(row.b)), more)
        b = fit(row.b, room - len(arrow) - cell_len(a), more)
        plain = Style.null() if both or row.mark.strip() in ("", "?", "=") else self._style(row)
        return [
            (a, palette.dim + plain if a else plain),
            (arrow, palette.faint),
            (b, palette.dim if row.mark in ("?", "=") else palette.text + plain),
        ]

    def compared(
        self, row: Row, told: Statistics | None, widths: Widths, *, expanded: bool | None, depth: int
    ) -> list[Piece]:
        """A tensor whose values were compared, or would be: numbers under their heads."""
        palette, more = self._palette, self._glyphs.more
        name_width, columns = self._value_layout(widths)
        name_width -= 2 * (depth - 1)
        name = fit_end(row.name, name_width, more)
        start = self._start(row, expanded=expanded, depth=depth, told=told)
        pieces: list[Piece] = [*start, (name + " " * (name_width - cell_len(name)), palette.text)]
        if told is None:
            rest = self._width - _MARGIN - name_width - 2 * (depth - 1) - 3
            text = f"{row.a} {self._glyphs.arrow} {row.b}" if row.a and row.b else row.a or row.b
            return [*pieces, (f"  {fit(text, rest, more)}", palette.faint)]
        if told.identical:
            return [*pieces, ("  identical: one object on both sides", palette.dim)]
        for head, width in columns:
            text, style = self._number(head, told)
            pieces.append((f"{text:>{width}}", style))
        rest = self._width - _MARGIN - 1 - name_width - 2 * depth - sum(width for _, width in columns)
        if rest >= _SHAPE_LEAST:
            pieces.append((f"  {fit(row.b, rest, more)}", palette.faint))
        return pieces

    def _value_layout(self, widths: Widths) -> tuple[int, list[tuple[str, int]]]:
        """How wide names are, and which columns there is room for beside them."""
        room = self._width - _MARGIN - 1
        name = min(widths.name, max(_NAME_LEAST, room - sum(width for _, width in _COLUMNS)))
        left = room - max(_NAME_LEAST, name)
        chosen = []
        for head, width in _COLUMNS:
            if width > left:
                break
            chosen.append((head, width))
            left -= width
        return room - sum(width for _, width in chosen) if left < 20 else max(_NAME_LEAST, name), chosen

    def _number(self, head: str, told: Statistics) -> tuple[str, Style]:
        palette = self._palette
        odd = f"{told.non_finite_a}/{told.non_finite_b}" if told.non_finite else ""
        texts = {
            "CHANGE": _short(told.relative),
            "COSINE": "" if math.isnan(told.cosine) else f"{told.cosine:.5f}",
            "EQUAL": _percent(told.equal_share),
            "MAX DIFF": _short(told.max_delta),
            "NaN/inf": odd,
            "|A|": _short(told.norm_a),
            "|B|": _short(told.norm_b),
            "|B-A|": _short(told.delta_norm),
        }
        style = palette.bad if head == "NaN/inf" else palette.strong if head == "CHANGE" else palette.text
        return texts[head], style if told.equal < told.elements or head == "NaN/inf" else palette.dim

    def _start(
        self, row: Row, *, expanded: bool | None, depth: int, told: Statistics | None = None
    ) -> list[Piece]:
        glyphs = self._glyphs
        sign = " " if expanded is None else glyphs.opened if expanded else glyphs.closed
        mark = row.mark if told is None or row.mark != "?" else "=" if told.equal == told.elements else "~"
        style = self._palette.accent if mark == "~" else self._style(row)
        return [
            (" " * (1 + 2 * (depth - 1)), self._palette.text),
            (sign, self._palette.primary),
            (f" {glyphs.arrow[-1] if mark == '→' else mark or ' '} ", style),
        ]

    def _style(self, row: Row) -> Style:
        palette = self._palette
        styles = {"+": palette.good, "-": palette.bad, "~": palette.accent, "!": palette.bad}
        return styles.get(row.mark, palette.dim)


def _short(value: float) -> str:
    """Three digits in at most eight cells: `0.0123`, `1.2e-9`, `inf`."""
    if math.isnan(value):
        return ""
    text = f"{value:.3g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{float(mantissa):.2g}e{int(exponent)}"
    return text


def _percent(share: float) -> str:
    """A share that is not all never reads 100 %."""
    text = f"{100 * share:.1f}%"
    return (
        text
        if share in (0.0, 1.0) or text not in ("100.0%", "0.0%")
        else ("99.9%" if share > 0.5 else "<0.1%")
    )
