"""A comparison without a widget: text, HTML with a drawing for GitHub and nbconvert, and files."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import BadInput
from explorer.metrics import Comparison, NodeCurve, thin
from explorer.notebook.comparison_rows import columns_of, text_of
from explorer.notebook.page import dim, heading, image, page, table, warnings
from explorer.wording import loss

if TYPE_CHECKING:
    import pandas as pd

    from explorer.notebook.comparison import ComparisonView

_INHERITED, _OWN = 80, 300
"""Points of a curve in a page: a notebook's file holds them."""


def as_text(view: ComparisonView) -> str:
    """A line per node, best and last."""
    lines = [view.title]
    for row in view.chosen:
        curve = view.comparison.nodes[row.index]
        best = f"best {loss(curve.best.value)} at {curve.best.x:g}" if curve.best is not None else "no values"
        lines.append(f"  {curve.label:<32} last {loss(curve.last) or '-'}  {best}")
    return "\n".join([*lines, *(f"  warning: {text}" for text in view.comparison.warnings)])


def as_html(view: ComparisonView) -> str:
    """A drawing and the table: what nbconvert and a closed kernel show.

    The drawing is an image: of a page that is not trusted Jupyter drops SVG and leaves its words in one line.
    """
    body = table_of(view)
    columns = columns_of(view.rows, view.comparisons)
    starred = any(row.cells.get("best_inherited") for row in view.chosen)
    drawing = image(_drawing(view), view.title) if view.shown else ""
    note = dim("* reached before the fork, by the parent") if starred else ""
    numbers = [at for at, column in enumerate(columns, 1) if column.number]
    told = table(body[0], body[1:], numbers=numbers)
    return page(heading(view.title), drawing, told, note, warnings(view.comparison.warnings))


def table_of(view: ComparisonView) -> list[list[str]]:
    """The table as text, its heads first."""
    columns = columns_of(view.rows, view.comparisons)
    rows = [[row.label, *(text_of(row, column) for column in columns)] for row in view.chosen]
    return [["node", *(column.head for column in columns)], *rows]


def to_frame(view: ComparisonView) -> pd.DataFrame:
    """All points of all nodes; with several metrics they stand below each other, in a column `metric`."""
    import pandas as pd

    if len(view.comparisons) == 1:
        return view.comparison.to_frame()
    frames = [c.to_frame().assign(metric=c.metric) for c in view.comparisons]
    return pd.concat(frames, ignore_index=True)


def save(view: ComparisonView, path: Path) -> Path:
    """Write what is shown, in the format that the ending names.

    Raises:
        BadInput: no such format, a package that it needs is missing, or the file cannot be written.
    """
    from explorer.metrics.export import FORMATS, export

    format, look = path.suffix.lstrip(".").lower(), view.look
    if format not in FORMATS:
        raise BadInput(
            f"`{path.name}` has no ending that tells a format.",
            hint="end it with " + ", ".join(f".{known}" for known in FORMATS),
        )
    if not view.shown:
        raise BadInput("No curve is shown.", hint="clear the filter, or show one again")
    data = export(
        [_seen(view, comparison) for comparison in view.comparisons],
        format,
        rows=table_of(view),
        full=not look.after_fork,
        log_x=look.log_x,
        log_y=look.log_y,
        delta=look.delta,
        colour_by=look.colour_by or look.group_by or None,
    )
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadInput(
            f"`{path}` cannot be written: {error.strerror}.", hint="name a folder that is yours"
        ) from error
    return path


def _drawing(view: ComparisonView) -> str:
    from explorer.metrics.svg import Look, to_svg

    look = view.look
    colour_by = look.colour_by or look.group_by or None
    drawn = [_thinned(_seen(view, comparison)) for comparison in view.comparisons]
    return to_svg(drawn, Look(not look.after_fork, look.log_x, look.log_y, look.delta, colour_by))


def _seen(view: ComparisonView, comparison: Comparison) -> Comparison:
    return replace(comparison, nodes=tuple(c for c in comparison.nodes if c.label in view.shown))


def _thinned(comparison: Comparison) -> Comparison:
    """The same picture out of few points, smoothed before they are thinned."""
    return replace(comparison, nodes=tuple(_few(curve) for curve in comparison.nodes), smoothing=0.0)


def _few(curve: NodeCurve) -> NodeCurve:
    own, values = curve.own_at, curve.smoothed
    kept = thin(curve.x[:own], values[:own], _INHERITED) + [
        own + i for i in thin(curve.x[own:], values[own:], _OWN)
    ]
    if own and own - 1 not in kept:
        kept = sorted({*kept, own - 1})
    x, y, steps = (array("d", [column[i] for i in kept]) for column in (curve.x, values, curve.steps))
    return replace(
        curve, x=x, values=y, steps=steps, own_at=sum(1 for i in kept if i < own), smoothing=0.0, line=None
    )
