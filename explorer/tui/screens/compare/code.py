"""A comparison as what to type for it: in a notebook, or in a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.lineage.address import Node
from explorer.lineage.values import StoreInfo
from explorer.tui.charts.view import View


@dataclass(frozen=True, slots=True)
class Asked:
    """What was compared, and how."""

    store: StoreInfo
    nodes: Sequence[Node]
    metrics: Sequence[str]
    x: str
    view: View
    baseline: Node | None = None

    @property
    def python(self) -> str:
        """A cell that shows the same; the last line is the widget."""
        opened = "explorer.open()" if self.store.is_local else f"explorer.open({self.store.endpoint!r})"
        nodes = ", ".join(repr(node.address) for node in self.nodes)
        views = [f"ex.compare([{nodes}], metric={metric!r})" for metric in self.metrics]
        lines = ["import explorer", "", f"ex = {opened}"]
        if len(views) == 1:
            return "\n".join([*lines, f"view = {views[0]}", "view"]) + "\n"
        shown = ",\n    ".join(views)
        return "\n".join([*lines, "from IPython.display import display", f"display(\n    {shown},\n)"]) + "\n"

    @property
    def command(self) -> str:
        """`explorer compare …`, of the first metric."""
        argv = ["explorer"]
        if not self.store.is_local:
            argv += ["--endpoint", self.store.endpoint]
        argv += ["compare", *(node.address for node in self.nodes), "--metric", self.metrics[0]]
        view = self.view
        told = (("--x", self.x, self.x != "step"), ("--smooth", f"{view.weight:g}", bool(view.weight)))
        argv += [word for flag, value, wanted in told if wanted for word in (flag, value)]
        flags = (("--full", view.full), ("--log", view.log_y), ("--delta", view.delta))
        return shlex.join([*argv, *(flag for flag, wanted in flags if wanted)])
