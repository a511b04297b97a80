"""The line at the top: which store this is, how much is in it, how fresh it is."""

from __future__ import annotations

from dataclasses import dataclass

from explorer import wording
from explorer.lineage.state import State
from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.names import shown
from explorer.tui.paint import Pieces
from explorer.tui.theme import Palette


@dataclass(frozen=True, slots=True)
class Freshness:
    """How the store answered last. `trouble` is why it cannot be opened, with its hint."""

    refreshed_ns: int | None = None
    trouble: str | None = None
    hint: str = ""


def header(
    state: State, marked: int, fresh: Freshness, palette: Palette, glyphs: Glyphs, now_ns: int, width: int
) -> tuple[Pieces, Pieces]:
    """The left part (store) and the right part (counts, freshness), least important first on the right."""
    label = shown(state.store.label)
    left = [(" ", palette.text), (label, palette.strong)]
    host = shown(state.store.endpoint.split("://", 1)[-1])
    if host and host != label and width >= 70:
        left.append((f"  {host}", palette.dim))
    if not state.store.snapshots:
        left.append(("  plain S3: no snapshots", palette.accent))
    right: list[Piece] = []
    if width >= 50:
        right.extend(_counts(state, palette, width))
    if marked:
        right.append((f"{marked} marked", palette.accent))
    live = sum(run.is_live for run in state.runs.values())
    if live:
        right.append((f"{glyphs.running} {live} running", palette.primary))
    right.append(_freshness(state, fresh, palette, glyphs, now_ns))
    return left, [(f"  {text} " if index == len(right) - 1 else f"  {text}", style)
                  for index, (text, style) in enumerate(right)]  # fmt: skip


def _counts(state: State, palette: Palette, width: int) -> Pieces:
    forks = sum(bucket.parent is not None for bucket in state.buckets.values())
    snapshots = sum(len(bucket.snapshots) for bucket in state.buckets.values())
    counts = [wording.count(len(state.buckets), "bucket")] if width >= 100 else []
    counts += [wording.count(snapshots, "snapshot"), wording.count(forks, "fork")]
    return [(text, palette.dim) for text in counts]


def _freshness(state: State, fresh: Freshness, palette: Palette, glyphs: Glyphs, now_ns: int) -> Piece:
    if fresh.trouble is not None or None in state.failures:
        return f"{glyphs.failed} offline" if state.stale else f"{glyphs.failed} not refreshed", palette.bad
    if state.stale:
        return "as last seen" if state.buckets else "opening", palette.accent
    if fresh.refreshed_ns is None:
        return f"{glyphs.cached} live", palette.good
    ago = wording.age(fresh.refreshed_ns, now_ns)
    return f"{glyphs.cached} {ago if ago == 'now' else ago + ' ago'}", palette.good
