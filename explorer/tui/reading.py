"""Reads what the detail pane wants beyond the state, once the cursor rests; never while it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from explorer.errors import BadCheckpoint, ExplorerError, NotFound
from explorer.lineage.address import Node
from explorer.lineage.values import RunView
from explorer.tui.detail import Known
from explorer.tui.names import shown
from explorer.tui.readings import newest_run
from explorer.tui.verbs import Verbs
from explorer.wording import count

if TYPE_CHECKING:
    from explorer.tui.screens.lineage import LineageScreen

DWELL_S = 0.2
_LOG_S = 1.0
_TAIL_BYTES = 8_192
_KEPT = 256


class Reading:
    """Belongs to the lineage screen. A snapshot never changes, so what it told is kept."""

    def __init__(self, screen: LineageScreen) -> None:
        self._screen = screen
        self._next: Timer | None = None
        self._checkpoints: dict[Node, tuple[str, str | None]] = {}
        self._tail: tuple[str, tuple[str, ...]] = ("", ())
        """A run and its last lines."""
        self._offsets: dict[str, int] = {}

    def known(self, node: Node) -> Known:
        run = newest_run(self._screen.session.state, node.bucket)
        log = self._tail[1] if run is not None and self._tail[0] == run.id else ()
        checkpoint, parameters = self._checkpoints.get(node, (None, None))
        return Known(checkpoint, parameters, log)

    def rested(self) -> None:
        """The cursor has been on its node for `DWELL_S`."""
        node, workspace = self._screen.view.node, self._screen.session.workspace
        if node is None or workspace is None:
            return
        workspace.focus(node)
        if not node.is_head and node not in self._checkpoints:
            self._screen.session.run(
                self._screen,
                lambda: _describe(workspace, node),
                lambda said: self._described(node, said),
                lambda error: self._refused(node, error),
                group="manifest",
                exclusive=True,
            )
        self._follow()

    def _refused(self, node: Node, error: ExplorerError) -> None:
        if isinstance(error, BadCheckpoint | NotFound):  # anything else may be gone the next time
            self._described(node, (shown(str(error)), None))

    def _described(self, node: Node, said: tuple[str, str | None]) -> None:
        if len(self._checkpoints) >= _KEPT:
            self._checkpoints.pop(next(iter(self._checkpoints)))
        self._checkpoints[node] = said
        self._screen.paint_detail()

    def _follow(self) -> None:
        """The last lines of the run under the cursor, again and again while it lives."""
        node, workspace = self._screen.view.node, self._screen.session.workspace
        run = newest_run(self._screen.session.state, node.bucket) if node is not None else None
        if self._next is not None:
            self._next.stop()
        if run is None or workspace is None:
            return
        self._screen.session.run(
            self._screen,
            lambda: self._read_tail(workspace, run),
            lambda lines: self._tailed(run, lines),
            lambda error: None,  # the log's absence is said when it is asked for
            group="tail",
            exclusive=True,
        )

    def _read_tail(self, workspace: Verbs, run: RunView) -> tuple[str, ...]:
        said, offset = workspace.log(run.id, self._offsets.get(run.id, 0))
        self._offsets[run.id] = max(0, offset - _TAIL_BYTES)
        text = said[-_TAIL_BYTES:].decode("utf-8", "replace")
        lines = [shown(line.rstrip()) for line in text.replace("\r", "\n").splitlines()]
        return tuple(line for line in lines if line.strip())[-40:]

    def _tailed(self, run: RunView, lines: tuple[str, ...]) -> None:
        self._tail = (run.id, lines)
        self._screen.paint_detail()
        node = self._screen.view.node
        if run.is_live and node is not None and node.bucket == run.bucket and self._screen.is_current:
            self._next = self._screen.set_timer(_LOG_S, self._follow)


def _describe(workspace: Verbs, node: Node) -> tuple[str, str | None]:
    """The checkpoint's format, and its parameters with their types."""
    manifest = workspace.manifest(node)
    said = shown(manifest.checkpoint.format)
    lacking = len(manifest.missing) + len(manifest.damaged)
    if lacking:
        said += f", {count(lacking, 'file')} missing or damaged"
    mix = ", ".join(shown(dtype) for dtype, _ in manifest.dtypes[:2])
    return said, f"{_short(manifest.parameters)} {mix}" if manifest.parameters else None


def _short(number: int) -> str:
    """`1.2M`, `7.3B`: parameters as people say them, in powers of 1000."""
    value = float(number)
    for unit in ("", "K", "M", "B", "T"):
        if value < 999.5 or unit == "T":
            return f"{value:.3g}{unit}"
        value /= 1000
    return str(number)
