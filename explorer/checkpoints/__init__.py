"""What bytes mean: which keys are one checkpoint, what its metadata says, what differs between two. Pure.

Readers are generators: they yield the ranges they need, a wave at a time, and are sent the bytes.
Names are resolved when they are first asked for: a screen that only finds checkpoints loads no reader.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.folding import Row
from explorer.checkpoints.heads import kind_of
from explorer.checkpoints.layout import choose, doubtful, find_checkpoints
from explorer.checkpoints.printable import exportable, printable
from explorer.checkpoints.sections import Section
from explorer.checkpoints.value_changes import Change
from explorer.checkpoints.values import Checkpoint, Cost, Manifest, Part, Tensor

if TYPE_CHECKING:
    from explorer.checkpoints.diffs import Diff, Side, diff
    from explorer.checkpoints.finding import Discovered, discover
    from explorer.checkpoints.fork_diff import ThreeWay, three_way
    from explorer.checkpoints.keeping import part_from_json, part_to_json
    from explorer.checkpoints.metric_points import MetricPair, Point
    from explorer.checkpoints.portrait import manifest_sections
    from explorer.checkpoints.reading import assemble, read_manifest, read_parts, unread
    from explorer.checkpoints.registry import READER_VERSION, tasks
    from explorer.checkpoints.waves import Reading, drive

__all__ = [
    "READER_VERSION", "Change", "Checkpoint", "Cost", "Diff", "Discovered", "Manifest", "MetricPair",
    "Part", "Point", "Reading", "Row", "Section", "Side", "Tensor", "ThreeWay", "assemble", "choose",
    "diff", "discover", "doubtful", "drive", "exportable", "find_checkpoints", "kind_of",
    "manifest_sections", "part_from_json", "part_to_json", "printable", "read_manifest", "read_parts",
    "tasks", "three_way", "unread",
]  # fmt: skip

_LATER = {
    name: module
    for module, names in {
        "diffs": ("Diff", "Side", "diff"),
        "finding": ("Discovered", "discover"),
        "metric_points": ("MetricPair", "Point"),
        "fork_diff": ("ThreeWay", "three_way"),
        "keeping": ("part_from_json", "part_to_json"),
        "portrait": ("manifest_sections",),
        "reading": ("assemble", "read_manifest", "read_parts", "unread"),
        "registry": ("READER_VERSION", "tasks"),
        "waves": ("Reading", "drive"),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
