"""What a comparison costs in a kernel, and what travels to the page: `python -m tests.bench.notebook.comparison`.

The page gets what a plain plotly figure of all points would hold, thinned: the peer in the same run is that
figure's own JSON, of one curve, times the number of curves.
"""

from __future__ import annotations

import json
import sys
import time
from array import array

import numpy as np
from ipywidgets.widgets.widget import _remove_buffers
from plotly.graph_objects import Figure, FigureWidget
from plotly.serializers import _py_to_js

from explorer.lineage.address import Node
from explorer.metrics.comparison import Comparison, NodeCurve
from explorer.notebook.figure import ComparisonFigure
from explorer.notebook.look import Look


def grown(curves: int, rows: int) -> Comparison:
    """A root and forks of it from the middle."""
    steps = np.arange(rows, dtype=float)
    rng = np.random.default_rng(1)
    root = 2 + 3 * np.exp(-steps / (rows / 5)) + rng.normal(0, 0.05, rows)
    nodes = [column("main", steps, root, 0)]
    half = rows // 2
    for i in range(1, curves):
        own = root.copy()
        own[half:] += i / curves * (1 - np.exp(-(steps[half:] - half) / (rows / 8)))
        nodes.append(column(f"main-lr-{i}", steps, own, half))
    return Comparison("loss", "step", tuple(nodes), metrics=("loss",))


def column(name: str, steps, values, own_at: int) -> NodeCurve:
    x, y = array("d", steps.tobytes()), array("d", values.tobytes())
    fork = x[own_at - 1] if own_at else None
    marks = tuple((x[at], Node(name, str(at))) for at in range(own_at, len(x), len(x) // 20))
    return NodeCurve(Node(name), name, (), x, y, x, own_at, fork, fork, last=y[-1], checkpoints=marks)


def bytes_of(message: object) -> int:
    """JSON and buffers, as ipywidgets sends them."""
    state, _, buffers = _remove_buffers(_py_to_js(message, None))
    return len(json.dumps(state)) + sum(memoryview(b).nbytes for b in buffers)


def best(call, times: int = 5) -> float:
    """Milliseconds of CPU: the machine may be loaded."""
    found = []
    for _ in range(times):
        began = time.process_time()
        call()
        found.append(1000 * (time.process_time() - began))
    return min(found)


def main(curves: int, rows: int) -> None:
    comparison = grown(curves, rows)
    names = frozenset(curve.label for curve in comparison.nodes)
    FigureWidget()  # what plotly imports is not ours
    print(f"{curves} curves of {rows:,} points")
    for title, look in (("plain", Look()), ("smoothed", Look(smoothing=0.9))):
        shown = comparison if not look.smoothing else smoothed(comparison, look.smoothing)
        began = time.process_time()
        drawn = ComparisonFigure([shown], look, names)
        made = 1000 * (time.process_time() - began)
        told = {"_data": drawn.widget._widget_data, "_layout": drawn.widget._widget_layout}
        print(f"{title:>9}: made in {made:7.0f} ms CPU, {bytes_of(told) / 1000:6.0f} kB over the wire")
        sent: list[object] = []
        messages = ["_py2js_update", "_py2js_restyle", "_py2js_relayout"]
        drawn.widget.observe(lambda change, sent=sent: sent.append(change["new"]), messages)
        ends = [(0.3 + i / 100, 0.9 - i / 100) for i in range(8)]
        left = iter(ends * 2)

        def zoom(left=left, drawn=drawn) -> None:
            low, high = next(left)
            drawn.widget.plotly_relayout({"xaxis.range[0]": low * rows, "xaxis.range[1]": high * rows})

        took = best(zoom)
        size = max(bytes_of(message) for message in sent if message)
        print(f"{'':>9}  zoom in {took:7.0f} ms CPU, {size / 1000:6.0f} kB")
        drawn.widget.plotly_relayout({"xaxis.autorange": True})  # a double click
        sent.clear()
        newer = longer(shown)
        took = best(lambda drawn=drawn, newer=newer, look=look: drawn.show([newer], look, names), 1)
        size = sum(bytes_of(message) for message in sent if message)
        print(f"{'':>9}  one run of {curves} logs more: {took:6.0f} ms CPU, {size / 1000:6.0f} kB")
    one = comparison.nodes[0]
    began = time.process_time()
    whole = Figure(
        {"data": [{"type": "scattergl", "x": np.frombuffer(one.x), "y": np.frombuffer(one.values)}]}
    )
    size = len(whole.to_json())
    took = 1000 * (time.process_time() - began)
    print(f"    plotly: all points in {took * curves:6.0f} ms CPU, {size * curves / 1000:6.0f} kB")


def smoothed(comparison: Comparison, weight: float) -> Comparison:
    from dataclasses import replace

    return replace(comparison, nodes=tuple(replace(curve, smoothing=weight) for curve in comparison.nodes))


def longer(comparison: Comparison) -> Comparison:
    """Read again: equal columns in new arrays, and one of them ten rows longer."""
    from dataclasses import replace

    nodes = [replace(c, x=array("d", c.x), values=array("d", c.values)) for c in comparison.nodes]
    last = nodes[-1]
    x = array("d", [*last.x[-1:]])
    more = array("d", [x[0] + i for i in range(1, 11)])
    nodes[-1] = replace(last, x=last.x + more, values=last.values + array("d", [2.0] * 10))
    return replace(comparison, nodes=tuple(nodes))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
