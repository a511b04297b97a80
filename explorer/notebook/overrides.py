"""What a fork changes, as typed: keyword arguments, or `lr=3e-5 seed=7` in a text box, checked for slips."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from explorer.errors import BadInput
from explorer.lineage.values import Overrides, Scalar, parse_scalar

_ARGUMENTS = ("name", "template", "metric", "overrides")


class UnknownOverride(BadInput, TypeError):
    """A keyword that is neither an argument nor anything this checkpoint's training knows."""


def check(given: Mapping[str, object], known: Collection[str]) -> Overrides:
    """Keyword arguments as overrides. `known` names what the node's configuration has; empty means anything.

    Raises:
        UnknownOverride: a name that nothing knows: a slip would train for a week without its change.
        BadInput: a value that is not a number, a text, true, false or None.
    """
    for name in given:
        if known and name not in known:
            raise UnknownOverride(
                f"`{name}` is neither an argument nor in the configuration of this checkpoint.",
                hint=_hint(name, known),
            )
    return tuple((name, scalar(name, value)) for name, value in given.items())


def scalar(name: str, value: object) -> Scalar:
    """A value as JSON can say it; numpy's numbers become Python's."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 1) == 0:
        return scalar(name, item())
    raise BadInput(
        f"`{name}` cannot be a {type(value).__name__}.",
        hint="a fork changes single values; `ex.sweep(node, lr=[1e-4, 3e-5])` makes one fork per value",
    )


def parse(text: str) -> dict[str, Scalar]:
    """`lr=3e-5 seed=7` as a mapping.

    Raises:
        BadInput: a part without `=`, or a quote that does not close.
    """
    try:
        parts = shlex.split(text.replace(",", " "))
    except ValueError as error:
        raise BadInput(f"`{text}` cannot be read: {error}.", hint="write `lr=3e-5 seed=7`") from error
    told: dict[str, Scalar] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign or not name:
            raise BadInput(f"`{part}` is not a change.", hint="write `lr=3e-5 seed=7`")
        told[name] = parse_scalar(value)
    return told


def names_in(*sources: Iterable[str]) -> frozenset[str]:
    """Dotted paths and their last parts: `optimizer.lr` may be called `lr`."""
    paths = {path for source in sources for path in source}
    return frozenset(paths | {path.rpartition(".")[2] for path in paths})


def _hint(name: str, known: Collection[str]) -> str:
    plain = [k for k in known if "." not in k]
    close = get_close_matches(name, [*plain, *_ARGUMENTS], n=3, cutoff=0.5)
    meant = f"it has {_few(plain)}."
    if close:
        meant = "did you mean " + " or ".join(f"`{c}`" for c in close) + "?"
    return f"{meant} What is new on purpose goes in overrides={{{name!r}: …}}"


def _few(names: Collection[str]) -> str:
    shown = sorted(names)[:8]
    return ", ".join(f"`{n}`" for n in shown) + (" …" if len(names) > len(shown) else "")
