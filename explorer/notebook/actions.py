"""What the tree's buttons do: a verb runs in a worker, its result becomes widgets on the kernel's loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML

from explorer.errors import BadInput, ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.values import show_overrides
from explorer.notebook.overrides import parse
from explorer.wording import count

if TYPE_CHECKING:
    from explorer.notebook.comparison import ComparisonView
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.tree import LineageTree

Verb = Callable[[Node | None, Sequence[Node], str], None]


class Actions:
    """One verb at a time of each kind; a failure is one line under the tree, never a traceback."""

    def __init__(self, explorer: Explorer, tree: LineageTree) -> None:
        self._explorer = explorer
        self._tree = tree
        self._compared: ComparisonView | None = None
        self._verbs: dict[str, Verb] = {
            "fork": self._fork,
            "resume": self._resume,
            "diff": self._diff,
            "compare": self._compare,
            "prefetch": self._prefetch,
            "snapshot": self._snapshot,
            "show": self._show,
            "undo": self._undo,
        }

    def start(self, verb: str, nodes: Sequence[Node], marked: Sequence[Node], changes: str) -> None:
        """Returns at once; the button shows that it is at work."""
        if verb not in self._verbs or verb in self._tree.busy:
            return
        self._tree.notice = {}
        self._tree.busy = [*self._tree.busy, verb]
        self._explorer.backstage.submit(
            lambda: self._work(verb, nodes[0] if nodes else None, marked, changes)
        )

    def _work(self, verb: str, node: Node | None, marked: Sequence[Node], changes: str) -> None:
        tree = self._tree
        try:
            self._verbs[verb](node, marked, changes)
        except ExplorerError as error:
            said, hint = str(error), error.hint
            tree.later(lambda: tree.say("error", said, hint))
        except Exception as error:  # a thread's traceback would land in an unrelated cell
            said = f"{type(error).__name__}: {error}"
            tree.later(lambda: tree.say("error", said, "this is a mistake of ours; please report it"))
        finally:
            tree.later(lambda: self._ended(verb))

    def _ended(self, verb: str) -> None:
        self._tree.pump()
        self._tree.busy = [v for v in self._tree.busy if v != verb]

    def _fork(self, node: Node | None, _marked: Sequence[Node], changes: str) -> None:
        source = self._explorer.node(_chosen(node))
        told: dict[str, Any] = parse(changes)
        fork = source.fork(**told)
        self._said(
            f"Forked {source.address} as {fork.address}.", show_overrides(tuple(told.items())), fork.node
        )
        self._explain(source.node, ".fork(" + _arguments(told) + ")")

    def _resume(self, node: Node | None, _marked: Sequence[Node], changes: str) -> None:
        source = self._explorer.node(_chosen(node))
        told: dict[str, Any] = parse(changes)
        run = source.resume(**told)
        self._said(f"Run {run.id} started in {run.node.address}.", "", run.node.node)
        self._explain(source.node, ".resume(" + _arguments(told) + ")")
        self._tree.later(lambda: self._tree.show(run.widget()))

    def _snapshot(self, node: Node | None, _marked: Sequence[Node], _changes: str) -> None:
        taken = self._explorer.snapshot(_chosen(node).bucket)
        self._said(f"Took snapshot {taken.address}.", "", taken.node)

    def _undo(self, _node: Node | None, _marked: Sequence[Node], _changes: str) -> None:
        self._said(f"Took back: {self._explorer.undo()}.", "")

    def _prefetch(self, node: Node | None, marked: Sequence[Node], _changes: str) -> None:
        wanted = marked or (_chosen(node),)
        for each in wanted:
            self._explorer.prefetch(each)
        self._said(f"Reading {count(len(wanted), 'checkpoint')} onto this disk.", "")

    def _diff(self, node: Node | None, marked: Sequence[Node], _changes: str) -> None:
        a, b = self._pair(_chosen(node), marked)
        found = self._explorer.diff(a, b)
        self._explain(a, f".diff({self._explorer.node(b).address!r})")
        self._tree.later(lambda: self._tree.show(HTML(found._repr_html_())))

    def _compare(self, node: Node | None, marked: Sequence[Node], _changes: str) -> None:
        nodes = marked if len(marked) > 1 else self._pair(_chosen(node), marked)
        found = self._explorer.compare(nodes)

        def show() -> None:
            self._tree.snippet = found.snippet
            self._tree.show(found.widget())
            if self._compared is not None:
                self._compared.close()  # a figure weighs 5 MB, and this one has left the page
            self._compared = found

        self._tree.later(show)

    def _show(self, node: Node | None, _marked: Sequence[Node], _changes: str) -> None:
        chosen = self._explorer.node(_chosen(node))
        found = chosen.checkpoint()
        self._explain(chosen.node, ".checkpoint()")
        self._tree.later(lambda: self._tree.show(HTML(found._repr_html_())))

    def _pair(self, node: Node, marked: Sequence[Node]) -> tuple[Node, Node]:
        """The two marked nodes, the marked and the selected one, or the selected one's parent and itself."""
        if len(marked) == 2:
            return marked[0], marked[1]
        if len(marked) > 2:
            raise BadInput(
                f"{len(marked)} nodes are marked.", hint="a difference needs two; unmark some with space"
            )
        if len(marked) == 1 and marked[0] != node:
            return marked[0], node
        parent = self._explorer.node(node).parent
        if parent is None:
            raise BadInput(f"`{node.bucket}` has nothing before it.", hint="mark a second node with space")
        return parent.node, node

    def _said(self, text: str, hint: str, select: Node | None = None) -> None:
        def now() -> None:
            self._tree.pump()
            self._tree.say("ok", text, hint)
            if select is not None:
                self._tree.selected = select.address

        self._tree.later(now)

    def _explain(self, node: Node, call: str) -> None:
        snippet = self._explorer.snippet(node) + call
        self._tree.later(lambda: setattr(self._tree, "snippet", snippet))


def _chosen(node: Node | None) -> Node:
    if node is None:
        raise BadInput("Nothing is selected.", hint="click a row, or move to one with j and k")
    return node


def _arguments(told: dict[str, Any]) -> str:
    if all(name.isidentifier() for name in told):
        return ", ".join(f"{name}={value!r}" for name, value in told.items())
    return f"**{dict(told)!r}"
