"""A comparison as the bytes of a file: CSV, Parquet, SVG, PNG, HTML."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from explorer.errors import BadInput
from explorer.metrics.comparison import Comparison
from explorer.metrics.svg import inside_page, to_svg

FORMATS = ("csv", "parquet", "svg", "png", "html")
_PNG_SCALE = 2.0


def export(
    comparison: Comparison,
    format: str,
    *,
    rows: Sequence[Sequence[str]] = (),
    full: bool = False,
    log_y: bool = False,
) -> bytes:
    """The points (csv, parquet: a row a point, values as exact as they were logged) or a drawing of them.

    `rows` (the first one the header) go under the drawing in the HTML page.

    Raises:
        BadInput: no such format, or it needs a package that is not here.
    """
    match format:
        case "csv":
            return str(comparison.to_frame().to_csv(index=False)).encode()
        case "parquet":
            sink = io.BytesIO()
            try:
                comparison.to_frame().to_parquet(sink, index=False)
            except ImportError as error:
                raise BadInput("Parquet needs pyarrow.", hint="pip install pyarrow, or export csv") from error
            return sink.getvalue()
        case "svg":
            return to_svg(comparison, full=full, log_y=log_y).encode()
        case "png":
            return _png(to_svg(comparison, full=full, log_y=log_y))
        case "html":
            names = ", ".join(curve.label for curve in comparison.nodes[:4])
            drawing = to_svg(comparison, full=full, log_y=log_y)
            return inside_page(f"{comparison.metric}: {names}", drawing, rows or [[""]]).encode()
    raise BadInput(f"`{format}` is no format to export to.", hint="there is: " + ", ".join(FORMATS))


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
