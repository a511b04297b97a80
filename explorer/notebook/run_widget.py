"""The live view of a run, out of plain ipywidgets: a line of state, the end of its log, a stop button."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ipywidgets

from explorer.errors import ExplorerError
from explorer.notebook.live import Live
from explorer.notebook.words import escaped

if TYPE_CHECKING:
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.run import RunHandle

VIEW = "application/vnd.jupyter.widget-view+json"
_LOG_BYTES = 16_000
_READ_EVERY_S = 0.5
_LAST_LOOKS = 4
"""After the end of a run: its last words are written a moment later."""
_COLOURS = {
    "done": "#1f8a4c",
    "failed": "#d0453a",
    "lost": "#d0453a",
    "running": "#2e7bd1",
    "queued": "#2e7bd1",
}


def view_of(widget: ipywidgets.Widget) -> dict[str, Any]:
    """The part of a mimebundle that makes the page show a widget."""
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}


def run_widget(explorer: Explorer, run: RunHandle) -> ipywidgets.Widget:
    """Follows the run until it has ended; the log is read in a worker, painted on the loop."""
    return _Following(explorer, run).box


class _Following:
    def __init__(self, explorer: Explorer, run: RunHandle) -> None:
        self._explorer = explorer
        self._run = run
        self._offset = 0
        self._tail = ""
        self._read_at = 0.0
        self._reading = False
        self._left = _LAST_LOOKS
        self._line = ipywidgets.HTML()
        self._stop = ipywidgets.Button(description="Stop", tooltip="Ask the run to save and end")
        self._stop.layout.width = "72px"
        self._log = ipywidgets.HTML()
        self._stop.on_click(self._stopped)
        top = ipywidgets.HBox([self._stop, self._line])
        top.layout.align_items = "center"
        top.layout.grid_gap = "10px"
        self.box = ipywidgets.VBox([top, self._log])
        self._live = Live(self._paint)
        self._paint()
        self._unsubscribe = explorer.workspace.subscribe(self._live.mark)
        explorer.backstage.follow(self._live)
        self._tick()

    def _paint(self) -> None:
        run = self._run
        colour = _COLOURS.get(run.status, "inherit")
        reason = f" · {escaped(run.view.reason, 200)}" if run.view.reason and not run.view.is_live else ""
        self._line.value = (
            f'<b style="color:{colour}">{escaped(run.status)}</b> <span>{escaped(run.id)} · '
            f"{escaped(run.facts())}{reason}</span>"
        )
        self._stop.disabled = not run.view.is_live
        self._log.value = (
            '<pre style="margin:0;max-height:220px;overflow:auto;padding:8px 10px;border-radius:4px;'
            "font:12px/1.45 var(--jp-code-font-family,monospace);color:var(--jp-ui-font-color1,inherit);"
            f'background:var(--jp-layout-color2,rgba(128,128,128,.12))">{escaped_lines(self._tail)}</pre>'
            if self._tail
            else ""
        )
        self._read_log()

    def _tick(self) -> None:
        """A log grows without any event: look twice a second while the run lives."""
        if self._live.loop is None:
            return
        self._live.mark()
        self._left = _LAST_LOOKS if self._run.view.is_live else self._left - 1
        if self._left > 0:
            self._live.loop.call_later(_READ_EVERY_S, self._tick)
        else:
            self._unsubscribe()
            self._explorer.backstage.unfollow(self._live)

    def _read_log(self) -> None:
        if self._reading or time.monotonic() - self._read_at < _READ_EVERY_S:
            return
        self._reading = True
        self._read_at = time.monotonic()
        self._explorer.backstage.submit(self._fetch)

    def _fetch(self) -> None:
        try:
            chunk, self._offset = self._explorer.workspace.log(self._run.id, self._offset)
        except ExplorerError:
            chunk = b""  # the log comes into being with the process
        if chunk:
            self._tail = (self._tail + chunk.decode("utf-8", "replace"))[-_LOG_BYTES:]
        self._reading = False
        if chunk:
            self._live.mark()

    def _stopped(self, _button: object) -> None:
        self._stop.disabled = True
        self._explorer.backstage.submit(self._ask_to_stop)

    def _ask_to_stop(self) -> None:
        try:
            self._run.stop()
        except ExplorerError as error:
            self._tail += f"\n{error}\nhint: {error.hint}\n"
            self._live.mark()


def escaped_lines(text: str, most: int = 200) -> str:
    """The last lines of a log for HTML, progress bars reduced to what they say last."""
    lines = [line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n")]
    return "\n".join(escaped(line, 400) for line in lines[-most:]).strip("\n")
