"""What loss series mean: readers of metric sources, stitching along the lineage, comparisons. Pure."""

from explorer.metrics.compare import Subject, compare, metric_names
from explorer.metrics.comparison import Best, Comparison, NodeCurve, Tail
from explorer.metrics.thin import sparkline, thin

__all__ = [
    "Best",
    "Comparison",
    "NodeCurve",
    "Subject",
    "Tail",
    "compare",
    "metric_names",
    "sparkline",
    "thin",
]
