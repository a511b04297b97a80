"""The signs that a chart is drawn with, in Unicode and, for LANG=C, in ASCII."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """One set; every sign is a single cell wide."""

    ascii: bool
    fork: str
    checkpoint: str
    no_number: str
    above: str
    below: str
    cross: str
    here: str
    wall: str
    tick: str
    floor: str
    corner: str
    x_tick: str
    grid: str
    zero: str
    difference: str
    more: str
    between: str
    dash: str

    def said(self, text: str) -> str:
        """Words that came with typographic signs, in this set."""
        return text.translate(_PLAIN) if self.ascii else text


UNICODE = Signs(
    ascii=False,
    fork="◆",
    checkpoint="▴",
    no_number="×",
    above="▲",
    below="▼",
    cross="│",
    here="●",
    wall="│",
    tick="┤",
    floor="─",
    corner="└",
    x_tick="┬",
    grid="┈",
    zero="─",
    difference="Δ",
    more="…",
    between=" · ",
    dash="–",
)
ASCII = Signs(
    ascii=True,
    fork="#",
    checkpoint="^",
    no_number="!",
    above="^",
    below="v",
    cross="|",
    here="@",
    wall="|",
    tick="+",
    floor="-",
    corner="+",
    x_tick="+",
    grid=" ",
    zero="-",
    difference="delta",
    more="~",
    between=", ",
    dash="-",
)
_PLAIN = str.maketrans({"−": "-", "–": "-", "…": "~", "Δ": "d", "·": "-", "±": "~", "→": ">", "▴": "^"})
