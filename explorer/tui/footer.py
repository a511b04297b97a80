"""The line at the bottom: the keys that apply now, most useful first, as many as fit; they can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from explorer.tui.actions import Action
from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.paint import LineView
from explorer.tui.theme import Palette

_ALWAYS = 2


class Footer(LineView):
    """Paints a table's actions; the last two (`keys` and the way out) always stay."""

    _ascii = False

    def show(
        self, actions: Sequence[Action], palette: Palette, glyphs: Glyphs, do: Callable[[str], None]
    ) -> None:
        """`do` is called with the name of the action that is clicked."""
        self._ascii = glyphs.ascii
        room = self.size.width - 1
        last = list(actions[-_ALWAYS:])
        room -= sum(self._width(action) for action in last)
        chosen: list[Action] = []
        for action in actions[: len(actions) - len(last)]:
            if self._width(action) > room:
                continue
            chosen.append(action)
            room -= self._width(action)
        pieces: list[Piece] = [(" ", palette.text)]
        self.spots = []
        at = 1
        for action in (*chosen, *last):
            pieces += [
                (action.first_key(ascii=glyphs.ascii), palette.key),
                (f" {action.label}", palette.dim),
                ("  ", palette.text),
            ]
            stop = at + self._width(action)
            self.spots.append((at, stop, lambda name=action.name: do(name)))  # type: ignore[misc]
            at = stop
        self.write(pieces)

    def _width(self, action: Action) -> int:
        return cell_len(action.first_key(ascii=self._ascii)) + 1 + cell_len(action.label) + 2
