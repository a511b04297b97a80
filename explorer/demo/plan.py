"""What the demo trains: one base, forks of it that change one thing each, and a fork of a fork."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.lineage.values import Overrides

STEPS = 500
"""Where every branch ends; the training's own default."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One bucket of the story."""

    name: str
    parent: str | None = None
    from_step: int | None = None
    overrides: Overrides = ()


def plan(prefix: str) -> tuple[Branch, ...]:
    """The branches, parents first. Measured val_loss at the end: base 0.54, lr-2e-3 0.49, lr-1e-1 0.64,
    lr-5e-1 0.88 (it fell apart), wd-3e-1 0.48."""
    base, decayed = f"{prefix}-base", f"{prefix}-wd-3e-1"
    return (
        Branch(base),
        Branch(f"{prefix}-lr-2e-3", base, 200, (("lr", 2e-3),)),
        Branch(f"{prefix}-lr-5e-1", base, 200, (("lr", 0.5),)),
        Branch(decayed, base, 200, (("weight_decay", 0.3),)),
        Branch(f"{prefix}-lr-1e-1", base, 300, (("lr", 0.1),)),
        Branch(f"{decayed}-lr-5e-3", decayed, 350, (("lr", 5e-3),)),
    )
