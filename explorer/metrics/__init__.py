"""What loss series mean: readers of metric sources, stitching along the lineage, comparisons. Pure."""

from explorer.metrics.compare import Subject, compare, metric_names
from explorer.metrics.comparison import Best, Comparison, NodeCurve, Tail
from explorer.metrics.filters import Filter, parse_filter
from explorer.metrics.hyperparameters import Group, colour_by, group_by
from explorer.metrics.parting import Parted
from explorer.metrics.pixels import Pixels, Points
from explorer.metrics.table import Row, differing, sort_rows, table, where
from explorer.metrics.thin import sparkline, thin

__all__ = [
    "Best",
    "Comparison",
    "Filter",
    "Group",
    "NodeCurve",
    "Parted",
    "Pixels",
    "Points",
    "Row",
    "Subject",
    "Tail",
    "colour_by",
    "compare",
    "differing",
    "group_by",
    "metric_names",
    "parse_filter",
    "sort_rows",
    "sparkline",
    "table",
    "thin",
    "where",
]
