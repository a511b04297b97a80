"""A comparison as what to type for it: in a notebook, or in a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from explorer.lineage.address import Node
from explorer.lineage.values import StoreInfo
from explorer.tui.charts.numbers import Sorting
from explorer.tui.charts.view import View
from explorer.tui.typed import cell, command


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared, and how it is looked at."""

    store: StoreInfo
    nodes: Sequence[Node]
    metrics: Sequence[str]
    x: str
    view: View
    baseline: Node | None = None
    filter_text: str = ""
    sorting: Sorting = field(default_factory=Sorting)

    @property
    def python(self) -> str:
        """A cell that shows the same; the last line is the widget."""
        metric: object = self.metrics[0] if len(self.metrics) == 1 else list(self.metrics)
        told = {
            "metric": metric,
            **{name: value for name, (value, usual) in self._look.items() if value != usual},
        }
        arguments = [f"[{', '.join(repr(node.address) for node in self.nodes)}]"]
        arguments += [f"{name}={value!r}" for name, value in told.items()]
        call = "ex.compare(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"
        return cell(self.store, call)

    @property
    def _look(self) -> dict[str, tuple[object, object]]:
        """What the notebook calls each setting, its value, and the one that need not be told."""
        view, sorting = self.view, self.sorting
        sort = f"{'-' if sorting.descending else ''}{sorting.key}" if sorting.key else ""
        return {
            "x": (self.x, "step"),
            "smoothing": (view.weight, 0.0),
            "after_fork": (not view.full, True),
            "log_x": (view.log_x, False),
            "log_y": (view.log_y, False),
            "delta": (view.delta, False),
            "baseline": (self.baseline.address if self.baseline is not None else "parent", "parent"),
            "colour_by": (view.colour_by or "", ""),
            "group_by": ((view.colour_by or "") if view.means else "", ""),
            "lost": (view.tails, False),
            "filter": (self.filter_text, ""),
            "sort": (sort, ""),
            "hidden": (sorted(view.hidden), []),
        }

    @property
    def command(self) -> str:
        """`explorer compare …` with the same settings."""
        argv = [*command(self.store, "compare"), *(node.address for node in self.nodes)]
        argv += [word for metric in self.metrics for word in ("--metric", metric)]
        view, told = self.view, {name: value for name, (value, usual) in self._look.items() if value != usual}
        argv += [
            f"--{name}={told[name]}"
            for name in ("x", "smoothing", "baseline", "filter", "sort")
            if name in told
        ]
        argv += [f"--group-by={view.colour_by}"] if view.colour_by else []
        flags = (
            ("--full", view.full),
            ("--log-x", view.log_x),
            ("--log-y", view.log_y),
            ("--delta", view.delta),
        )
        return shlex.join([*argv, *(flag for flag, wanted in flags if wanted)])
