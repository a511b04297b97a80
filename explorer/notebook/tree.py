"""The lineage widget: a window on the workspace's state, with a selection that Python and the page share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from explorer.errors import BadInput, ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.values import Curve
from explorer.notebook import static
from explorer.notebook.actions import Actions
from explorer.notebook.columns import PackedFacts, pack_curve, pack_links, pack_rows
from explorer.notebook.comparison import preload
from explorer.notebook.live import Live

if TYPE_CHECKING:
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.node import BoundNode

VIEW = "application/vnd.jupyter.widget-view+json"
OURS = "this is a mistake of ours; please report it"
_HERE = files("explorer.notebook")


class LineageTree(anywidget.AnyWidget):
    """All buckets, snapshots and forks as rows with lanes, newest first; acts on the selected row.

    `selected` is the address of the selected node (`""`: none) and `marked` those of the marked ones; both
    can be set and observed. `node`, `address` and `snippet` take the selection out into a cell.
    """

    _esm = _HERE.joinpath("draw.js").read_text() + _HERE.joinpath("tree.js").read_text()
    _css = _HERE.joinpath("tree.css").read_text()

    rows = traitlets.Unicode().tag(sync=True)
    links = traitlets.Bytes().tag(sync=True)
    facts = traitlets.Unicode().tag(sync=True)
    curves = traitlets.Dict().tag(sync=True)
    store = traitlets.Dict().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    marked = traitlets.List(traitlets.Unicode()).tag(sync=True)
    snippet = traitlets.Unicode().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    busy = traitlets.List(traitlets.Unicode()).tag(sync=True)
    height = traitlets.Int(420, min=80).tag(sync=True)
    """Pixels that the rows may take before they scroll."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self._workspace = explorer.workspace
        self._tree_revision = -1
        self._laid_out = Rows(self._workspace.state.buckets)
        self._curves_of: dict[str, tuple[Curve, list[object]]] = {}
        self.results = ipywidgets.VBox()
        self._whole = ipywidgets.VBox([self, self.results])
        self._live = Live(self._paint)
        self._actions = Actions(explorer, self)
        self._facts = PackedFacts()
        self._in_view: tuple[Node, ...] = ()
        self.on_msg(self._heard)
        self._paint()
        explorer.backstage.follow(self._live)
        self._unsubscribe = self._workspace.subscribe(self._live.mark)

    @property
    def node(self) -> BoundNode | None:
        """The selected node; None when nothing is selected or it has gone."""
        return self._explorer[self.selected] if self.selected else None

    @property
    def address(self) -> str:
        """The selected node as people write it (`bucket@name`), fit for `ex[…]`; empty when there is none."""
        node = self.node
        return node.address if node is not None else ""

    def select(self, place: object) -> None:
        """Select a node, given as anything that `ex[…]` takes."""
        self.selected = self._explorer.node(place).address

    def pump(self) -> None:
        """Paint now what has changed; a blocking call in a cell uses it to keep the page moving."""
        self._live.pump()

    def later(self, call: Callable[[], None]) -> None:
        """Run `call` on the kernel's loop, where widgets are made; its failure is said below the tree."""

        def told() -> None:
            try:
                call()
            except Exception as error:
                self.say("error", f"{type(error).__name__}: {error}", OURS)

        self._explorer.backstage.later(told)

    def show(self, widget: ipywidgets.Widget) -> None:
        """Put a result under the tree, in place of the one before."""
        close = ipywidgets.Button(icon="times", tooltip="Close", layout={"width": "32px"})
        close.on_click(lambda _: setattr(self.results, "children", ()))
        row = ipywidgets.HBox([widget, close])
        row.layout.align_items = "flex-start"
        widget.layout.flex = "1 1 auto"
        widget.layout.min_width = "0"
        self.results.children = (row,)

    def rest(self) -> None:
        """Follow the store no more; what was seen last stays on the page, its buttons off."""
        self._unsubscribe()
        self._live.close()
        self._explorer.backstage.unfollow(self._live)
        self.store = {**self.store, "closed": True}

    def close(self) -> None:
        """Take it off the page."""
        self.rest()
        self._whole.close()
        self.results.close()
        super().close()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget, and what is seen where widgets do not run: GitHub, nbconvert, a terminal."""
        state = self._workspace.state
        rows = self._current_rows()
        view = {"version_major": 2, "version_minor": 0, "model_id": self._whole.model_id}
        data = {
            VIEW: view,
            "text/html": static.as_html(state, rows),
            "text/plain": static.as_text(state, rows),
        }
        return data, {}

    def __repr__(self) -> str:
        return f"<LineageTree {static.title(self._workspace.state)}>"

    @traitlets.validate("selected")
    def _one_address(self, proposal: Mapping[str, Any]) -> str:
        """`bucket@name` becomes the address that the rows carry; what does not exist is refused."""
        wanted: str = proposal["value"]
        return self._workspace.resolve(wanted).address if wanted else ""

    @traitlets.observe("selected")
    def _chosen(self, _change: object) -> None:
        try:
            node = self._workspace.resolve(self.selected) if self.selected else None
        except ExplorerError:
            node = None
        if node is not None:
            self._workspace.focus(node)
        self.snippet = self._explorer.snippet(node) if node is not None else ""

    @traitlets.observe("marked")
    def _someone_marks(self, _change: object) -> None:
        preload(self._explorer)  # what is marked is going to be compared

    def _paint(self) -> None:
        state = self._workspace.state
        with self.hold_sync():
            rows = self._current_rows()
            if state.tree_revision != self._tree_revision:
                self._tree_revision = state.tree_revision
                self.rows, self.links = pack_rows(state, rows), pack_links(rows)
            self.facts = self._facts.pack(state, rows)
            self.curves = self._packed_curves()
            failure = state.failures.get(None)
            self.store = {
                "label": state.store.label,
                "endpoint": state.store.endpoint,
                "snapshots": state.store.snapshots,
                "stale": state.stale,
                "failed": failure is not None,
            }
            if failure is not None:
                self.say("error", failure.message, failure.hint)
            alive = {node.address for node in rows}
            if not set(self.marked) <= alive:
                self.marked = [address for address in self.marked if address in alive]
            if self.selected and self.selected not in alive:
                self.selected = ""

        # heads move: what is in view is wished for again; without a page that tells, it is the newest rows
        self._workspace.want(self._in_view or tuple(islice(rows, static.MOST)))

    def say(self, kind: str, text: str, hint: str = "") -> None:
        """One line under the tree: `kind` is `ok`, `info` or `error`."""
        self.notice = {"kind": kind, "text": text, "hint": hint}

    def _current_rows(self) -> Rows:
        state = self._workspace.state
        if state.tree_revision != self._tree_revision:
            self._laid_out = Rows(state.buckets, self._laid_out)
        return self._laid_out

    def _packed_curves(self) -> dict[str, list[object]]:
        for name, curve in self._workspace.state.curves.items():
            known = self._curves_of.get(name)
            if known is None or known[0] is not curve:
                self._curves_of[name] = (curve, pack_curve(curve))
        return {name: self._curves_of[name][1] for name in self._workspace.state.curves}

    def _heard(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        """What the page says. It is not trusted: anything may be in it."""
        kind = None if self.store.get("closed") else content.get("type")
        if kind == "see":
            self._in_view = self._nodes(content.get("nodes"))
            self._workspace.want(self._in_view)
        elif kind == "act":
            self._actions.start(
                str(content.get("verb")),
                self._nodes([content.get("node")]),
                self._nodes(content.get("marked")),
                str(content.get("changes") or ""),
            )

    def _nodes(self, addresses: object) -> tuple[Node, ...]:
        found: list[Node] = []
        for address in addresses if isinstance(addresses, list) else ():
            try:
                found.append(self._workspace.resolve(str(address)))
            except (ExplorerError, BadInput):
                continue
        return tuple(found)
