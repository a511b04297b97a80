"""Names for forks that nobody had to think of."""

from __future__ import annotations

import re
from collections.abc import Container

from explorer.lineage.values import Overrides, show_scalar

_LONGEST = 63
_TAIL = re.compile(r"-f\d+$")


def propose(source: str, overrides: Overrides, taken: Container[str]) -> str:
    """A free bucket name for a fork: `base-lr-3e-5` where it changes something, else `base-f1`.

    A fork of a fork numbers on from the family's name, so that names do not grow by generation.
    """
    family = _TAIL.sub("", source)
    said = "-".join(f"{_plain(name)}-{_plain(show_scalar(value))}" for name, value in overrides[:3])
    stem = f"{family}-{said}" if said else family
    if said and (short := stem[:_LONGEST].rstrip("-.")) not in taken:
        return short
    number = 1
    while True:
        tail = f"-f{number}"
        name = stem[: _LONGEST - len(tail)].rstrip("-.") + tail
        if name not in taken:
            return name
        number += 1


def _plain(text: str) -> str:
    """What is left of a text in a bucket name's letters."""
    short = text.lower().rsplit(".", 1)[-1] if not re.search(r"\d", text) else text.lower()
    return re.sub(r"[^a-z0-9.]+|\.{2,}", "-", short).strip("-.") or "x"
