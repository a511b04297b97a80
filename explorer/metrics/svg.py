"""Comparisons as one SVG drawing that needs nothing else: for a report, a page, a pull request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from explorer.lineage.values import show_overrides
from explorer.metrics.choose import NOT_CURVES
from explorer.metrics.comparison import Comparison
from explorer.metrics.hyperparameters import colour_by, group_by
from explorer.metrics.pixels import Pixels, Points, pick
from explorer.metrics.ranges import UsualRange, from_first_fork, usual_range, whole_range, x_range
from explorer.metrics.ticks import labels, log_ticks, ticks, value_label, x_marks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 960, 480
_LEFT, _TOP, _BOTTOM, _LEGEND = 64, 48, 44, 260
# told apart by people who see no red or green (Okabe and Ito, 2008), and by dashes past the eighth
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6a51a3", "#7f7f7f")
DASHES = ("", "7 3", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Look:
    """How comparisons are drawn: from the first fork on unless `full`; curves that share a value of the
    hyperparameter `colour_by` in one colour.
    """

    full: bool = False
    log_x: bool = False
    log_y: bool = False
    delta: bool = False
    colour_by: str | None = None


def to_svg(
    comparisons: Comparison | Sequence[Comparison],
    look: Look | None = None,
    *,
    full: bool = False,
    log_y: bool = False,
) -> str:
    """A panel a metric, one below the other. Inherited parts are thin and grey, forks diamonds.

    Raises:
        BadInput: none of the nodes has the hyperparameter to colour by.
    """
    look = look or Look(full, log_y=log_y)
    comparisons = (comparisons,) if isinstance(comparisons, Comparison) else comparisons
    height = HEIGHT * len(comparisons)
    panels = [
        f'<g transform="translate(0 {HEIGHT * i})">{"".join(_panel(comparison, look))}</g>'
        for i, comparison in enumerate(comparisons)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#333">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>' + "".join(panels) + "</svg>"
    )


def _panel(comparison: Comparison, look: Look) -> Iterator[str]:
    window = _window(comparison, look)
    pixels = Pixels(comparison)
    drawn = [_drawn(pixels, i, window, look) for i in range(len(comparison.nodes))]
    seen = [_seen(points, window, look) for points, _ in drawn]
    calm = comparison.metric in NOT_CURVES
    usual = whole_range(seen) if calm else usual_range(seen, rises=comparison.rises, deltas=look.delta)
    place = _Place(window, _with_room(usual, look), look)
    inks = _inks(comparison, look)
    yield from _axes(comparison, look, place, usual)
    box = f'width="{place.right - _LEFT}" height="{place.floor - _TOP}"'
    inside = f"{_LEFT} {_TOP} {place.right - _LEFT} {place.floor - _TOP}"
    yield f'<svg x="{_LEFT}" y="{_TOP}" {box} viewBox="{inside}">'  # what lies outside of it is cut off
    for points, _ in drawn:
        own = points.inherited
        yield from _line(points.x[:own], points.y[:own], place, 'stroke="#b8b8c0" stroke-width="1"')
    for (_, raw), ink in zip(drawn, inks, strict=True):
        if raw is not None:
            yield from _line(raw.x, raw.y, place, f'stroke="{ink.hue}" stroke-width="1" opacity="0.25"')
    for (points, _), ink in zip(drawn, inks, strict=True):
        start = max(points.inherited - 1, 0)
        style = f'stroke="{ink.hue}" stroke-width="1.6" stroke-dasharray="{ink.dash}"'
        yield from _line(points.x[start:], points.y[start:], place, style)
    for (points, _), ink in zip(drawn, inks, strict=True):
        if points.inherited and (y := place.y(float(points.y[points.inherited - 1]))) is not None:
            x = place.x(float(points.x[points.inherited - 1]))
            yield f'<path d="M{x:.1f} {y:.1f}m-5 0l5 -5 5 5 -5 5z" fill="{ink.hue}"/>'
    yield "</svg>"
    yield from _legend(comparison, inks, look)


@dataclass(frozen=True, slots=True)
class _Ink:
    hue: str
    dash: str


def _inks(comparison: Comparison, look: Look) -> list[_Ink]:
    numbers = range(len(comparison.nodes))
    if look.colour_by is not None:
        return [_ink(n) for n in colour_by(comparison, look.colour_by)]
    return [_ink(n) for n in numbers]


def _ink(n: int) -> _Ink:
    return _Ink(HUES[n % len(HUES)], DASHES[n // len(HUES) % len(DASHES)])


class _Place:
    """From data to the drawing."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], look: Look) -> None:
        self.x_range, self.y_range, self.look = x, y, look
        self.right, self.floor = WIDTH - _LEGEND, HEIGHT - _BOTTOM

    def x(self, value: float) -> float:
        share = _share(value, self.x_range, self.look.log_x)
        return _LEFT + (share if share is not None else 0.0) * (self.right - _LEFT)

    def y(self, value: float) -> float | None:
        share = _share(value, self.y_range, self.look.log_y)
        # far outside a drawing program may lose its way
        return None if share is None else self.floor - min(max(share, -9.0), 9.0) * (self.floor - _TOP)


def _share(value: float, span: tuple[float, float], log: bool) -> float | None:
    low, high = span
    if not math.isfinite(value) or (log and value <= 0):
        return None
    if log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def _window(comparison: Comparison, look: Look) -> tuple[float, float]:
    import numpy as np

    placed = [x[np.isfinite(x)] for x in (np.frombuffer(c.x) for c in comparison.nodes if c.points)]
    # clocks of two machines may disagree
    whole = x_range([np.maximum.accumulate(x) for x in placed], log=look.log_x)
    return whole if look.full else from_first_fork(whole, comparison.first_fork, log=look.log_x)


