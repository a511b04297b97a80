"""A comparison on a page: controls, figure and table, which follow the runs and do what is clicked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from explorer.checkpoints.printable import printable
from explorer.errors import ExplorerError
from explorer.notebook.colours import inks
from explorer.notebook.comparison_rows import columns_of, text_of
from explorer.notebook.figure import Fit
from explorer.notebook.live import Live
from explorer.notebook.look import MOST_METRICS, READ_ANEW
from explorer.notebook.overrides import parse
from explorer.notebook.parallel_widget import ParallelWidget
from explorer.wording import size

if TYPE_CHECKING:
    from explorer.lineage.address import Node
    from explorer.notebook.comparison import ComparisonView, Found
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.look import Look

_HERE = files("explorer.notebook")
_CSS = _HERE.joinpath("tree.css").read_text() + _HERE.joinpath("comparison.css").read_text()
_SHARED = _HERE.joinpath("panel.js").read_text()
_AXES = {"since_fork": "steps since the fork", "time": "time of day", "active": "time spent training"}
_OURS = "this is a mistake of ours; please report it"


class Controls(anywidget.AnyWidget):
    """The row above the figure. `state` is what it shows; what is chosen comes as a message."""

    _esm = _SHARED + _HERE.joinpath("controls.js").read_text()
    _css = _CSS
    state = traitlets.Dict().tag(sync=True)


class CurveTable(anywidget.AnyWidget):
    """What stands under the figure: the chosen checkpoint, the table, what was said."""

    _esm = _SHARED + _HERE.joinpath("curve_table.js").read_text()
    _css = _CSS
    state = traitlets.Dict().tag(sync=True)


class ComparisonWidget:
    """Made on the kernel's loop; what blocks runs in workers, one after the other."""

    def __init__(self, explorer: Explorer, view: ComparisonView) -> None:
        self._explorer = explorer
        self._view = view
        self._controls, self._table = Controls(), CurveTable()
        self._parallel = ParallelWidget(view)
        self._result = ipywidgets.VBox()
        self._notice: dict[str, str] = {}
        self._busy = ""
        self._curves: tuple[object, ...] | None = None
        self._reading = threading.Lock()
        self._stale = threading.Event()
        self._live: Live | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._controls.on_msg(self._heard)
        self._table.on_msg(self._heard)
        self.box = ipywidgets.VBox(
            [self._controls, view.figure, self._table, self._result, self._parallel.box, Fit()]
        )
        self.paint()

    def follow(self) -> None:
        """Keep up with the runs, until `rest`."""
        if self._live is None:
            self._live = Live(self._look)
            self._explorer.backstage.follow(self._live)
            self._unsubscribe = self._explorer.workspace.subscribe(self._live.mark)
            self._explorer.followed.add(self._view)

    def rest(self) -> None:
        if self._live is not None:
            self._unsubscribe()
            self._live.close()
            self._explorer.backstage.unfollow(self._live)
            self._explorer.followed.drop(self._view)
            self._live = None

    def close(self) -> None:
        """Take it off the page and out of the kernel."""
        self.rest()
        for widget in (self._controls, self._table, self._view.figure, self._result, *self.box.children):
            widget.close()
        self._parallel.close()
        self.box.close()

    def paint(self) -> None:
        """Tell the page how things stand."""
        view = self._view
        look, first = view.look, view.comparison
        others = [(node.address, f"Δ to {printable(node.address, 40)}") for node in view.nodes]
        forked = any(curve.fork_step is not None for curve in first.nodes)
        self._controls.state = {
            **asdict(look),
            "hidden": sorted(look.hidden),
            "metric": [c.metric for c in view.comparisons],
            "metrics": list(view.metrics),
            "most": MOST_METRICS,
            "axes": [(name, _AXES.get(name, name)) for name in view.axes],
            "forked": forked,
            "shows": [("values", "values"), *([("parent", "Δ to the parent")] if forked else []), *others],
            "show": look.baseline if look.delta else "values",
            "hyperparameters": list(view.hyperparameters),
            "has_lost": any(curve.discarded for c in view.comparisons for curve in c.nodes),
            "snippet": view.snippet,
            "busy": self._busy,
        }
        self._table.state = self._table_state()
        self._parallel.paint()

    def _table_state(self) -> dict[str, Any]:
        view = self._view
        columns = columns_of(view.rows, view.comparisons)
        ink = inks(view.comparison, view.look.colour_by or view.look.group_by)
        selected = view.selected
        return {
            "columns": [asdict(column) for column in columns],
            "rows": [
                {
                    "label": printable(row.label, 80),
                    "colour": ink[row.index].colour,
                    "dash": ink[row.index].dash,
                    "hidden": row.label in view.look.hidden,
                    "cells": [printable(text_of(row, column), 60) for column in columns],
                }
                for row in view.chosen
            ],
            "total": len(view.rows),
            "sort": view.look.sort,
            "filter": view.look.filter,
            "selected": None
            if selected is None
            else {
                "label": printable(selected.address, 80),
                "snippet": self._explorer.snippet(selected.node),
            },
            "busy": self._busy,
            "notice": self._notice,
            "warnings": [
                printable(text, 400)
                for text in dict.fromkeys(text for c in view.comparisons for text in c.warnings)
            ],
        }

    def say(self, kind: str, text: str, hint: str = "") -> None:
        """One line under the table: `kind` is `ok`, `info` or `error`."""
        self._notice = {"kind": kind, "text": text, "hint": hint}
        self._table.state = self._table_state()

    def _heard(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        """What the page says. It is not trusted: anything may be in it."""
        match content.get("type"):
            case "set":
                self._set({str(content.get("name")): content.get("value")})
            case "show":
                told = str(content.get("value"))
                self._set({"delta": False} if told == "values" else {"delta": True, "baseline": told})
            case "hide":
                self._set({"hidden": self._view.look.hidden ^ {str(content.get("label"))}})
            case "choose":
                self._view.selected = None
            case "save":
                self._work("save", lambda: self._save(str(content.get("format"))))
            case "act":
                verb, changes = str(content.get("verb")), str(content.get("changes") or "")
                node = self._view.selected
                if node is not None:
                    self._work(verb, lambda: self._act(verb, node.node, changes))

    def _set(self, settings: dict[str, object]) -> None:
        """What is only painted is painted at once; what is read anew is read in a worker."""
        view = self._view
        try:
            look = view.with_settings(settings)
            if not READ_ANEW & settings.keys():
                self._notice = {}
                view.apply(look)
                return
        except ExplorerError as error:
            self.say("error", str(error), error.hint)
            return

        def read() -> None:
            found = view.read(look)
            self._later(lambda: view.apply(look, found))

        self._work("read", read)

    def _work(self, name: str, call: Callable[[], None]) -> None:
        """In a worker; its failure is a line on the page, never a traceback."""
        self._busy, self._notice = name, {}
        self.paint()

        def work() -> None:
            try:
                call()
            except ExplorerError as error:
                said, hint = str(error), error.hint
                self._later(lambda: self.say("error", said, hint))
            except Exception as error:  # a thread's traceback would land in an unrelated cell
                said = f"{type(error).__name__}: {error}"
                self._later(lambda: self.say("error", said, _OURS))
            finally:
                self._later(self._idle)

        self._explorer.backstage.submit(work)

    def _idle(self) -> None:
        self._busy = ""
        self.paint()

    def _later(self, call: Callable[[], None]) -> None:
        self._explorer.backstage.later(call)

    def _save(self, format: str) -> None:
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in self._view.comparison.metric)
        path = self._view.save(Path(f"{name}.{format}"))
        said = f"Saved {path} ({size(path.stat().st_size)})."
        self._later(lambda: self.say("ok", said, f"in {path.resolve().parent}"))

    def _act(self, verb: str, node: Node, changes: str) -> None:
        source = self._explorer.node(node)
        told: dict[str, Any] = parse(changes)
        if verb == "fork":
            fork = source.fork(**told)
            self._later(lambda: self.say("ok", f"Forked {source} as {fork}."))
        elif verb == "resume":
            run = source.resume(**told)
            self._view_with(run.node.node)
            self._later(lambda: self.say("ok", f"Run {run.id} started in {run.node}; its curve follows."))
        elif verb == "diff":
            before = source.parent
            if before is None:
                self._later(lambda: self.say("info", f"`{source}` has nothing before it."))
                return
            html = before.diff(source)._repr_html_()
            self._later(lambda: setattr(self._result, "children", (ipywidgets.HTML(html),)))

    def _view_with(self, node: Node) -> None:
        view = self._view
        found = view.read(view.look, dict.fromkeys((*(n.node for n in view.nodes), node)))
        self._later(lambda: view.apply(view.look, found))

    def _look(self) -> None:
        """Read again when a curve of ours has moved: the tree's curves tell, which cost us nothing."""
        state = self._explorer.state
        buckets = {node.bucket for node in self._view.nodes}
        curves = tuple(state.curves.get(name) for name in sorted(buckets))
        runs = tuple((run.id, run.state) for run in state.runs.values() if run.bucket in buckets)
        if self._curves is not None and (curves, runs) != self._curves:
            self._stale.set()
            self._explorer.backstage.submit(self._read_again)
        self._curves = (curves, runs)

    def _read_again(self) -> None:
        """One at a time; what moves meanwhile is read once more behind it, so that the last row arrives."""
        view = self._view
        while self._stale.is_set() and self._reading.acquire(blocking=False):
            try:
                self._stale.clear()
                look = view.look
                found = view.read(look)
            except ExplorerError:
                return  # the next movement tries again; the tree paints what is wrong with the store
            finally:
                self._reading.release()
            self._later(partial(self._show, found, look))

    def _show(self, found: Found, look: Look) -> None:
        """What was read, unless the reader has asked for something else meanwhile."""
        view = self._view
        asked = found.nodes == tuple(node.node for node in view.nodes)
        if asked and all(getattr(view.look, name) == getattr(look, name) for name in READ_ANEW):
            view.apply(view.look, found)
