"""plotly's FigureWidget for pages: its 5 MB of code travel once a kernel, not with every figure."""

from __future__ import annotations

import threading
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from ipywidgets import widget_serialization

if TYPE_CHECKING:
    from plotly.graph_objects import FigureWidget

_HERE = files("explorer.notebook")
_PAGE = _HERE.joinpath("plotly_page.js").read_text()
_importing = threading.Lock()


class PlotlyLibrary(anywidget.AnyWidget):
    """Invisible: carries plotly's code to the page."""

    _esm = _PAGE + _HERE.joinpath("plotly_library.js").read_text()
    source = traitlets.Unicode().tag(sync=True)


def figure_widget() -> type[FigureWidget]:
    """A FigureWidget that is ready on the page at once. The first call takes seconds: it is made in a worker.

    plotly's renderers import nbformat, and that, beside JupyterLab, a grammar that takes 5 s of CPU to build
    (jsonschema -> rfc3987_syntax, measured with plotly 7.1). One thread at a time: two that import a package
    which imports itself lazily can see it half made.
    """
    with _importing:
        return _made()


@cache
def _made() -> type[FigureWidget]:
    from plotly.graph_objects import FigureWidget

    class Figure(FigureWidget):  # type: ignore[misc]
        _esm = _PAGE + _HERE.joinpath("plotly_figure.js").read_text()
        library = traitlets.Instance(PlotlyLibrary).tag(sync=True, **widget_serialization)

        @traitlets.default("library")
        def _library(self) -> PlotlyLibrary:
            return _the_library()

        def get_state(self, key: object = None, drop_defaults: bool = False) -> dict[str, Any]:
            # plotly keeps what it sent first: a page that is loaded again would show that
            if key is None and "_layout_obj" in self.__dict__:
                self._trait_values["_widget_data"] = deepcopy(self._data)
                self._trait_values["_widget_layout"] = deepcopy(self._layout_obj._props)
            found: dict[str, Any] = super().get_state(key, drop_defaults)
            return found

    found: type[FigureWidget] = Figure
    return found


@cache
def _the_library() -> PlotlyLibrary:
    return PlotlyLibrary(source=files("plotly").joinpath("package_data", "widgetbundle.js").read_text())
