"""What bytes mean: which keys are one checkpoint, what its metadata says, what differs between two. Pure.

Readers are generators: they yield the ranges they need, a wave at a time, and are sent the bytes.
"""

from explorer.checkpoints.diffs import Diff, Side, diff
from explorer.checkpoints.folding import Row
from explorer.checkpoints.keeping import part_from_json, part_to_json
from explorer.checkpoints.layout import find_checkpoints
from explorer.checkpoints.manifest_sections import manifest_sections
from explorer.checkpoints.printable import exportable, printable
from explorer.checkpoints.reading import assemble, read_manifest, read_parts, unread
from explorer.checkpoints.registry import READER_VERSION, tasks
from explorer.checkpoints.sections import Section, show_bytes
from explorer.checkpoints.three_way import ThreeWay, three_way
from explorer.checkpoints.value_changes import Change
from explorer.checkpoints.values import Checkpoint, Cost, Manifest, Part, Tensor
from explorer.checkpoints.waves import Reading, drive

__all__ = [
    "READER_VERSION", "Change", "Checkpoint", "Cost", "Diff", "Manifest", "Part", "Reading", "Row", "Section",
    "Side", "Tensor", "ThreeWay", "assemble", "diff", "drive", "exportable", "find_checkpoints",
    "manifest_sections", "part_from_json", "part_to_json", "printable", "read_manifest", "read_parts",
    "show_bytes", "tasks", "three_way", "unread",
]  # fmt: skip
