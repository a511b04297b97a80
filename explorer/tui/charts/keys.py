"""The keys of a loss chart, for its bindings and for a help screen."""

from __future__ import annotations

from textual.binding import Binding


def _key(key: str, action: str, name: str, tooltip: str, *, show: bool = False) -> Binding:
    return Binding(key, action, name, show=show, tooltip=tooltip, id=f"chart.{action}")


CHART_KEYS = (
    _key("left", "cross(-1)", "crosshair left", "The crosshair one point to the left.", show=True),
    _key("right", "cross(1)", "crosshair right", "The crosshair one point to the right.", show=True),
    _key("shift+left", "cross(-10)", "ten left", "The crosshair ten points to the left."),
    _key("shift+right", "cross(10)", "ten right", "The crosshair ten points to the right."),
    _key("home", "end(-1)", "first point", "The crosshair to the curve's first point in the window."),
    _key("end", "end(1)", "last point", "The crosshair to the curve's last point in the window."),
    _key(
        "left_square_bracket", "checkpoint(-1)", "checkpoint left", "The crosshair to the checkpoint before."
    ),
    _key(
        "right_square_bracket", "checkpoint(1)", "checkpoint right", "The crosshair to the next checkpoint."
    ),
    _key("up,k", "select(-1)", "curve above", "Select the curve above in the legend."),
    _key("down,j", "select(1)", "curve below", "Select the curve below in the legend."),
    _key("space", "toggle_curve", "hide", "Hide the selected curve, or show it again.", show=True),
    _key("o", "only", "only this", "Only the selected curve; once more for all."),
    _key("plus,equals_sign", "zoom(0.5)", "zoom in", "Twice as near, around the crosshair.", show=True),
    _key("minus", "zoom(2)", "zoom out", "Twice as far.", show=True),
    _key("h,less_than_sign", "pan(-0.25)", "pan left", "A quarter of the window to the left."),
    _key("l,greater_than_sign", "pan(0.25)", "pan right", "A quarter of the window to the right."),
    _key("w", "window", "window", "From the first fork on, or the whole history.", show=True),
    _key("y", "log_y", "log y", "A logarithmic y axis.", show=True),
    _key("s", "smooth", "smooth", "Smoothing: off, 0.6, 0.9, 0.98; the raw curve stays, faintly.", show=True),
    _key("d", "delta", "Δ parent", "The difference to the parent's curve.", show=True),
    _key("t", "tails", "lost work", "What crashed runs did in vain, faintly."),
    _key("0", "reset", "reset", "Everything as it was at first."),
)
