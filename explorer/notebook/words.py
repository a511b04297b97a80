"""Names and texts of others made fit for a page."""

from __future__ import annotations

import html

from explorer.checkpoints.printable import printable


def escaped(text: object, width: int | None = None) -> str:
    """Text for HTML: no markup, no control characters, no bidi overrides."""
    return html.escape(printable(text, width))
