"""Apps on a made-up state and a frozen clock, and how tests press keys in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from explorer.lineage.state import State
from explorer.tui.app import ExplorerApp
from explorer.tui.glyphs import UNICODE, Glyphs
from tests.tui.stage import MemoryWorkspace
from tests.tui.synthetic import NOW_NS, week

Opened = Callable[..., AsyncIterator[tuple["Stage", Pilot[int]]]]


class Stage:
    """An app and the workspace behind it."""

    def __init__(self, state: State, glyphs: Glyphs = UNICODE) -> None:
        self.workspace = MemoryWorkspace(state)
        self.app = ExplorerApp(lambda: self.workspace, state, glyphs=glyphs, clock=lambda: NOW_NS)
        self.app.animation_level = "none"

    @property
    def view(self):
        return self.app.lineage.view

    @property
    def node(self):
        return self.view.node

    @property
    def label(self) -> str:
        return self.app.session.state.label(self.node)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen now, as text."""
        return [
            "".join(segment.text for segment in strip).rstrip()
            for strip in self.app.screen._compositor.render_strips()
        ]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def write(self, **fields: str) -> None:
        """Put text into inputs by their id; typing each letter would cost most of a test's time."""
        for name, text in fields.items():
            self.app.screen.query_one(f"#{name}", Input).value = text

    async def settle(self, pilot: Pilot[int], seconds: float = 0.06) -> None:
        """Let workers answer and the beat come round."""
        await self.app.workers.wait_for_complete()
        await pilot.pause(seconds)


@pytest.fixture
def stage():
    """`async with stage() as (s, pilot)`: the app is open and live."""

    @asynccontextmanager
    async def open_stage(
        state: State | None = None, size: tuple[int, int] = (80, 24), glyphs: Glyphs = UNICODE
    ) -> AsyncIterator[tuple[Stage, Pilot[int]]]:
        made = Stage(state if state is not None else week(), glyphs)
        async with made.app.run_test(size=size) as pilot:
            while made.app.session.workspace is None:
                await made.settle(pilot, 0.01)
            yield made, pilot

    return open_stage
