"""A comparison on a page: controls, figure and table, which follow the runs and do what is clicked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from explorer.errors import ExplorerError
from explorer.notebook.comparison_panels import Controls, CurveTable, controls_state, table_state
from explorer.notebook.followed import movement
from explorer.notebook.live import Live
from explorer.notebook.look import READ_ANEW
from explorer.notebook.overrides import parse
from explorer.notebook.parallel_widget import ParallelWidget
from explorer.wording import size

if TYPE_CHECKING:
    from explorer.lineage.address import Node
    from explorer.notebook.comparison import ComparisonView, Found
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.look import Look

_OURS = "this is a mistake of ours; please report it"


class ComparisonWidget:
    """Made on the kernel's loop; what blocks runs in workers, one after the other."""

    def __init__(self, explorer: Explorer, view: ComparisonView) -> None:
        self._explorer = explorer
        self._view = view
        # whole from the beginning: a busy page may lose what comes right behind
        self._controls, self._table = (
            Controls(state=controls_state(view)),
            CurveTable(state=table_state(view)),
        )
        self._parallel = ParallelWidget(view)
        self._result = ipywidgets.VBox()
        self._notice: dict[str, str] = {}
        self._busy = ""
        self._asked: dict[str, object] = {}
        """Settings whose curves are being read."""
        self._moved = view.read_at
        self._reading = threading.Lock()
        self._stale = threading.Event()
        self._live: Live | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._controls.on_msg(self._heard)
        self._table.on_msg(self._heard)
        self.box = ipywidgets.VBox(
            [self._controls, view.figure, self._table, self._result, self._parallel.box]
        )
        self.paint()

    def follow(self) -> None:
        """Keep up with the runs, until `rest`."""
        if self._live is None:
            self._live = Live(self._look)
            self._explorer.backstage.follow(self._live)
            self._unsubscribe = self._explorer.workspace.subscribe(self._live.mark)
            self._explorer.followed.add(self._view)
            self._live.mark()  # the last row may have come while the figure was made

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
        inside = self.box.children
        self.box.close()
        self._parallel.close()
        for widget in inside:
            widget.close()

    def paint(self) -> None:
        """Tell the page how things stand."""
        self._controls.state = {**controls_state(self._view), "busy": self._busy}
        self._paint_table()
        self._parallel.paint()

    def _paint_table(self) -> None:
        self._table.state = {**table_state(self._view), "busy": self._busy, "notice": self._notice}

    def say(self, kind: str, text: str, hint: str = "") -> None:
        """One line under the table: `kind` is `ok`, `info` or `error`."""
        self._notice = {"kind": kind, "text": text, "hint": hint}
        self._paint_table()

    def _heard(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        """What the page says. It is not trusted: anything may be in it."""
        match content.get("type"):
            case "set":
                self._set({str(content.get("name")): content.get("value")})
            case "show":
                told = str(content.get("value"))
                self._set({"delta": False} if told == "values" else {"delta": True, "baseline": told})
            case "hide":
                labels = {row.label for row in self._view.rows if row.index == content.get("index")}
                self._set({"hidden": self._view.look.hidden ^ labels})
            case "choose":
                self._result.children = ()
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
            if not READ_ANEW & settings.keys():
                look = view.with_settings(settings)
                self._notice = {}
                view.apply(look)
                return
            view.with_settings(settings)
        except ExplorerError as error:
            self.say("error", str(error), error.hint)
            return
        self._asked |= settings
        self._work("read", self._read_as_asked)

    def _read_as_asked(self) -> None:
        """All that is asked for by now: of two readings under way the one that knows more counts."""
        asked = dict(self._asked)
        try:
            found = self._view.read(self._view.with_settings(asked))
        except ExplorerError:
            self._asked = {}
            raise
        self._later(partial(self._arrived, asked, found))

    def _arrived(self, asked: dict[str, object], found: Found) -> None:
        if asked == self._asked:
            self._asked = {}
            # other settings may have moved meanwhile: they stay
            self._view.apply(self._view.with_settings(asked), found)

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
        """Read again when a curve of ours has moved since it was read."""
        moved = movement(self._explorer.state, [node.bucket for node in self._view.nodes])
        if moved != self._moved:
            self._moved = moved
            self._stale.set()
            self._explorer.backstage.submit(self._read_again)

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
