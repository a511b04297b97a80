"""A prefetch under way: a handle that returns at once, and a bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from explorer.errors import Unreachable
from explorer.lineage.values import Progress
from explorer.wording import size

if TYPE_CHECKING:
    import ipywidgets

    from explorer.notebook.explorer import Explorer
    from explorer.notebook.node import BoundNode

_POLL_S = 0.1


class Prefetch:
    """A checkpoint on its way to this disk. It goes on in the background of this session."""

    def __init__(self, explorer: Explorer, node: BoundNode) -> None:
        self._explorer = explorer
        self.node = node

    @property
    def progress(self) -> Progress | None:
        """Bytes on this disk and bytes in all; None until the first is known."""
        return self._explorer.state.prefetched.get(self.node.node)

    @property
    def done(self) -> bool:
        return self.progress is not None and self.progress.complete

    def cancel(self) -> None:
        """Stop it; what has arrived is kept."""
        self._explorer.workspace.cancel_prefetch(self.node.node)

    def wait(self, timeout_s: float | None = None) -> Prefetch:
        """Block until the checkpoint is here. An interrupt ends the waiting, not the prefetch.

        Raises:
            Unreachable: it failed, or `timeout_s` passed.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.done:
            failure = self._explorer.state.failures.get(self.node.node)
            if failure is not None:
                raise Unreachable(failure.message, hint=failure.hint, where=self.node.address)
            if until is not None and time.monotonic() > until:
                raise Unreachable(
                    f"{self!r} is not done after {timeout_s:g} s.", hint="wait on, or `.cancel()`"
                )
            self._explorer.backstage.pump()
            time.sleep(_POLL_S)
        self._explorer.backstage.pump()
        return self

    def widget(self) -> ipywidgets.Widget:
        """A bar that moves as bytes arrive."""
        import ipywidgets

        from explorer.notebook.live import Live

        bar = ipywidgets.FloatProgress(min=0, max=1, value=0)
        words = ipywidgets.Label()
        box = ipywidgets.HBox([bar, words])

        def paint() -> None:
            now = self.progress
            bar.value = now.done_bytes / now.total_bytes if now is not None and now.total_bytes else 0.0
            bar.bar_style = "success" if self.done else ""
            words.value = self._words()
            if self.done:
                unsubscribe()
                self._explorer.backstage.unfollow(live)

        live = Live(paint)
        unsubscribe = self._explorer.workspace.subscribe(live.mark)
        self._explorer.backstage.follow(live)
        paint()
        return box

    def _words(self) -> str:
        now = self.progress
        if now is None:
            return f"{self.node.address}: queued"
        if now.complete:
            return f"{self.node.address}: on this disk ({size(now.total_bytes)})"
        return f"{self.node.address}: {size(now.done_bytes)} of {size(now.total_bytes)}"

    def __repr__(self) -> str:
        return f"<prefetch {self._words()}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from explorer.notebook.run_widget import view_of

        return {**view_of(self.widget()), "text/plain": repr(self)}
