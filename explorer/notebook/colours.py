"""The colours of curves: one each, or one for each value of a hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics import group_by

if TYPE_CHECKING:
    from explorer.metrics import Comparison

# middle lightness: each reads on white and on a dark page
PALETTE = (
    "#3584e4", "#e8711a", "#26a269", "#c64fa0", "#8f6ae0",
    "#b58900", "#1c9fb0", "#e0483e", "#7d8a97", "#7f9a2c",
)  # fmt: skip
DASHES = ("solid", "dash", "dot", "dashdot")
# from cold to warm without a step in lightness, told apart also by people who see no red or green
SCALE = ("#2c7be5", "#8a63d2", "#c84b9b", "#e04f4a", "#e58a13")
_GREY = "#7d8a97"


@dataclass(frozen=True, slots=True)
class Ink:
    """How one curve is drawn."""

    colour: str
    dash: str = "solid"


def inks(comparison: Comparison, colour_by: str = "") -> tuple[Ink, ...]:
    """For each curve its colour and dash: no two curves of one look, up to forty.

    Raises:
        BadInput: none of the nodes has the hyperparameter.
    """
    if not colour_by:
        return tuple(
            Ink(PALETTE[i % len(PALETTE)], DASHES[i // len(PALETTE) % len(DASHES)])
            for i in range(len(comparison.nodes))
        )
    found = [Ink(PALETTE[0])] * len(comparison.nodes)
    for group in group_by(comparison, colour_by):
        colour = _GREY if group.value is None else along_scale(group.place)
        for number, curve in enumerate(group.curves):
            found[curve] = Ink(colour, DASHES[number % len(DASHES)])
    return tuple(found)


def along_scale(place: float) -> str:
    """A colour from cold (0) to warm (1)."""
    at = min(max(place, 0.0), 1.0) * (len(SCALE) - 1)
    low = min(int(at), len(SCALE) - 2)
    ends = (parts(SCALE[low]), parts(SCALE[low + 1]))
    mixed = (a + (b - a) * (at - low) for a, b in zip(*ends, strict=True))
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def parts(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
