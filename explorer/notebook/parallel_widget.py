"""Parallel coordinates under a comparison: made when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from explorer.errors import BadInput
from explorer.notebook.comparison_rows import columns_of
from explorer.notebook.parallel import parts
from explorer.notebook.plotly_widget import figure_widget
from explorer.notebook.words import escaped

if TYPE_CHECKING:
    from explorer.notebook.comparison import ComparisonView


class ParallelWidget:
    """An accordion with one figure in it."""

    def __init__(self, view: ComparisonView) -> None:
        self._view = view
        self._figure: Any = None
        self._told: object = None
        self._inside = ipywidgets.VBox()
        self.box = ipywidgets.Accordion([self._inside], titles=("Parallel coordinates",))
        self.box.observe(lambda _: self.paint(), "selected_index")

    def paint(self) -> None:
        """Show the rows of the view, if anybody looks."""
        view = self._view
        self.box.layout.display = None if view.hyperparameters else "none"
        if self.box.selected_index is None:
            return
        try:
            made = parts(view.chosen, columns_of(view.rows, view.comparisons), view.comparison)
        except BadInput as error:
            self._inside.children = (ipywidgets.HTML(escaped(error)),)
            return
        if made == self._told:
            return
        self._told = made
        if self._figure is None:
            self._figure = figure_widget()(**made)
            self._figure._config = {**self._figure._config, "responsive": True, "displayModeBar": False}
        else:
            with self._figure.batch_update():
                self._figure.data[0].update(made["data"][0], overwrite=True)
        if self._inside.children != (self._figure,):
            self._inside.children = (self._figure,)

    def close(self) -> None:
        if self._figure is not None:
            self._figure.close()
        self._inside.close()
        self.box.close()
