"""Hyperparameters of compared nodes: which are known, which differ, which curves share a value of one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.errors import BadInput, nearest
from explorer.lineage.values import Overrides, Scalar, show_scalar

if TYPE_CHECKING:
    from explorer.metrics.comparison import Comparison
    from explorer.metrics.stitch import Branch

MOST = 1000
_DEEPEST = 8
# where a run wrote and what it was called tells nothing of how it trained
_NOT_TOLD_APART_BY = re.compile(
    r"(?:^|[._])(?:output_dir|logging_dir|log_dir|save_dir|run_name|run_id|hostname|host|pid|time|date|timestamp"
    r"|started_at|path|cwd)$",
    re.IGNORECASE,
)


def flattened(*told: Any) -> Overrides:
    """Nested mappings as dotted names with plain values, later ones over earlier; the rest is left out."""
    found: dict[str, Scalar] = {}
    for mapping in told:
        for name, value in _flat(mapping, "", 0):
            if name in found or len(found) < MOST:
                found[name] = value
    return tuple(found.items())


def _flat(told: Any, prefix: str, depth: int) -> Iterator[tuple[str, Scalar]]:
    if not isinstance(told, Mapping) or depth > _DEEPEST:
        return
    for key, value in told.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.", depth + 1)
        elif value is None or isinstance(value, (str, int, float, bool)):
            yield name, value


def effective(lineage: Sequence[Branch], overrides: Mapping[str, Overrides]) -> Overrides:
    """What a lineage (root first) trained with: each bucket's configuration, and what its fork changed."""
    found: dict[str, Scalar] = {}
    for branch in lineage:
        for attempt in sorted(branch.attempts, key=lambda a: a.order):
            found.update(attempt.config)
        found.update(overrides.get(branch.node.bucket, ()))
    return tuple(found.items())


def differing_names(several: Sequence[Overrides]) -> tuple[str, ...]:
    """The names whose values are not the same in all, in the order in which they first appear.

    Names of folders, runs, hosts and times are left out: they differ always.
    """
    told = [dict(one) for one in several]
    names = dict.fromkeys(name for one in told for name in one)
    return tuple(
        name
        for name in names
        if not _NOT_TOLD_APART_BY.search(name)
        and len({_identity(one[name]) if name in one else None for one in told}) > 1
    )


@dataclass(frozen=True, slots=True)
class Group:
    """The curves of a comparison that share one value of a hyperparameter."""

    value: Scalar
    """None also where it is not known."""
    label: str
    curves: tuple[int, ...]
    """Which ones, as indices into `comparison.nodes`."""
    place: float
    """Where the value lies between the lowest (0) and the highest (1), for a scale of colours."""


def group_by(comparison: Comparison, name: str) -> tuple[Group, ...]:
    """The curves by their value of one hyperparameter: numbers rising, then text, then those without it.

    Numbers that span more than a factor of ten are placed by their logarithms.

    Raises:
        BadInput: none of the nodes has a hyperparameter of that name.
    """
    told = [dict(curve.hyperparameters or curve.overrides) for curve in comparison.nodes]
    known = {n for one in told for n in one}
    if name not in known:
        some = ", ".join(sorted(known)[:8]) or "none is known of these nodes"
        raise BadInput(
            f"None of these nodes has the hyperparameter `{name}`.",
            hint=nearest(name, known, f"there is: {some}"),
        )
    found: dict[tuple[int, float, str], list[int]] = {}
    for i, one in enumerate(told):
        found.setdefault(_identity(one.get(name)), []).append(i)
    ordered = sorted(found)
    places = _places(ordered)
    groups = []
    for identity in ordered:
        value = told[found[identity][0]].get(name)
        label = f"no {name}" if value is None else f"{name} {show_scalar(value)}"
        groups.append(Group(value, label, tuple(found[identity]), places[identity]))
    return tuple(groups)


def colour_by(comparison: Comparison, name: str) -> tuple[int, ...]:
    """For each curve the number of its group in `group_by`: curves with one number share a colour.

    Raises:
        BadInput: none of the nodes has a hyperparameter of that name.
    """
    numbers = [0] * len(comparison.nodes)
    for number, group in enumerate(group_by(comparison, name)):
        for curve in group.curves:
            numbers[curve] = number
    return tuple(numbers)


def _identity(value: Scalar) -> tuple[int, float, str]:
    """Equal for equal values (1 and 1.0 are), and sorts as groups stand."""
    if value is None:
        return 3, 0.0, ""
    if isinstance(value, bool):
        return 1, float(value), ""
    if isinstance(value, (int, float)) and abs(value) < 1e300:
        return 0, float(value), ""
    return 2, 0.0, str(value)


def _places(ordered: Sequence[tuple[int, float, str]]) -> dict[tuple[int, float, str], float]:
    numbers = [identity[1] for identity in ordered if identity[0] == 0]
    if len(numbers) < len(ordered) or len(numbers) < 2:
        most = max(len(ordered) - 1, 1)
        return {identity: i / most for i, identity in enumerate(ordered)}
    low, high = numbers[0], numbers[-1]
    if low > 0 and high > 10 * low:
        width = math.log(high / low)
        return {identity: math.log(identity[1] / low) / width for identity in ordered}
    return {identity: (identity[1] - low) / (high - low) for identity in ordered}
