"""The compare screen on the real app: what its keys do, and what they say where they do nothing."""

from dataclasses import replace

import pytest

from explorer.errors import BadInput
from explorer.lineage.address import Node
from explorer.lineage.events import BucketDeleted, RunChanged
from explorer.tui.glyphs import ASCII
from explorer.tui.screens.compare import CompareScreen
from explorer.tui.screens.compare.keys import ACTIONS
from explorer.tui.screens.forms import Form
from explorer.tui.screens.help import Help

RUN = "r-20251124-9c0d"
WARM, FAST, BASE = Node("llama-lr-3e-5"), Node("llama-lr-1e-3"), Node("llama-base")


@pytest.fixture
def comparing(stage):
    """`async with comparing() as (s, pilot, screen)`: three curves, the first one selected."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened(nodes=(BASE, WARM, FAST), size=(120, 40), **told):
        async with stage(size=size, **told) as (s, pilot):
            screen = CompareScreen(s.app.session, nodes)
            await s.app.push_screen(screen)
            await s.settle(pilot)
            yield s, pilot, screen

    return opened


async def test_every_key_does_something_or_says_why_not(comparing):
    async with comparing() as (s, pilot, screen):
        for action in ACTIONS:
            if action.name in ("back", "palette", "copy", "copy_command"):
                continue
            if action.when(screen.situation()) is not None:
                screen._said = None
                await pilot.press(action.keys.split(",")[0])
                assert screen._said is not None, action
                assert screen._said.text == action.when(screen.situation())
                continue
            screen.action_act(action.name)
            await pilot.pause()
            while s.app.screen is not screen:
                await pilot.press("escape")
                await pilot.pause()
            if screen.has_class("-filtering"):
                await pilot.press("escape")
            await s.settle(pilot)
        assert s.app.screen is screen


async def test_every_action_has_a_method_and_no_key_is_taken_twice():
    taken = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(taken) == len(set(taken))
    assert all(callable(getattr(CompareScreen, f"do_{action.name}")) for action in ACTIONS)


async def test_a_checkpoint_is_walked_to_forked_and_resumed_from(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("f")
        assert "The crosshair is on no checkpoint: ] takes it to one." in s.text
        await pilot.press("j", "left_square_bracket")
        label = s.app.session.state.label(screen.source)
        assert label == "llama-lr-3e-5@step-800"
        assert f"▴ {label}" in s.text
        await pilot.press("f")
        await s.settle(pilot)
        assert s.workspace.called("fork")[0][1] == screen.source
        assert "llama-lr-3e-5-f2 forked from llama-lr-3e-5@step-800" in s.text
        assert screen.present[-1] == Node("llama-lr-3e-5-f2"), "the fork joins the comparison"
        await pilot.press("z")
        await s.settle(pilot)
        assert screen.present == (BASE, WARM, FAST)
        await pilot.press("r")
        await s.settle(pilot)
        assert s.workspace.called("resume")[0][1] == screen.source
        assert "trains on from llama-lr-3e-5@step-800" in s.text
        await pilot.press("R")
        await pilot.pause()
        assert isinstance(s.app.screen, Form)


async def test_a_curve_without_differences_says_so_instead_of_standing_still(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("d", "left")
        assert "llama-base has no differences to walk along" in s.text
        await pilot.press("j", "left")
        assert screen.view.cursor == 800


async def test_metrics_are_found_by_letters_and_several_can_be_shown(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("m", *"vls", "enter")
        await s.settle(pilot)
        assert [c.metric for c in screen.chart.comparisons] == ["val_loss"]
        await pilot.press("m", *"lr", "tab", "enter")
        await s.settle(pilot)
        assert [c.metric for c in screen.chart.comparisons] == ["val_loss", "lr"]
        assert s.workspace.called("compare")[-1][2] == ("val_loss", "lr")
        await pilot.press("O")
        assert "val_loss, lr (dashed)" in s.text
        await pilot.press("n")
        await s.settle(pilot)
        assert [c.metric for c in screen.chart.comparisons] == ["lr"]
        await pilot.press("N")
        await s.settle(pilot)
        assert [c.metric for c in screen.chart.comparisons] == ["val_loss"]
        await pilot.press("m", *"zzz", "enter")
        await s.settle(pilot)
        assert s.app.screen is screen
        assert [c.metric for c in screen.chart.comparisons] == ["val_loss"]


async def test_the_axis_and_the_baseline_are_asked_of_the_workspace(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("x")
        await s.settle(pilot)
        assert s.workspace.called("compare")[-1][3] == "epoch"
        assert "by epoch" in s.text
        await pilot.press("j", "b")
        await s.settle(pilot)
        assert s.workspace.called("compare")[-1][4] == WARM
        assert screen.view.delta
        await pilot.press("b")
        await s.settle(pilot)
        assert s.workspace.called("compare")[-1][4] == "parent"


async def test_what_cannot_be_read_is_said_and_the_old_curves_stay(comparing):
    async with comparing() as (s, pilot, screen):
        s.workspace.trouble = BadInput("These nodes have no common x axis `epoch`.", hint="there is: step")
        await pilot.press("x")
        await s.settle(pilot)
        assert "no common x axis" in s.text
        assert screen.chart.comparisons[0].x == "step"
        await pilot.press("x")
        await s.settle(pilot)
        assert screen.chart.comparisons[0].x == "epoch"


async def test_the_filter_leaves_curves_out_and_escape_takes_it_away_first(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("slash", *"lr<1e-4", "enter")
        await s.settle(pilot)
        assert [row.label for row in screen.in_sight] == ["llama-lr-3e-5"]
        assert screen.chart.curve.label == "llama-lr-3e-5", "what is left out is not selected"
        assert screen.view.left_out == {"llama-base", "llama-lr-1e-3"}
        assert "lr<1e-4: 1 of 3 curves" in s.text
        await pilot.press("escape")
        assert len(screen.in_sight) == 3
        await pilot.press("escape")
        assert s.app.screen is s.app.lineage


@pytest.mark.parametrize(
    ("typed", "said"), [("lrr<1", "There is no column"), ("lr<", "lacks a name or a value")]
)
async def test_a_filter_that_cannot_be_meant_says_why_and_hides_nothing(comparing, typed, said):
    async with comparing(size=(140, 40)) as (s, pilot, screen):
        await pilot.press("slash", *typed)
        await pilot.pause()
        assert said in s.text
        assert len(screen.in_sight) == 3
        await pilot.press("q")
        assert s.app.screen is screen, "letters are the filter's"


async def test_rows_are_sorted_by_the_keys_and_by_their_heads(comparing):
    async with comparing() as (s, pilot, screen):
        before = [row.label for row in screen.in_sight]
        await pilot.press("greater_than_sign")
        assert screen.sorting.key == "label"
        assert [row.label for row in screen.in_sight] == sorted(before)
        await pilot.press("i")
        assert [row.label for row in screen.in_sight] == sorted(before, reverse=True)
        await pilot.press("less_than_sign")
        assert [row.label for row in screen.in_sight] == before
        head = next(y for y, line in enumerate(s.lines) if "NODE" in line)
        await pilot.click(offset=(s.lines[head].index("BEST") + 1, head))
        assert screen.sorting.key == "best"
        values = [row.cells["best"] for row in screen.in_sight]
        assert values == sorted(values)


async def test_a_row_is_selected_and_switched_off_by_keys_and_clicks(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("j", "j", "space")
        assert screen.view.hidden == {"llama-lr-1e-3"}
        await pilot.press("o")
        assert screen.view.hidden == {"llama-base", "llama-lr-3e-5"}
        await pilot.press("o")
        assert not screen.view.hidden
        row = next(y for y, line in enumerate(s.lines) if y > 25 and "llama-lr-3e-5" in line and "●" in line)
        await pilot.click(offset=(20, row))
        assert screen.view.selected == 1
        await pilot.click(offset=(4, row))
        assert screen.view.hidden == {"llama-lr-3e-5"}


async def test_looks_change_what_is_written_on_the_chart(comparing):
    async with comparing() as (s, pilot, _screen):
        for key, said in (
            ("s", "smoothed 0.6"), ("y", "log y"), ("X", "log x and y"), ("a", "every value"), ("plus", "zoomed"),
            ("d", "Δ loss to the parent"),
        ):  # fmt: skip
            await pilot.press(key)
            await s.settle(pilot)
            assert said in s.text, key
        await pilot.press("0")
        await s.settle(pilot)
        assert "zoomed" not in s.text
        assert "smoothed" not in s.text


async def test_curves_are_coloured_by_what_differs(comparing):
    async with comparing() as (s, pilot, screen):
        await pilot.press("g")
        assert screen.view.colour_by == "lr"
        assert "● 3e-5" in s.lines[1]
        await pilot.press("G")
        assert "lr 0.001 (1)" in s.text
        await pilot.press("g")
        assert (screen.view.colour_by, screen.view.means) == (None, False)


async def test_it_reads_again_while_a_run_lives_and_once_more_after(comparing):
    async with comparing() as (s, pilot, screen):
        run = replace(s.app.session.state.runs[RUN], state="running", ended_ns=None)
        reads = lambda: len(s.workspace.called("compare"))  # noqa: E731
        screen._again()
        await s.settle(pilot)
        assert reads() == 1, "nothing lives"
        s.workspace.emit(RunChanged(run))
        await pilot.pause(0.1)
        assert "live" in s.lines[0]
        screen._again()
        await s.settle(pilot)
        assert reads() == 2
        s.workspace.emit(RunChanged(replace(run, state="done")))
        await pilot.pause(0.1)
        screen._again()
        screen._again()
        await s.settle(pilot)
        assert reads() == 3, "the last points, once"


async def test_a_bucket_that_is_deleted_meanwhile_leaves_the_comparison(comparing):
    async with comparing() as (s, pilot, _screen):
        s.workspace.emit(BucketDeleted("llama-lr-1e-3"))
        await pilot.pause(0.1)
        await s.settle(pilot)
        assert s.workspace.called("compare")[-1][1] == (BASE, WARM)
        assert "llama-lr-1e-3" not in s.text


async def test_help_names_every_key_and_the_mouse(comparing):
    async with comparing(size=(140, 100)) as (s, pilot, _screen):
        await pilot.press("question_mark")
        assert isinstance(s.app.screen, Help)
        for action in ACTIONS:
            assert action.tip.split(" ")[0] in s.text
        assert "wheel" in s.text
        assert "The crosshair is on no" in s.text


async def test_panes_take_turns(comparing):
    async with comparing() as (s, pilot, _screen):
        seen = []
        for _ in range(4):
            seen.append(("by step" in s.text, "NODE" in s.text))
            await pilot.press("v")
            await pilot.pause()
        assert seen == [(True, True), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (60, 15), (80, 24), (200, 60)])
@pytest.mark.parametrize("ascii", [False, True])
async def test_any_size_paints(comparing, size, ascii):
    async with comparing(size=size, **({"glyphs": ASCII} if ascii else {})) as (s, pilot, _screen):
        await pilot.press("left", "s", "d")
        await s.settle(pilot)
        assert all(len(line) <= size[0] for line in s.lines)
        assert s.text.isascii() or not ascii
