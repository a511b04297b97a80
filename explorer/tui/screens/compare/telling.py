"""What is said of the selected curve in one line: what it is, where it parted from its parent, its best."""

from __future__ import annotations

from rich.cells import cell_len

from explorer.lineage.values import show_overrides
from explorer.metrics import Comparison, NodeCurve
from explorer.metrics.ticks import delta_label, value_label
from explorer.tui.charts.inks import letter
from explorer.tui.charts.signs import Signs
from explorer.tui.charts.title import position
from explorer.tui.columns import Piece
from explorer.tui.names import shown
from explorer.tui.theme import Palette


def told(
    comparison: Comparison, curve: NodeCurve, number: int, width: int, signs: Signs, palette: Palette
) -> list[Piece]:
    """Name and changes, then as many facts as fit: where it parted, its best, how it stands to its parent."""
    pieces: list[Piece] = [(f" {letter(number)} ", palette.key), (f"{shown(curve.label)} ", palette.strong)]
    if curve.overrides:
        pieces.append((f" {shown(show_overrides(curve.overrides))} ", palette.accent))
    room = width - sum(cell_len(text) for text, _ in pieces)
    facts = (*_parting(curve), *_best(comparison, curve), *_difference(comparison, curve))
    for nth, fact in enumerate(facts):
        said = signs.said(f"{signs.between if nth else ' '}{fact}")
        if cell_len(said) > room:
            break
        pieces.append((said, palette.dim))
        room -= cell_len(said)
    return pieces


def _parting(curve: NodeCurve) -> list[str]:
    if curve.fork_step is None:
        return []
    guess = " (a guess)" if curve.inferred else ""
    said = [f"forked at {curve.fork_step:g}{guess}"]
    parted = curve.parted
    if parted is None:
        return said
    same = parted.identical_until
    if same is None:
        return [*said, "no step in common with its parent since"]
    said.append(f"bit-identical to {same:g}" if same > curve.fork_step else "differs from its first step")
    clear = parted.visible
    said.append(f"clearly apart from {clear:g}" if clear is not None else "nowhere clearly apart")
    return said


def _best(comparison: Comparison, curve: NodeCurve) -> list[str]:
    if curve.best is None:
        return ["no values"]
    whose = ", inherited" if curve.best.inherited else ""
    return [f"best {value_label(curve.best.value)} at {position(comparison.x, curve.best.x)}{whose}"]


def _difference(comparison: Comparison, curve: NodeCurve) -> list[str]:
    if curve.delta_to_parent is None:
        return []
    base = "its parent" if comparison.baseline == "parent" else shown(comparison.baseline)
    mean = f", {delta_label(curve.mean_delta)} on average" if curve.mean_delta is not None else ""
    return [f"{delta_label(curve.delta_to_parent)} to {base}{mean}"]
