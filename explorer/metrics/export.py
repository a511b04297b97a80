"""Comparisons as the bytes of a file: CSV, Parquet, SVG, PNG, HTML."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from explorer.errors import BadInput
from explorer.metrics.comparison import Comparison
from explorer.metrics.svg import Look, inside_page, to_svg

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "parquet", "svg", "png", "html")
_PNG_SCALE = 2.0


def export(
    comparison: Comparison | Sequence[Comparison],
    format: str,
    *,
    rows: Sequence[Sequence[str]] = (),
    full: bool = False,
    log_y: bool = False,
    log_x: bool = False,
    delta: bool = False,
    colour_by: str | None = None,
) -> bytes:
    """The points (csv, parquet: a row a point, values as exact as they were logged) or a drawing of them.

    Of several comparisons the points have a column `metric`, the drawings are one below the other. `rows`
    (the first one the header) go under the drawing in the HTML page.

    Raises:
        BadInput: no such format, it needs a package that is not here, or there is nothing to colour by.
    """
    several = (comparison,) if isinstance(comparison, Comparison) else tuple(comparison)
    look = Look(full, log_x, log_y, delta, colour_by)
    match format:
        case "csv":
            return str(_points(several).to_csv(index=False)).encode()
        case "parquet":
            sink = io.BytesIO()
            try:
                _points(several).to_parquet(sink, index=False)
            except ImportError as error:
                raise BadInput("Parquet needs pyarrow.", hint="pip install pyarrow, or export csv") from error
            return sink.getvalue()
        case "svg":
            return to_svg(several, look).encode()
        case "png":
            return _png(to_svg(several, look))
        case "html":
            names = ", ".join(curve.label for curve in several[0].nodes[:4])
            title = f"{', '.join(one.metric for one in several)}: {names}"
            return inside_page(title, to_svg(several, look), rows or [[""]]).encode()
    raise BadInput(f"`{format}` is no format to export to.", hint="there is: " + ", ".join(FORMATS))


def _points(several: Sequence[Comparison]) -> pd.DataFrame:
    if len(several) == 1:
        return several[0].to_frame()
    import pandas as pd

    return pd.concat([one.to_frame().assign(metric=one.metric) for one in several], ignore_index=True)


def _png(drawing: str) -> bytes:
    try:
        import resvg_py
    except ImportError as error:
        raise BadInput(
            "A PNG needs resvg-py.", hint="pip install 'checkpoint-explorer[png]' (3 MB), or export svg"
        ) from error
    if not _has_fonts(resvg_py.svg_to_bytes):
        raise BadInput(
            "This machine has no fonts to write on a PNG with.",
            hint="install some (Debian, Ubuntu: apt install fonts-dejavu-core), or export svg",
        )
    return bytes(resvg_py.svg_to_bytes(svg_string=drawing, zoom=_PNG_SCALE))


def _has_fonts(draw: Callable[..., bytes]) -> bool:
    """Without fonts text would be left out silently."""
    page = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    text = '<text x="2" y="16" font-family="system-ui, sans-serif">M</text>'
    return bytes(draw(svg_string=page.format(text))) != bytes(draw(svg_string=page.format("")))
