"""A comparison as one SVG drawing that needs nothing else: for a report, a page, a pull request."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from html import escape

from explorer.lineage.values import show_overrides
from explorer.metrics.comparison import Comparison, NodeCurve
from explorer.metrics.thin import thin
from explorer.metrics.ticks import labels, log_ticks, ticks, value_label, x_marks

WIDTH, HEIGHT = 960, 480
_LEFT, _TOP, _BOTTOM, _LEGEND = 64, 36, 44, 260
# told apart by people who see no red or green (Okabe and Ito, 2008), and by dashes past the eighth
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6a51a3", "#7f7f7f")
DASHES = ("", "7 3", "2 3", "9 3 2 3")
_POINTS = 1200


def to_svg(comparison: Comparison, *, full: bool = False, log_y: bool = False) -> str:
    """Inherited parts thin and grey, forks as diamonds, from the first fork on unless `full`."""
    window = _window(comparison, full)
    inside = [_cut(curve.x, curve.values, window) for curve in comparison.nodes]
    finite = [v for _, values in inside for v in values if math.isfinite(v) and (v > 0 or not log_y)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    place = _Place(window, (low / 1.05, high * 1.05) if log_y else (low - room, high + room), log_y)
    parts = [*_axes(comparison, place)]
    for curve, line in zip(comparison.nodes, inside, strict=True):
        parts += _inherited(curve, line, place)
    for i, curve in enumerate(comparison.nodes):
        parts += _curve(curve, inside[i], place, i)
    parts += _legend(comparison)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#333">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>' + "".join(parts) + "</svg>"
    )


class _Place:
    """From data to the drawing."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], log_y: bool) -> None:
        self.x_range, self.y_range, self.log_y = x, y, log_y
        self.right, self.floor = WIDTH - _LEGEND, HEIGHT - _BOTTOM

    def x(self, value: float) -> float:
        low, high = self.x_range
        return _LEFT + (value - low) / (high - low) * (self.right - _LEFT)

    def y(self, value: float) -> float | None:
        low, high = self.y_range
        if not math.isfinite(value) or (self.log_y and value <= 0):
            return None
        if self.log_y:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.floor - (value - low) / (high - low) * (self.floor - _TOP)


def _window(comparison: Comparison, full: bool) -> tuple[float, float]:
    ends = [e for c in comparison.nodes for e in (*c.x[:1], *c.x[-1:]) if math.isfinite(e)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    first = comparison.first_fork
    if not full and first is not None and low <= first < high:
        low = max(low, first - 0.06 * (high - first))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _cut(
    x: array[float], values: array[float], window: tuple[float, float]
) -> tuple[array[float], array[float]]:
    kept = [i for i, place in enumerate(x) if window[0] <= place <= window[1]]
    return array("d", [x[i] for i in kept]), array("d", [values[i] for i in kept])


def _axes(comparison: Comparison, place: _Place) -> Iterator[str]:
    yield f'<text x="{_LEFT}" y="20" font-size="14" font-weight="600">{escape(comparison.metric)}</text>'
    found = (log_ticks if place.log_y else ticks)(*place.y_range, 7)
    for value, text in zip(found, labels(found), strict=True):
        y = place.y(value)
        yield f'<path d="M{_LEFT} {y:.1f}H{place.right}" stroke="#e4e4e8"/>'
        yield f'<text x="{_LEFT - 8}" y="{(y or 0) + 4:.1f}" text-anchor="end">{text}</text>'
    for at, text in x_marks(comparison.x, *place.x_range, 7):
        yield f'<text x="{place.x(at):.1f}" y="{place.floor + 18}" text-anchor="middle">{text}</text>'
    yield f'<path d="M{_LEFT} {_TOP}V{place.floor}H{place.right}" fill="none" stroke="#888"/>'
    middle = (_LEFT + place.right) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(comparison.x)}</text>'


def _curve(
    curve: NodeCurve, inside: tuple[array[float], array[float]], place: _Place, i: int
) -> Iterator[str]:
    x, values = inside
    fork, own_at = curve.inherited_until, _own_at(curve, x)
    hue, dash = HUES[i % len(HUES)], DASHES[i // len(HUES) % len(DASHES)]
    style = f'stroke="{hue}" stroke-width="1.6" stroke-dasharray="{dash}"'
    yield from _line(x[max(own_at - 1, 0) :], values[max(own_at - 1, 0) :], place, style)
    if fork is not None and own_at and (y := place.y(values[own_at - 1])) is not None:
        yield f'<path d="M{place.x(x[own_at - 1]):.1f} {y:.1f}m-5 0l5 -5 5 5 -5 5z" fill="{hue}"/>'


def _inherited(curve: NodeCurve, inside: tuple[array[float], array[float]], place: _Place) -> Iterator[str]:
    x, values = inside
    own_at = _own_at(curve, x)
    yield from _line(x[:own_at], values[:own_at], place, 'stroke="#b8b8c0" stroke-width="1"')


def _own_at(curve: NodeCurve, x: array[float]) -> int:
    until = curve.inherited_until
    return 0 if until is None else sum(1 for at in x if at <= until)


def _line(x: array[float], values: array[float], place: _Place, style: str) -> Iterator[str]:
    """One path, with a gap wherever there is no number."""
    steps, pen = [], "M"
    for at in thin(x, values, _POINTS):
        y = place.y(values[at])
        if y is None:
            pen = "M"
            continue
        steps.append(f"{pen}{place.x(x[at]):.1f} {y:.1f}")
        pen = "L"
    if steps:
        yield f'<path d="{"".join(steps)}" fill="none" {style}/>'


def _legend(comparison: Comparison) -> Iterator[str]:
    left = WIDTH - _LEGEND + 20
    for i, curve in enumerate(comparison.nodes):
        y = _TOP + 8 + i * 34
        if y > HEIGHT - 20:
            yield f'<text x="{left}" y="{y}">… and {len(comparison.nodes) - i} more</text>'
            return
        hue, dash = HUES[i % len(HUES)], DASHES[i // len(HUES) % len(DASHES)]
        name = curve.label if len(curve.label) <= 30 else curve.label[:29] + "…"
        note = "  ".join((show_overrides(curve.overrides)[:24], value_label(curve.last))).strip()
        yield f'<path d="M{left} {y - 4}h22" stroke="{hue}" stroke-width="2.5" stroke-dasharray="{dash}"/>'
        yield f'<text x="{left + 30}" y="{y}" font-weight="600">{escape(name)}</text>'
        yield f'<text x="{left + 30}" y="{y + 14}" fill="#777">{escape(note)}</text>'


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
