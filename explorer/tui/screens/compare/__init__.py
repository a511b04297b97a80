"""Loss curves side by side: the chart, a row of numbers for each curve, and what can be done from there."""

from explorer.tui.screens.compare.screen import CompareScreen

__all__ = ["CompareScreen"]
