"""What the screens look like: pictures at the sizes that matter, small terminals, ASCII, hostile names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from explorer.lineage.rows import Rows
from explorer.lineage.values import Bucket, Snapshot
from explorer.tui.columns import GUTTER, Row, heading, lay_out
from explorer.tui.glyphs import ASCII, UNICODE, glyphs_for
from explorer.tui.theme import DARK, Palette, missing_colours
from tests.tui.conftest import Stage
from tests.tui.synthetic import NOW_NS, empty, many, version, week

PALETTE = Palette({**DARK.to_color_system().generate(), **missing_colours(DARK), **DARK.variables})
HOSTILE = "step-1\x1b[2J\u202edne\u0007[bold]x[/]"


@pytest.fixture
def picture(snap_compare, monkeypatch):
    """Compare a screen with its picture, after some keys."""
    monkeypatch.setenv("TZ", "UTC")
    import time

    time.tzset()

    def compare(state, size, *keys, theme=None):
        made = Stage(state)
        if theme is not None:
            made.app.theme = theme

        async def before(pilot):
            while made.app.session.workspace is None:
                await made.settle(pilot)
            for key in keys:
                await pilot.press(key)
                await made.settle(pilot)
            before = None
            while before != made.text:  # the cursor rests, the pane reads: on a slow machine later
                before = made.text
                await made.settle(pilot, 0.35)
            for field in made.app.screen.query(Input):
                field.cursor_blink = False  # on a slow machine the picture caught it while it was away
            await made.settle(pilot)

        return snap_compare(made.app, terminal_size=size, run_before=before)

    return compare


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (40, 10)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_lineage(picture, size):
    assert picture(week(), size, "j", "j", "space", "k")


def test_light_theme(picture):
    assert picture(week(), (140, 40), "j", theme="explorer-light")


@pytest.mark.parametrize("key", ["d", "c", "enter", "x", "question_mark", "F"])
@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_page(picture, size, key):
    assert picture(week(), size, "j", key)


def test_empty_store(picture):
    assert picture(empty(), (80, 24))


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (30, 8), (20, 4), (200, 60)])
async def test_any_size_shows_the_row_under_the_cursor(stage, size):
    async with stage(week(), size) as (s, pilot):
        await pilot.press("j")
        assert all(cell_len(line) <= size[0] for line in s.lines)
        if size[0] >= 30:
            assert any("▌" in line and "llama-wd" in line for line in s.lines)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert "CHANGED" in s.text


async def test_ascii_is_ascii_everywhere(stage):
    async with stage(week(), (140, 40), ASCII) as (s, pilot):
        for key in ("j", "d", "escape", "c", "escape", "enter", "escape", "question_mark", "escape", "F"):
            await pilot.press(key)
            await s.settle(pilot)
            assert s.text.isascii(), sorted({char for char in s.text if not char.isascii()})


@pytest.mark.parametrize(
    ("environ", "glyphs"),
    [
        ({"LANG": "C"}, ASCII),
        ({"LANG": "POSIX"}, ASCII),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, ASCII),
        ({"LANG": "C", "LC_ALL": "en_US.UTF-8"}, UNICODE),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, ASCII),
        ({"LANG": "C.UTF-8"}, UNICODE),
        ({}, UNICODE),
    ],
)
def test_the_locale_chooses_the_glyphs(environ, glyphs):
    assert glyphs_for(environ) is glyphs


async def test_no_color_still_tells_states_apart(stage, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage() as (s, pilot):
        await pilot.press("j", "space")
        colours = {
            segment.style.color.triplet
            for strip in s.app.screen._compositor.render_strips()
            for segment in strip.apply_filter(s.app._filters[-1], s.app.screen.background_colors[1])
            if segment.style and segment.style.color and segment.style.color.triplet
        }
        assert all(max(c) - min(c) <= 2 for c in colours), "grey only"
        for sign in ("▶ run", "✗ fail", "✓ done", "◆"):
            assert sign in s.text


async def test_hostile_names_are_shown_escaped(stage):
    state = week()
    bucket = state.buckets["llama-base"]
    taken = Snapshot("llama-base", version(1), HOSTILE)
    state = replace(
        state, buckets=state.buckets.set("llama-base", replace(bucket, snapshots=(*bucket.snapshots, taken)))
    )
    async with stage(state, (140, 40)) as (s, pilot):
        s.app.lineage.go(taken.node)
        for key in ("space", "y", "f", "d"):
            await pilot.press(key)
            await s.settle(pilot)
            assert not {"\x1b", "\u202e", "\u0007"} & set(s.text)
        await pilot.press("escape")
        assert "\\x1b[2J" in s.text
        assert "[bold]" in s.text


@pytest.mark.parametrize("width", [24, 30, 40, 60, 74, 80, 90, 100, 120, 140, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_rows_and_titles_fill_exactly_their_columns(width, glyphs):
    state = week()
    state = replace(
        state,
        buckets=state.buckets.set(
            "wide",
            Bucket(
                "wide", 1, None, True, (Snapshot("wide", version(9), "検査点-漢字の名前-step-123456789"),)
            ),
        ),
    )
    rows = Rows(state.buckets)
    layout = lay_out(width, rows.columns)
    expected = 2 * layout.lanes + sum(w + layout.gap for _, w in layout.columns)
    assert expected + GUTTER <= width + layout.gap
    writer = Row(state, rows, layout, PALETTE, glyphs, NOW_NS)
    for row in range(len(rows)):
        assert sum(cell_len(text) for text, _ in writer.pieces(row, 0)) == expected
    assert sum(len(text) for text, _ in heading(layout, PALETTE)) == expected + GUTTER


def test_wider_screens_never_show_fewer_columns():
    seen: set[str] = set()
    for width in range(30, 220):
        names = {name for name, _ in lay_out(width, 4).columns}
        assert seen <= names, width
        seen = names
    assert seen == {"name", "step", "spark", "loss", "changed", "age", "size", "cache", "run"}


async def test_lanes_beyond_the_column_follow_the_cursor(stage):
    async with stage(many(400, forks=40)) as (s, pilot):
        assert s.view.rows.columns > 6
        for row in range(0, len(s.view.rows), 7):
            s.view.move_to(row)
            await pilot.pause()
            line = next(line for line in s.lines if line.startswith("▌"))
            assert set(line[2:14]) & set("○●"), line
