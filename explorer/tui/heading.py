"""The titles above the lineage's columns."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from explorer.tui.lineage import LineageView


class Heading(Widget):
    """Asks the list for its layout, so that both always agree."""

    DEFAULT_CSS = "Heading { height: 1; }"

    def __init__(self, view: LineageView) -> None:
        super().__init__(id="heading")
        self._view = view

    def render_line(self, y: int) -> Strip:
        return self._view.heading_strip(self.size.width, self.rich_style)
