"""How a comparison is looked at: what its controls show and what code can set, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from explorer.errors import BadInput, nearest

MOST_METRICS = 6
READ_ANEW = frozenset({"metric", "x", "smoothing", "baseline"})
"""What the comparison itself is made with; everything else is only painted."""


@dataclass(frozen=True, slots=True)
class Look:
    """Each field is a setting of the view and an argument of `ex.compare`."""

    metric: tuple[str, ...] = ()
    """One panel each; empty: the validation loss, or what comes nearest to it."""
    x: str = "step"
    smoothing: float = 0.0
    """The weight of TensorBoard's slider, from 0 to below 1."""
    after_fork: bool = True
    """Look at what is behind the first fork, where curves begin to differ."""
    log_x: bool = False
    log_y: bool = False
    delta: bool = False
    """Show differences to the baseline instead of values."""
    baseline: str = "parent"
    """`parent`, or the address of one node that all are compared with."""
    colour_by: str = ""
    """A hyperparameter: curves with the same value have the same colour."""
    group_by: str = ""
    """A hyperparameter: curves with the same value are drawn as their mean and a band of one deviation."""
    lost: bool = False
    """Show what was trained and then done again by a later attempt."""
    filter: str = ""
    """`val_loss<2.05 lr>1e-4 name`: other curves are neither in the table nor in the figure."""
    sort: str = ""
    """A column of the table; with `-` in front the other way round."""
    hidden: frozenset[str] = frozenset()
    """Labels of curves that are not drawn."""


_PLAIN: Mapping[str, type] = {
    "x": str, "after_fork": bool, "log_x": bool, "log_y": bool, "delta": bool,
    "baseline": str, "colour_by": str, "group_by": str, "lost": bool, "filter": str, "sort": str,
}  # fmt: skip


def changed(look: Look, told: Mapping[str, object]) -> Look:
    """A look with other settings.

    Raises:
        BadInput: a setting that there is not, or a value that it cannot have.
    """
    known = [field.name for field in fields(look)]
    for name in told:
        if name not in known:
            raise BadInput(
                f"A comparison has no setting `{name}`.", hint=nearest(name, known, ", ".join(known))
            )
    return replace(look, **{name: _checked(name, value) for name, value in told.items()})


def _checked(name: str, value: object) -> Any:
    if value is None and name not in ("hidden", "metric"):
        return getattr(Look(), name)
    match name:
        case "metric":
            return _metrics(value)
        case "smoothing":
            return _weight(value)
        case "hidden":
            return frozenset(map(str, value)) if isinstance(value, Iterable) else frozenset()
    wanted = _PLAIN[name]
    if wanted is str and not isinstance(value, str) and hasattr(value, "address"):
        return str(value.address)  # a node says its own address
    if not isinstance(value, wanted):
        said = {str: "a text", bool: "True or False"}[wanted]
        raise BadInput(f"`{name}` cannot be {value!r}.", hint=f"it is {said}")
    return value


def _metrics(value: object) -> tuple[str, ...]:
    several = (value,) if isinstance(value, str) else value
    if several is None:
        return ()
    if not isinstance(several, Iterable) or not all(isinstance(name, str) for name in several):
        raise BadInput(f"`metric` cannot be {value!r}.", hint='write metric="loss" or metric=["loss", "acc"]')
    found = tuple(dict.fromkeys(several))
    if len(found) > MOST_METRICS:
        raise BadInput(
            f"{len(found)} metrics are too many for one figure.", hint=f"choose at most {MOST_METRICS}"
        )
    return found


def _weight(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise BadInput(f"{value!r} is no smoothing weight.", hint="a weight is at least 0 and below 1")
    return float(value)


def arguments(look: Look) -> str:
    """The settings that differ from the usual ones, as arguments of `ex.compare`."""
    usual, said = Look(), []
    for field in fields(look):
        value = getattr(look, field.name)
        if value == getattr(usual, field.name):
            continue
        if field.name == "metric":
            value = value[0] if len(value) == 1 else list(value)
        elif field.name == "hidden":
            value = sorted(value)
        said.append(f"{field.name}={value!r}")
    return ", ".join(said)
