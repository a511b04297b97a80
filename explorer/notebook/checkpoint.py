"""A checkpoint as a notebook shows it: what its files and headers say, read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from explorer.checkpoints.sections import show_shape, show_value
from explorer.errors import NotFound
from explorer.lineage.address import Node
from explorer.notebook.page import folded, heading, page, table, warnings
from explorer.wording import count, size

if TYPE_CHECKING:
    import pandas as pd

    from explorer.checkpoints import Checkpoint, Manifest
    from explorer.checkpoints.values import Value
    from explorer.notebook.node import BoundNode
    from explorer.workspace.workspace import Workspace

_OPEN_ROWS = 24


class CheckpointView:
    """One checkpoint at one node. The listing gave its names; `manifest` costs a few ranged reads, once."""

    def __init__(self, node: Node, label: str, checkpoint: Checkpoint, read: Callable[[], Manifest]) -> None:
        self.node = node
        self.label = label
        self.checkpoint = checkpoint
        self._read = read

    @cached_property
    def manifest(self) -> Manifest:
        """Tensors, configuration and state from headers alone; no tensor's bytes are read."""
        return self._read()

    @property
    def step(self) -> int | None:
        return self.checkpoint.step

    @property
    def prefix(self) -> str:
        return self.checkpoint.prefix

    @property
    def format(self) -> str:
        return self.checkpoint.format

    @property
    def size_bytes(self) -> int:
        return self.checkpoint.size_bytes

    @property
    def parameters(self) -> int:
        """Elements of the model's tensors; tied weights count once. Reads the manifest."""
        return self.manifest.parameters

    @property
    def config(self) -> Mapping[str, Value]:
        """Declared configuration by dotted path. Reads the manifest."""
        return self.manifest.config

    @property
    def state(self) -> Mapping[str, Value]:
        """Training state by dotted path: step, tokens, what the optimizer really uses. Reads the manifest."""
        return self.manifest.state

    @property
    def title(self) -> str:
        return f"{self.label} · {self.checkpoint.prefix or '(root)'}"

    def to_frame(self) -> pd.DataFrame:
        """A row per tensor: name, dtype, shape, parameters, bytes, part, file. Reads the manifest."""
        import pandas

        rows = [
            (t.name, t.dtype, t.shape, t.elements, t.size_bytes, t.part, t.file)
            for t in self.manifest.tensors
        ]
        return pandas.DataFrame(
            rows, columns=["name", "dtype", "shape", "parameters", "bytes", "part", "file"]
        )

    def __repr__(self) -> str:
        step = "" if self.step is None else f", step {self.step}"
        return f"<checkpoint {self.title}: {self.format}{step}, {size(self.size_bytes)}>"

    def _repr_html_(self) -> str:
        told = self.manifest
        facts = f"{told.checkpoint.format} · {count(told.parameters, 'parameter')} · {size(self.size_bytes)}"
        tensors = [(t.name, show_shape(t), t.elements, t.part, t.file) for t in told.tensors]
        return page(
            heading(self.title, facts),
            warnings((*told.damaged, *(f"missing: {name}" for name in told.missing), *told.warnings)),
            _values("config", told.config),
            _values("state", told.state),
            folded(
                "tensors",
                table(("name", "dtype and shape", "parameters", "part", "file"), tensors, numbers=(2,)),
                count(len(tensors), "tensor"),
                opened=len(tensors) <= _OPEN_ROWS,
            ),
        )


def _values(title: str, values: Mapping[str, Value]) -> str:
    rows = [(path, show_value(value, 100)) for path, value in values.items()]
    return folded(
        title, table(("path", "value"), rows), count(len(rows), "value"), opened=len(rows) <= _OPEN_ROWS
    )


def checkpoints_at(workspace: Workspace, place: BoundNode) -> tuple[CheckpointView, ...]:
    """The checkpoints at a node, newest first: one listing, if it is not known yet."""

    def view(found: Checkpoint) -> CheckpointView:
        return CheckpointView(
            place.node, place.address, found, lambda: workspace.manifest(place.node, found.step)
        )

    return tuple(map(view, workspace.checkpoints(place.node)))


def checkpoint_at(workspace: Workspace, place: BoundNode, step: int | None) -> CheckpointView:
    """The newest checkpoint at a node, or that of a step.

    Raises:
        NotFound: there is none.
    """
    found = checkpoints_at(workspace, place)
    for view in found:
        if step is None or view.step == step:
            return view
    steps = ", ".join(str(view.step) for view in found[:8] if view.step is not None)
    said = f"`{place}` has no checkpoint" + (f" of step {step}." if step is not None else ".")
    raise NotFound(said, hint=f"there is: {steps}" if steps else "its training saved none")