def _drawn(pixels: Pixels, i: int, window: tuple[float, float], look: Look) -> tuple[Points, Points | None]:
    """A curve's points, and those of the curve itself where it is smoothed."""
    import numpy as np

    columns = WIDTH - _LEGEND - _LEFT
    if look.delta:
        told = pixels.comparison.nodes[i].deltas
        x, y = (np.frombuffer(c) for c in (told.x, told.values)) if told else (np.empty(0), np.empty(0))
        inside = (x >= window[0]) & (x <= window[1])
        x, y = x[inside], y[inside]
        kept = pick(x, y, columns) if len(x) else np.empty(0, np.intp)
        return Points(x[kept], y[kept], 0), None
    points = pixels.points(i, *window, columns)
    if not pixels.comparison.smoothing:
        return points, None
    raw = pixels.points(i, *window, columns, weight=0.0)
    return points, Points(raw.x[raw.inherited :], raw.y[raw.inherited :], 0)


def _seen(points: Points, window: tuple[float, float], look: Look) -> Floats:
    seen = points.y[(points.x >= window[0]) & (points.x <= window[1])]
    return seen[seen > 0] if look.log_y else seen


def _with_room(usual: UsualRange, look: Look) -> tuple[float, float]:
    low, high = usual.low, usual.high
    if look.log_y:
        low = low if low > 0 else high / 1000 if high > 0 else 0.1
        return low / 1.05, max(high, low * 1.1) * 1.05
    if look.delta:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _axes(comparison: Comparison, look: Look, place: _Place, usual: UsualRange) -> Iterator[str]:
    title = comparison.metric if not look.delta else f"Δ {comparison.metric} to the {comparison.baseline}"
    notes = [f"smoothed {comparison.smoothing:g}"] if comparison.smoothing else []
    notes += [usual.note([curve.label for curve in comparison.nodes])]
    yield f'<text x="{_LEFT}" y="20" font-size="14" font-weight="600">{escape(title)}</text>'
    note = " · ".join(n for n in notes if n)
    yield f'<text x="{_LEFT}" y="38" fill="#777">{escape(note)}</text>'
    found = (log_ticks if look.log_y else ticks)(*place.y_range, 7)
    for value, text in zip(found, labels(found), strict=True):
        y = place.y(value)
        yield f'<path d="M{_LEFT} {y:.1f}H{place.right}" stroke="#e4e4e8"/>'
        yield f'<text x="{_LEFT - 8}" y="{(y or 0) + 4:.1f}" text-anchor="end">{text}</text>'
    at_x = log_ticks(*place.x_range, 7) if look.log_x else []
    marks = x_marks(comparison.x, *place.x_range, 7)
    if look.log_x:
        marks = list(zip(at_x, labels(at_x), strict=True))
    for at, text in marks:
        yield f'<text x="{place.x(at):.1f}" y="{place.floor + 18}" text-anchor="middle">{text}</text>'
    yield f'<path d="M{_LEFT} {_TOP}V{place.floor}H{place.right}" fill="none" stroke="#888"/>'
    middle = (_LEFT + place.right) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(comparison.x)}</text>'


def _line(x: Floats, y: Floats, place: _Place, style: str) -> Iterator[str]:
    """One path, with a gap wherever there is no number."""
    steps, pen = [], "M"
    for at, value in zip(x.tolist(), y.tolist(), strict=True):
        height = place.y(value)
        if height is None or (place.look.log_x and at <= 0):
            pen = "M"
            continue
        steps.append(f"{pen}{place.x(at):.1f} {height:.1f}")
        pen = "L"
    if steps:
        yield f'<path d="{"".join(steps)}" fill="none" {style}/>'


def _legend(comparison: Comparison, inks: Sequence[_Ink], look: Look) -> Iterator[str]:
    left = WIDTH - _LEGEND + 20
    rows: list[tuple[_Ink, str, str]] = []
    if look.colour_by is not None:
        for group in group_by(comparison, look.colour_by):
            names = ", ".join(comparison.nodes[i].label for i in group.curves)
            rows.append((inks[group.curves[0]], group.label, names))
    else:
        for curve, ink in zip(comparison.nodes, inks, strict=True):
            note = "  ".join((show_overrides(curve.overrides)[:24], value_label(curve.last))).strip()
            rows.append((ink, curve.label, note))
    for i, (ink, name, note) in enumerate(rows):
        y = _TOP + 8 + i * 34
        if y > HEIGHT - 20:
            yield f'<text x="{left}" y="{y}">… and {len(rows) - i} more</text>'
            return
        style = f'stroke="{ink.hue}" stroke-width="2.5" stroke-dasharray="{ink.dash}"'
        yield f'<path d="M{left} {y - 4}h22" {style}/>'
        yield f'<text x="{left + 30}" y="{y}" font-weight="600">{escape(_short(name, 30))}</text>'
        yield f'<text x="{left + 30}" y="{y + 14}" fill="#777">{escape(_short(note, 36))}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def inside_page(title: str, drawing: str, rows: Sequence[Sequence[str]]) -> str:
    """The drawing and a table under it as one HTML page that loads nothing."""
    cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    head, body = cells[0].replace("td>", "th>"), "".join(f"<tr>{row}</tr>" for row in cells[1:])
    style = (
        "body{font:14px system-ui;margin:2rem}td,th{padding:.2rem .8rem;text-align:left}svg{max-width:100%}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{style}</style><h1>{escape(title)}</h1>{drawing}<table><tr>{head}</tr>{body}</table></html>"
    )
