"""What all screens share: the workspace once it is open, the newest state, how to paint, how to wait."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar, cast

from textual.dom import DOMNode

from explorer.errors import Bug, ExplorerError
from explorer.lineage.state import State
from explorer.tui.glyphs import UNICODE, Glyphs
from explorer.tui.header import Freshness
from explorer.tui.theme import Palette
from explorer.tui.verbs import Verbs

log = logging.getLogger(__name__)
T = TypeVar("T")


async def in_daemon(call: Callable[[], T]) -> T:
    """Call in a thread that the interpreter does not wait for at its end.

    asyncio's own executor is joined when the loop closes: a store that does not answer would hold the
    user's terminal until the request times out, long after q.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(cast("T", result))

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: the user has left
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=work, name="explorer-call", daemon=True).start()
    return await answer


class Session:
    """Lives on the UI thread; only `_dirty` is touched from others."""

    def __init__(
        self,
        state: State,
        palette: Palette,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.state = state
        self.palette = palette
        self.glyphs = glyphs
        self.clock = clock
        self.workspace: Verbs | None = None
        self.trouble: ExplorerError | None = None
        """Why the workspace could not be opened."""
        self._dirty = threading.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._turn = asyncio.Lock()

    @property
    def fresh(self) -> Freshness:
        if self.trouble is not None:
            return Freshness(None, self.trouble.message, self.trouble.hint)
        return Freshness(self.workspace.refreshed_ns if self.workspace is not None else None)

    def opened(self, workspace: Verbs) -> None:
        """Go live: from now on the workspace's state is what is painted."""
        self.workspace, self.trouble = workspace, None
        self._unsubscribe = workspace.subscribe(lambda revision: self._dirty.set())
        workspace.start_refreshing()
        self._dirty.set()

    def pull(self) -> bool:
        """Take the newest state if there was news; any number of events costs one repaint."""
        if self.workspace is None or not self._dirty.is_set():
            return False
        self._dirty.clear()
        state, self.state = self.state, self.workspace.state
        return state is not self.state

    def close(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self.workspace is not None:
            self.workspace.close()

    def run(
        self,
        owner: DOMNode,
        call: Callable[[], T],
        then: Callable[[T], None],
        trouble: Callable[[ExplorerError], None],
        *,
        group: str,
        exclusive: bool = False,
        in_turn: bool = False,
    ) -> None:
        """Call something that blocks in a thread, then go on here. An owner that is gone hears nothing.

        `exclusive` drops the answer of an earlier call of the group. `in_turn` waits for earlier calls that
        were made in turn: an undo must not overtake the fork it is meant for.
        """

        async def work() -> None:
            try:
                if in_turn:
                    async with self._turn:
                        answer = await in_daemon(call)
                else:
                    answer = await in_daemon(call)
            except ExplorerError as error:
                trouble(error)
            except Exception as error:  # a defect of ours must not take the screen down
                log.exception("%s failed", group)
                said = f"{type(error).__name__}: {error}"
                trouble(Bug(f"Something broke: {said}.", hint="please report it; nothing else is affected"))
            else:
                then(answer)

        owner.run_worker(work(), group=group, exclusive=exclusive, exit_on_error=False, name=group)
