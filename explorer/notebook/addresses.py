"""Places written down, and offered while one types: nothing is read for it."""

from __future__ import annotations

from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.state import State

_MOST = 500


def address_of(state: State, node: Node) -> str:
    """`bucket@name` where the name means this very snapshot, else `bucket@version`."""
    label = state.label(node)
    try:
        return label if state.resolve(label) == node else node.address
    except ExplorerError:
        return node.address


def known_addresses(state: State) -> list[str]:
    """Buckets, the newest first, each with its snapshots, the newest first; 500 at most."""
    found: list[str] = []
    for bucket in sorted(state.buckets.values(), key=lambda b: -b.created_ns):
        found.append(bucket.name)
        found.extend(address_of(state, s.node) for s in reversed(bucket.snapshots))
        if len(found) >= _MOST:
            break
    return found[:_MOST]
