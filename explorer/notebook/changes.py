"""What a fork, a sweep or a resume changes, checked against what the checkpoint's training knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from explorer.errors import BadInput, ExplorerError
from explorer.notebook.overrides import check, names_in

if TYPE_CHECKING:
    from explorer.lineage.address import Node
    from explorer.lineage.values import Overrides, Scalar
    from explorer.workspace.workspace import Workspace


def changes_of(
    workspace: Workspace,
    source: Node,
    overrides: Mapping[str, Scalar] | None,
    changes: Mapping[str, object],
) -> Overrides:
    """`changes` must be known to the configuration at `source`; `overrides` is taken as it is.

    Raises:
        UnknownOverride: a change that nothing knows.
        BadInput: a value that is none.
    """
    if overrides is not None and not isinstance(overrides, Mapping):
        raise BadInput("`overrides` is not a mapping.", hint='write overrides={"lr": 3e-5}')
    checked = check(changes, _known(workspace, source) if changes else ())
    return tuple({**dict(check(overrides or {}, ())), **dict(checked)}.items())


def grid_of(
    workspace: Workspace, source: Node, values: Mapping[str, Sequence[object]]
) -> dict[str, list[Scalar]]:
    """The lists of a sweep.

    Raises:
        UnknownOverride: a name that nothing knows.
        BadInput: no list.
    """
    for name, several in values.items():
        if isinstance(several, str) or not isinstance(several, Iterable):
            raise BadInput(f"`{name}` is one value.", hint=f"a sweep needs a list: `{name}=[{several!r}]`")
    lists = {name: list(several) for name, several in values.items()}
    check(dict.fromkeys(lists), _known(workspace, source) if lists else ())
    return {name: [check({name: v}, ())[0][1] for v in several] for name, several in lists.items()}


def _known(workspace: Workspace, source: Node) -> frozenset[str]:
    """Names that a change may have: the checkpoint's configuration and state, and earlier changes."""
    try:
        manifest = workspace.manifest(source)
    except ExplorerError:
        return frozenset()  # nothing to read, so nothing to be wrong against
    if not manifest.config and not manifest.state:
        return frozenset()
    earlier = [name for changed in workspace.state.overrides.values() for name, _ in changed]
    return names_in(manifest.config, manifest.state, earlier)
