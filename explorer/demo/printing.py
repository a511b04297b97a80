"""The tree and a comparison as plain text, for people without a screen."""

from __future__ import annotations

import sys
from typing import Any

from explorer.lineage.rows import ASCII, Rows
from explorer.lineage.state import State
from explorer.lineage.values import show_overrides
from explorer.metrics import sparkline

_WIDTH = 24


def show_tree(state: State) -> None:
    """The rows of the screen, newest first, without colour."""
    rows = Rows(state.buckets)
    for index, node in enumerate(rows):
        graph = rows.graph(index)
        graph = graph if _is_utf() else graph.translate(ASCII)
        note = ""
        if node.is_head:
            run = next(iter(state.runs_in(node.bucket)), None)
            words = (show_overrides(state.overrides.get(node.bucket, ())), run.state if run else "")
            note = "  ".join(word for word in words if word)
        print(f"  {graph:<{2 * rows.columns + 1}}{state.label(node):<32} {note}".rstrip())


def show_comparison(told: dict[str, Any]) -> None:
    """One line per curve: its shape, where it left its parent, the last and the best value."""
    for node in told["nodes"]:
        values = [value for _, value in node["points"] if value is not None]
        shape = sparkline(values, _WIDTH) if _is_utf() else ""
        best = node["best"]
        fork = f"from {node['fork_step']:>3.0f}" if node["fork_step"] is not None else "        "
        at = f"best {best['value']:.4f} at {best['x']:.0f}" if best else ""
        print(f"  {node['address']:<26} {fork}  {shape:<{_WIDTH}}  last {node['last']:.4f}  {at}")


def _is_utf() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()
