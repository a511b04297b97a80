"""A comparison as the bytes of a file: CSV, Parquet, SVG, HTML."""

from __future__ import annotations

import io
from collections.abc import Sequence

from explorer.errors import BadInput
from explorer.metrics.comparison import Comparison
from explorer.metrics.svg import inside_page, to_svg

FORMATS = ("csv", "parquet", "svg", "html")


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
        case "html":
            names = ", ".join(curve.label for curve in comparison.nodes[:4])
            drawing = to_svg(comparison, full=full, log_y=log_y)
            return inside_page(f"{comparison.metric}: {names}", drawing, rows or [[""]]).encode()
    raise BadInput(f"`{format}` is no format to export to.", hint="there is: " + ", ".join(FORMATS))
