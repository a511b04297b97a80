"""Optimizer states as `Optimizer.state_dict()` gives them: settings by group, and what kind it must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.checkpoints.inert import as_mapping, plain_tree
from explorer.checkpoints.jsons import flatten
from explorer.checkpoints.values import Value

_MAX_GROUPS = 16


def is_optimizer_state(value: Any) -> bool:
    entries = as_mapping(value)
    return entries is not None and "param_groups" in entries and "state" in entries


def optimizer_values(value: Any, label: str) -> dict[str, Value]:
    """`optimizer.param_groups.0.lr` and the like, `optimizer.type`, and how many parameters have a state."""
    entries = as_mapping(value) or {}
    groups = entries["param_groups"]
    state = as_mapping(entries["state"]) or {}
    found: dict[str, Value] = {}
    first: Mapping[Any, Any] = {}
    for index, group in enumerate(groups[:_MAX_GROUPS] if isinstance(groups, list) else ()):
        settings = {key: inner for key, inner in (as_mapping(group) or {}).items() if key != "params"}
        first = first or settings
        found |= flatten(plain_tree(settings, 500), f"{label}.param_groups.{index}")
    kind = kind_of(state, first)
    if kind:
        found[f"{label}.type"] = kind
    if state:
        found[f"{label}.states"] = len(state)
    return found


def kind_of(state: Mapping[Any, Any], settings: Mapping[Any, Any]) -> str | None:
    """The family that the names of the kept moments give away; the class itself is not in the file."""
    slots: set[Any] = set()
    for inner in list(state.values())[:8]:
        slots |= set(as_mapping(inner) or ())
    if {"exp_avg", "exp_avg_sq"} <= slots:
        if settings.get("decoupled_weight_decay") is True:
            return "AdamW"
        return "Adam (or AdamW)"
    if slots & {"exp_avg_sq_row", "exp_avg_sq_col", "row_var", "col_var"}:  # of transformers, of torch
        return "Adafactor"
    if "exp_avg" in slots:
        return "Lion or the like"
    if "square_avg" in slots:
        return "RMSprop"
    if "momentum_buffer" in slots or "momentum" in settings:
        return "SGD"
    return "Adagrad" if "sum" in slots else None
