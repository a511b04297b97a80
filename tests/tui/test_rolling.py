"""Lists whose length changes: the scroll bar, the heading over them, and how often the screen is laid out."""

from __future__ import annotations

import pytest
from textual.screen import Screen

from tests.tui.synthetic import many


def bar(app, view) -> str:
    """What stands in the column of the scroll bar: its thumb ends in eighths, between them it is reversed."""
    x, y, width, height = view.region
    lines = app.screen._compositor.render_strips()[y : y + height]
    cells = [line.crop(x + width - 1, x + width)._segments[0] for line in lines]
    return "".join("#" if cell.text != " " or cell.style.reverse else "-" for cell in cells)


async def test_the_bar_is_there_while_not_all_rows_are_in_sight(stage):
    async with stage(many(500), size=(80, 24)) as (s, pilot):
        assert "#" in bar(s.app, s.view)
        await pilot.press("slash", *"024@step-1")
        await s.settle(pilot, 0.3)
        assert 0 < len(s.view.shown_rows) < s.view.size.height
        assert "#" not in bar(s.app, s.view)
        await pilot.press("escape")
        await s.settle(pilot, 0.3)
        assert len(s.view.shown_rows) == 500
        assert "#" in bar(s.app, s.view)


async def test_the_heading_stays_over_its_columns_after_nothing_matched(stage):
    async with stage(many(500), size=(80, 24)) as (s, pilot):
        before = s.text.splitlines()[1:4]
        await pilot.press("slash", *"run-zzz")
        await s.settle(pilot, 0.3)
        assert "Nothing matches" in s.text
        await pilot.press(*["backspace"] * 3)
        await s.settle(pilot, 0.3)
        assert s.text.splitlines()[1:4] == before


@pytest.mark.parametrize("text", ["run-0", "024@step-1"])
async def test_typing_a_filter_lays_nothing_out(stage, monkeypatch, text):
    async with stage(many(500), size=(80, 24)) as (s, pilot):
        await pilot.press("slash")
        await s.settle(pilot, 0.3)
        layouts = []
        lay_out = Screen._refresh_layout
        monkeypatch.setattr(
            Screen, "_refresh_layout", lambda *args, **more: (layouts.append(1), lay_out(*args, **more))
        )
        await pilot.press(*text)
        await s.settle(pilot, 0.3)
        assert 0 < len(s.view.shown_rows) <= 500
        assert not layouts
