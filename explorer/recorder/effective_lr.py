"""A learning rate that a fork declares, made to act: a restored optimizer and scheduler carry the old one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("explorer.recorder")

LR_NAMES = ("learning_rate", "lr")


def apply_lr(declared: float, optimizers: Iterable[Any], schedulers: Iterable[Any]) -> bool:
    """Scale restored optimizers and schedulers of torch from their own base rate to `declared`.

    Where the schedule stands stays: a cosine that was at 40 % of its old base goes on at 40 % of the new one.
    True where anything was changed. Groups with different base rates are left alone, with a warning: nobody
    can know which of them was meant.
    """
    optimizers = [_inner(optimizer, "optimizer") for optimizer in optimizers]
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    bases = {float(group.get("initial_lr", group["lr"])) for group in groups}
    if not groups or bases == {declared}:
        return False
    if len(bases) > 1 or not min(bases) > 0:
        log.warning("the learning rate %g is not applied: the groups start at %s", declared, sorted(bases))
        return False
    ratio = declared / bases.pop()
    for group in groups:
        for name in ("lr", "initial_lr", "max_lr", "min_lr"):
            if isinstance(group.get(name), int | float):
                group[name] *= ratio
    for scheduler in (_inner(scheduler, "scheduler") for scheduler in schedulers):
        for name in ("base_lrs", "_last_lr", "max_lrs"):
            if isinstance(rates := getattr(scheduler, name, None), list):
                setattr(scheduler, name, [rate * ratio for rate in rates])
    log.info("the learning rate is %g now, as declared; the checkpoint had another", declared)
    return True


def _inner(wrapped: Any, name: str) -> Any:
    """accelerate wraps optimizers and schedulers; their rates are on what is inside."""
    return getattr(wrapped, name, wrapped) if type(wrapped).__module__.startswith("accelerate") else wrapped
