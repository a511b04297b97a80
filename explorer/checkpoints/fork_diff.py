"""A fork against its parent, twice: what the fork changed, and what the parent has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.checkpoints.diffs import Diff, Side, diff
from explorer.checkpoints.sections import show_value
from explorer.checkpoints.value_changes import Change
from explorer.checkpoints.values import plain


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """Both diffs start at the snapshot that the fork was made from."""

    fork: Diff
    parent: Diff

    @property
    def both(self) -> tuple[tuple[Change, Change], ...]:
        """What both sides changed, and to different values: (the fork's change, the parent's)."""
        found = []
        for ours, theirs in ((self.fork.config, self.parent.config), (self.fork.state, self.parent.state)):
            others = {change.path: change for change in theirs}
            found += [(c, others[c.path]) for c in ours if c.path in others and others[c.path].b != c.b]
        return tuple(found)

    @property
    def summary(self) -> str:
        lines = [
            f"the fork since the fork point:\n{self.fork.summary}",
            f"its parent since then:\n{self.parent.summary}",
        ]
        if self.both:
            told = ", ".join(
                f"{ours.path} {show_value(ours.b, 30)} in the fork, {show_value(theirs.b, 30)} in the parent"
                for ours, theirs in self.both[:8]
            )
            lines.append(f"changed by both: {told}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return {
            "fork": self.fork.to_json(),
            "parent": self.parent.to_json(),
            "both": [
                {"path": ours.path, "base": plain(ours.a), "fork": plain(ours.b), "parent": plain(theirs.b)}
                for ours, theirs in self.both
            ],
        }


def three_way(base: Side, fork: Side, parent: Side) -> ThreeWay:
    """Compare a fork and its parent's head with the snapshot between them. Pure; nothing is read."""
    return ThreeWay(diff(base, fork), diff(base, parent))
