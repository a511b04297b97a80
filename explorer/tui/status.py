"""The line over the keys: what was just said, else where the cursor is and what goes on in the background."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.errors import ExplorerError
from explorer.lineage.state import State
from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.names import shown
from explorer.tui.theme import Palette

SHOWN_S = {"good": 4.0, "info": 4.0, "why": 5.0, "busy": 60.0, "bad": 12.0}
"""How long a message stays, by its kind; any later message takes its place."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message: `why` is a key that does not apply now, `busy` is replaced by its outcome."""

    text: str
    kind: str = "info"
    hint: str = ""

    @classmethod
    def of(cls, error: ExplorerError) -> Said:
        """An error in one line, its remedy behind it."""
        return cls(shown(str(error)), "bad", shown(error.hint))


def said_pieces(said: Said, palette: Palette, glyphs: Glyphs) -> list[Piece]:
    """The message with its sign: a shape for each kind, so that no colour is needed."""
    sign, style = {
        "good": (glyphs.done, palette.good),
        "info": (glyphs.dot, palette.dim),
        "why": (glyphs.dot, palette.accent),
        "busy": (glyphs.more, palette.primary),
        "bad": (glyphs.failed, palette.bad),
    }[said.kind]
    pieces = [(f" {sign} ", style), (said.text, style if said.kind == "bad" else palette.text)]
    if said.hint:
        pieces.append((f"  {said.hint}", palette.dim))
    return pieces


def activity(state: State, palette: Palette, glyphs: Glyphs) -> list[Piece]:
    """What goes on in the background: prefetches with their progress."""
    moving = [(node, p) for node, p in state.prefetched.items() if p.active]
    if not moving:
        return []
    done = sum(p.done_bytes for _, p in moving)
    total = sum(p.total_bytes for _, p in moving)
    share = done / total if total else 0.0
    what = shown(state.label(moving[0][0])) if len(moving) == 1 else f"{len(moving)} checkpoints"
    return [
        (f"prefetching {what} ", palette.dim),
        (glyphs.bar(share, 10), palette.primary),
        (f" {int(100 * share)}% ", palette.text),
    ]
