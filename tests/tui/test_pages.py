"""The pages over the lineage: details, diff, compare, log, help, palette."""

from __future__ import annotations

from textual.command import CommandPalette

from explorer.errors import BadCheckpoint
from explorer.lineage.address import Node
from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.keys import LINEAGE
from explorer.tui.screens.compare import CompareScreen
from explorer.tui.screens.diff import DiffScreen
from explorer.tui.screens.help import Help
from explorer.tui.screens.log import RunLog

BASE, WARM = "llama-base@step-800", "llama-lr-3e-5@step-800"


async def test_d_diffs_a_node_against_its_parent(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j", "d")
        await s.settle(pilot)
        state = s.app.session.state
        pair = (state.resolve("llama-wd-0.1@step-900"), state.resolve("llama-wd-0.1@step-1000"))
        assert s.workspace.called("diff") == [("diff", *pair)]
        assert "llama-wd-0.1@step-900 → llama-wd-0.1@step-1000" in s.lines[0]
        assert "optimizer.lr" in s.text
        assert "0.0003 → 3e-5" in s.text
        await pilot.press("escape")
        assert s.app.screen is s.app.lineage


async def test_d_diffs_the_two_marked_older_first_and_w_swaps(stage):
    async with stage() as (s, pilot):
        state = s.app.session.state
        base, warm = state.resolve(BASE), state.resolve(WARM)
        for node in (warm, base):
            s.app.lineage.go(node)
            await pilot.press("space")
        await pilot.press("d")
        await s.settle(pilot)
        assert s.workspace.called("diff") == [("diff", base, warm)]
        await pilot.press("w")
        await s.settle(pilot)
        assert s.workspace.called("diff")[1:] == [("diff", warm, base)]
        assert f"{WARM} → {BASE}" in s.lines[0]


async def test_d_with_one_mark_is_against_the_cursor_and_with_three_says_why_not(stage):
    async with stage() as (s, pilot):
        await pilot.press("G", "k", "space", "g", "d")
        await s.settle(pilot)
        assert s.workspace.called("diff")[0][2] == Node("llama-lr-3e-5-f1")
        await pilot.press("escape", "space", "j", "space", "d")
        assert "A diff is between two: 3 are marked." in s.text


async def test_sections_of_a_diff_open_and_close(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j", "d")
        await s.settle(pilot)
        assert isinstance(s.app.screen, DiffScreen)
        await pilot.press("tab", "tab", "enter")
        assert "tokens" not in s.text
        assert "▸ state" in s.text
        await pilot.press("space")
        assert "tokens" in s.text
        await pilot.press("o")
        assert "optimizer.lr" not in s.text
        await pilot.press("o")
        assert "optimizer.lr" in s.text
        await pilot.press("G", "g", "ctrl+d", "ctrl+u", "shift+tab", "j", "k")
        assert s.app.screen.view.cursor == 0


async def test_details_say_that_they_are_being_read_until_they_are(stage):
    async with stage() as (s, pilot):
        s.workspace.gate.clear()
        await pilot.press("enter")
        assert "reading the manifest" in s.text
        s.workspace.gate.set()
        await s.settle(pilot)
        assert "reading the manifest" not in s.text
        assert "tensors" in s.text


async def test_a_diff_that_cannot_be_read_says_why(stage):
    async with stage(size=(120, 24)) as (s, pilot):
        s.workspace.trouble = BadCheckpoint(
            "The header is cut short.", hint="save it again", where="model.safetensors"
        )
        await pilot.press("j", "j", "d")
        await s.settle(pilot)
        assert "✗ The header is cut short. (model.safetensors)  save it again" in s.text


async def test_c_compares_a_fork_with_its_parent(stage):
    async with stage(size=(120, 40)) as (s, pilot):
        await pilot.press("j", "j")
        node = s.node
        await pilot.press("c")
        await s.settle(pilot)
        assert isinstance(s.app.screen, CompareScreen)
        asked = s.workspace.called("compare")
        assert [call[1:3] for call in asked] == [((Node("llama-base"), node), None)]
        assert s.app.screen.query_one(LossChart).comparisons
        assert "BEST" in s.text


async def test_c_compares_the_marked_or_a_fork_point_with_its_forks(stage):
    async with stage() as (s, pilot):
        state = s.app.session.state
        s.app.lineage.go(state.resolve("llama-base@step-400"))
        await pilot.press("c")
        await s.settle(pilot)
        asked = s.workspace.called("compare")[-1][1]
        assert asked[0] == Node("llama-base")
        assert set(asked[1:]) == {Node("llama-lr-3e-5"), Node("llama-lr-1e-3")}
        await pilot.press("escape", "space", "g", "space", "c")
        await s.settle(pilot)
        assert s.workspace.called("compare")[-1][1] == (
            state.resolve("llama-base@step-400"),
            Node("llama-lr-3e-5-f1"),
        )


async def test_x_shows_the_log_and_follows_it(stage):
    async with stage() as (s, pilot):
        s.workspace.log_text = b"begin\n\x1b[31mred\x1b[0m\n" + "half an \u00e9".encode()[:-1]
        await pilot.press("j", "x")
        await s.settle(pilot)
        assert isinstance(s.app.screen, RunLog)
        assert "\\x1b[31mred" in s.text
        assert "▶ running" in s.lines[0]
        s.workspace.log_text = b"begin\n\x1b[31mred\x1b[0m\n" + "half an \u00e9\nstep 7\n".encode()
        await pilot.pause(0.5)
        await s.settle(pilot)
        assert "half an \u00e9" in s.text
        assert "step 7" in s.text
        await pilot.press("k")
        assert "not following" in s.text
        await pilot.press("g", "pagedown", "pageup", "G", "j")
        assert "following" in s.text
        await pilot.press("x")
        assert s.app.screen is s.app.lineage


async def test_enter_shows_all_that_is_known(stage):
    async with stage(size=(100, 50)) as (s, pilot):
        await pilot.press("j", "j", "enter")
        await s.settle(pilot)
        for said in (
            "llama-wd-0.1@step-1000",
            "weight_decay 0.1",
            "50,331,648",
            "hidden_size",
            "model.layers",
        ):
            assert said in s.text
        await pilot.press("y")
        assert s.app.clipboard == s.app.lineage.view.node.address
        await pilot.press("q")
        assert s.app.screen is s.app.lineage


async def test_help_lists_every_key_and_why_some_do_not_apply(stage):
    async with stage(size=(120, 64)) as (s, pilot):
        await pilot.press("question_mark")
        assert isinstance(s.app.screen, Help)
        for action in LINEAGE:
            assert action.tip.split(" ")[0] in s.text
            assert action.first_key(ascii=False) in s.text
        assert "No run has written" in s.text
        await pilot.press("j", "k", "question_mark")
        assert s.app.screen is s.app.lineage


async def test_the_palette_lists_actions_and_runs_them(stage):
    async with stage() as (s, pilot):
        await pilot.press("colon")
        await pilot.pause(0.3)
        assert isinstance(s.app.screen, CommandPalette)
        assert "Fork  (f)" in s.text or "Filter  (/)" in s.text
        await pilot.press(*"snapsh")
        await pilot.pause(0.6)
        await pilot.press("enter")
        await s.settle(pilot, 0.3)
        assert s.workspace.called("snapshot") == [("snapshot", "llama-lr-3e-5-f1", None)]


async def test_plus_zooms(stage):
    async with stage() as (s, pilot):
        list_, detail = s.app.screen.query_one("#list"), s.app.screen.query_one("#detail")
        seen = []
        for _ in range(4):
            await pilot.pause()
            seen.append((list_.display, detail.display))
            await pilot.press("plus")
        assert seen == [(True, True), (True, False), (False, True), (True, True)]


async def test_v_marks_from_the_last_mark_to_the_cursor(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "space", "j", "j", "j", "v")
        assert [s.view.rows.index(node) for node in s.view.marked] == [1, 2, 3, 4]
        assert "4 marked" in s.lines[0]
