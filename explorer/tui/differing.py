"""What is under the hands on the diff screen, and why a key does not apply there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.tui.names import shown
from explorer.tui.situation import Situation

if TYPE_CHECKING:
    from explorer.checkpoints import Diff
    from explorer.checkpoints.fork_diff import ThreeWay


@dataclass(frozen=True, slots=True)
class Differing(Situation):
    """The diff that is shown, once it was read; of three places where that was asked for."""

    a: Node | None = None
    b: Node | None = None
    diff: Diff | None = None
    three: ThreeWay | None = None
    is_comparing: bool = False
    """Values are being read."""
    has_results: bool = False


def differing(state: State, a: Node, b: Node, **told: object) -> Differing:
    """The situation of a diff of these nodes."""
    return Differing(state, Rows(Map()), b, a=a, b=b, **told)  # type: ignore[arg-type]


def fork_of(now: Differing) -> Node | None:
    """The side that lies in a fork: b where both do."""
    for node in (now.b, now.a):
        bucket = now.state.buckets.get(node.bucket) if node is not None else None
        if bucket is not None and bucket.parent is not None:
            return node
    return None


def read(now: Situation) -> str | None:
    if isinstance(now, Differing) and now.diff is None and now.three is None:
        return "The diff has not been read yet."
    return None


def two_sided(now: Situation) -> str | None:
    if isinstance(now, Differing) and now.three is not None:
        return "This is about three places: t goes back to two."
    return read(now)


def has_fork(now: Situation) -> str | None:
    if not isinstance(now, Differing) or now.three is not None:
        return None
    if fork_of(now) is None:
        names = " nor ".join(dict.fromkeys(shown(node.bucket) for node in (now.a, now.b) if node is not None))
        return f"Neither {names} is a fork." if " nor " in names else f"{names} is not a fork."
    return read(now)


def comparable(now: Situation) -> str | None:
    why = two_sided(now)
    if why or not isinstance(now, Differing) or now.diff is None:
        return why
    if now.is_comparing:
        return "Values are being compared already: esc stops it."
    if now.diff.a.manifest is None or now.diff.b.manifest is None:
        return "There is not a checkpoint on both sides."
    return None


def compared(now: Situation) -> str | None:
    if isinstance(now, Differing) and not now.has_results:
        return "No values have been compared yet: v does."
    return None
