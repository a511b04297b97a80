"""The line at the bottom: the keys that apply now, most useful first, as many as fit; they can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from explorer.tui.actions import Action
from explorer.tui.columns import Piece
from explorer.tui.paint import LineView
from explorer.tui.theme import Palette


class Footer(LineView):
    """Paints a table's actions; the last ones given (`keys`, `quit`) always stay."""

    def show(
        self, actions: Sequence[Action], palette: Palette, do: Callable[[str], None], always_last: int = 2
    ) -> None:
        """`do` is called with the name of the action that is clicked."""
        room = self.size.width - 1
        last = list(actions[len(actions) - always_last :]) if always_last else []
        room -= sum(_width(action) for action in last)
        chosen: list[Action] = []
        for action in actions[: len(actions) - len(last)]:
            if _width(action) > room:
                continue
            chosen.append(action)
            room -= _width(action)
        pieces: list[Piece] = [(" ", palette.text)]
        self.spots = []
        at = 1
        for action in (*chosen, *last):
            pieces += [
                (action.first_key, palette.key),
                (f" {action.label}", palette.dim),
                ("  ", palette.text),
            ]
            stop = at + _width(action)
            self.spots.append((at, stop, lambda name=action.name: do(name)))  # type: ignore[misc]
            at = stop
        self.write(pieces)


def _width(action: Action) -> int:
    return cell_len(action.first_key) + 1 + cell_len(action.label) + 2
