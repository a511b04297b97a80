"""The metrics of a node at the step of its checkpoint, stitched along its lineage."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from explorer.lineage.address import Node

if TYPE_CHECKING:
    from explorer.checkpoints import Point
    from explorer.metrics.stitch import Branch

_MOST = 500
"""Metrics of one side; some loggers write one for every layer."""

Lineage = Callable[[Node], "Sequence[Branch]"]
"""What each bucket of a node's lineage logged: `Curves.lineage`."""


def metrics_at(lineage: Sequence[Branch], step: int | None) -> dict[str, Point]:
    """The last value up to and including `step` of every metric, the main one first; None is the very last.

    Metrics that were first logged later are left out. Cost: O(metrics · log rows) and their stitching.
    """
    from explorer.checkpoints import Point
    from explorer.metrics import metric_names
    from explorer.metrics.choose import default_metric
    from explorer.metrics.stitch import chains, stitch

    if not lineage:
        return {}
    names = metric_names([lineage])[:_MOST]
    main = default_metric(names)
    found: dict[str, Point] = {}
    for name in sorted(names, key=lambda name: (name != main, name)):
        series = stitch(chains(lineage)[0], name).series
        at = bisect_right(series.steps, inf if step is None else step) - 1
        if at >= 0:
            found[name] = Point(series.steps[at], series.values[at])
    return found
