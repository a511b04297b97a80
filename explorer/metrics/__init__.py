"""What loss series mean: readers of metric sources, stitching along the lineage, comparisons. Pure."""

from explorer.metrics.compare import Subject, compare, metric_names
from explorer.metrics.comparison import Best, Comparison, NodeCurve, Tail
from explorer.metrics.parting import Parted
from explorer.metrics.table import Row, differing, sort_rows, table, where
from explorer.metrics.thin import sparkline, thin

__all__ = [
    "Best",
    "Comparison",
    "NodeCurve",
    "Parted",
    "Row",
    "Subject",
    "Tail",
    "compare",
    "differing",
    "metric_names",
    "sort_rows",
    "sparkline",
    "table",
    "thin",
    "where",
]
