"""Moving through the lineage: every key that moves the cursor."""

from __future__ import annotations

from explorer.lineage.rows import Rows
from explorer.tui import walk
from tests.tui.synthetic import many

ROWS = [
    (["j"], 1),
    (["down", "down"], 2),
    (["j", "j", "k"], 1),
    (["j", "up"], 0),
    (["k"], 0),
    (["G"], 22),
    (["end"], 22),
    (["G", "j"], 22),
    (["G", "g"], 0),
    (["G", "home"], 0),
    (["ctrl+d"], 7),
    (["ctrl+d", "ctrl+u"], 0),
    (["pagedown"], 14),
    (["pagedown", "pageup"], 0),
]


async def test_rows(stage):
    async with stage() as (s, pilot):
        for keys, cursor in ROWS:
            s.view.move_to(0)
            await pilot.press(*keys)
            assert s.view.cursor == cursor, keys


async def test_the_row_under_the_cursor_is_always_in_sight(stage):
    async with stage(many(500)) as (s, pilot):
        for key in ("G", "ctrl+u", "k", "pageup", "g", "pagedown", "j"):
            await pilot.press(key)
            top = s.view.scroll_offset.y
            assert top <= s.view.cursor < top + s.view.size.height
        assert s.label in s.text


async def test_h_goes_to_the_fork_point_and_l_to_the_forks_in_turn(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j")
        assert s.label == "llama-wd-0.1@step-1000"
        await pilot.press("h")
        assert s.label == "llama-base@step-800"
        await pilot.press("l")
        assert s.label == "llama-wd-0.1"
        await pilot.press("G", "h")
        assert "was not forked from anything" in s.text
        await pilot.press("k", "l")
        assert "Nothing was forked from llama-base@step-100" in s.text


async def test_l_visits_all_forks_of_a_node(stage):
    async with stage() as (s, pilot):
        s.app.lineage.go(s.app.session.state.resolve("llama-base@step-400"))
        seen = set()
        for _ in range(2):
            await pilot.press("l")
            seen.add(s.label)
            await pilot.press("h")
        assert seen == {"llama-lr-3e-5", "llama-lr-1e-3"}


async def test_braces_go_from_fork_point_to_fork_point(stage):
    async with stage() as (s, pilot):
        seen = []
        for _ in range(3):
            await pilot.press("right_curly_bracket")
            seen.append(s.label)
        assert seen == ["llama-lr-3e-5@step-700", "llama-base@step-800", "llama-base@step-400"]
        await pilot.press("right_curly_bracket")
        assert "No fork point below" in s.text
        await pilot.press("left_curly_bracket")
        assert s.label == "llama-base@step-800"


def test_the_next_fork_point_is_the_next_row_with_a_fork():
    rows = Rows(many(300).buckets)
    for shown in (range(len(rows)), list(range(0, len(rows), 2)), list(range(len(rows) // 2, len(rows))), []):
        points = [at for at, row in enumerate(shown) if rows.forks(row)]
        for start in range(len(shown)):
            assert walk.fork_point(rows, shown, start, 1) == min(
                (p for p in points if p > start), default=None
            )
            assert walk.fork_point(rows, shown, start, -1) == max(
                (p for p in points if p < start), default=None
            )
    assert walk.fork_point(rows, [], 0, 1) is None


async def test_mouse(stage):
    async with stage() as (s, pilot):
        await pilot.click("#lineage", offset=(20, 4))
        assert s.view.cursor == 4
        await pilot.click("#lineage", offset=(1, 5))
        assert list(s.view.marked) == [s.node]
        await pilot.click("#lineage", offset=(20, 4), times=2)
        await s.settle(pilot)
        assert type(s.app.screen).__name__ == "Details"


async def test_the_wheel_scrolls(stage):
    async with stage(many(500)) as (s, pilot):
        s.view.scroll_relative(y=30, animate=False, immediate=True)
        await pilot.pause()
        top = s.view.scroll_offset.y
        assert top == 30
        assert s.view.cursor == 0, "scrolling looks elsewhere, it does not move the cursor"
        await pilot.press("j")
        assert s.view.scroll_offset.y <= s.view.cursor == 1
