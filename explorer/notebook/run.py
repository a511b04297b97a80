"""A resumed run: a handle that returns at once, and the widget that follows it."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from explorer.errors import ResumeFailed, Unreachable
from explorer.lineage.values import RunView, show_overrides
from explorer.notebook.words import escaped

if TYPE_CHECKING:
    import ipywidgets

    from explorer.notebook.explorer import Explorer
    from explorer.notebook.node import BoundNode

_POLL_S = 0.1
_LOOK_EVERY = 5
_CATCH_UP_S = 2.0
_TAIL_LINES = 12


class RunHandle:
    """A run by its id. It goes on when the kernel ends, and any later session finds it again."""

    def __init__(self, explorer: Explorer, run: RunView) -> None:
        self._explorer = explorer
        self._first = run
        self.id = run.id

    @property
    def view(self) -> RunView:
        """The newest that is known of it."""
        return self._explorer.state.runs.get(self.id, self._first)

    @property
    def status(self) -> str:
        """`queued`, `running`, `done`, `failed`, `stopped` or `lost`."""
        return self.view.state

    @property
    def bucket(self) -> str:
        """The bucket that it writes to."""
        return self.view.bucket

    @property
    def node(self) -> BoundNode:
        """The head of the bucket that it writes to."""
        return self._explorer[self.view.bucket]

    def logs(self, tail: int | None = None) -> str:
        """What it has printed so far; `tail` keeps the last lines only."""
        parts, offset = [], 0
        while True:
            chunk, following = self._explorer.workspace.log(self.id, offset)
            if not chunk or following == offset:
                break
            parts.append(chunk)
            offset = following
        text = b"".join(parts).decode("utf-8", "replace")
        return text if tail is None else "\n".join(text.splitlines()[-tail:])

    def stop(self) -> None:
        """Ask it to save and end."""
        self._explorer.workspace.stop(self.id)

    def wait(self, timeout_s: float | None = None) -> RunHandle:
        """Block until it has ended. An interrupt (Ctrl-C, the stop button) ends the waiting, not the run.

        Raises:
            ResumeFailed: it ended badly; the hint holds the end of its log.
            Unreachable: `timeout_s` passed.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        for turn in itertools.count():
            if not self.view.is_live:
                break
            if until is not None and time.monotonic() > until:
                raise Unreachable(
                    f"Run {self.id} is still {self.status} after {timeout_s:g} s.",
                    hint="`.logs(tail=20)` shows what it is doing",
                )
            self._explorer.backstage.pump(look=turn % _LOOK_EVERY == 0)
            time.sleep(_POLL_S)
        self._catch_up()
        if self.status in ("failed", "lost"):
            last = self.logs(tail=3).strip()
            raise ResumeFailed(
                f"Run {self.id} {self.status}" + (f": {self.view.reason}" if self.view.reason else "."),
                hint=f"its log ends with: {last}" if last else "it printed nothing; see `.view`",
                where=self.view.bucket,
            )
        return self

    def _catch_up(self) -> None:
        """Know the snapshots that it took and where it stands, before the next cell asks."""
        workspace, head = self._explorer.workspace, self.node.node
        self._explorer.refresh()
        before = workspace.state.facts.get(head)
        until = time.monotonic() + _CATCH_UP_S
        workspace.focus(head)
        while workspace.state.facts.get(head) is before and time.monotonic() < until:
            time.sleep(_POLL_S / 2)
        self._explorer.backstage.pump(look=True)

    def widget(self) -> ipywidgets.Widget:
        """A live view: state, time, what it changed, the end of its log, and a button that stops it."""
        from explorer.notebook.run_widget import run_widget

        return run_widget(self._explorer, self)

    def facts(self) -> str:
        """One line: where it writes, from where, what it changed, for how long."""
        run = self.view
        ended = run.ended_ns or (time.time_ns() if run.is_live else run.started_ns)
        source = f"from {self._explorer.address(run.source)}" if run.source is not None else ""
        told = (
            run.bucket,
            source,
            show_overrides(run.overrides),
            f"{max(0, ended - run.started_ns) / 1e9:.0f} s",
        )
        return " · ".join(part for part in told if part)

    def __repr__(self) -> str:
        reason = f" ({self.view.reason})" if self.view.reason and not self.view.is_live else ""
        return f"<run {self.id}: {self.status}{reason}, {self.facts()}>"

    def as_html(self) -> str:
        """What is seen where widgets do not run."""
        return f"<p><b>{escaped(self.id)}</b> {escaped(self.status)} · {escaped(self.facts())}</p>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from explorer.notebook.run_widget import view_of

        return {**view_of(self.widget()), "text/html": self.as_html(), "text/plain": repr(self)}
