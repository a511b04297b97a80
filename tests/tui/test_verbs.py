"""Every key that does something: what is asked of the workspace, and what stands on the screen then."""

from __future__ import annotations

from explorer.errors import Conflict, Unreachable
from explorer.lineage.address import Node
from tests.tui.synthetic import week


async def test_f_forks_at_once_and_z_takes_it_back(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j")
        source = s.node
        await pilot.press("f")
        await s.settle(pilot)
        assert s.workspace.called("fork") == [("fork", source, None, ())]
        assert s.label == "llama-wd-0.1-f1"
        assert "llama-wd-0.1-f1 forked from llama-wd-0.1@step-1000" in s.text
        await pilot.press("z")
        await s.settle(pilot)
        assert "llama-wd-0.1-f1" not in s.app.session.state.buckets
        assert "undone: fork llama-wd-0.1-f1" in s.text


async def test_an_undo_never_overtakes_the_fork_it_is_meant_for(stage):
    async with stage() as (s, pilot):
        s.workspace.gate.clear()
        await pilot.press("f", "z")
        s.workspace.gate.set()
        await s.settle(pilot)
        assert [call[0] for call in s.workspace.calls if call[0] in ("fork", "undo")] == ["fork", "undo"]
        assert set(s.app.session.state.buckets) == set(week().buckets)


async def test_undo_with_nothing_to_undo_says_so(stage):
    async with stage() as (s, pilot):
        await pilot.press("z")
        await s.settle(pilot)
        assert "There is nothing to undo." in s.text


async def test_capital_f_asks_for_a_name_and_overrides(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j", "F")
        source = s.node
        s.write(name="tuned", overrides="lr=3e-5 seed=7")
        await pilot.press("enter")
        await s.settle(pilot)
        assert s.workspace.called("fork") == [("fork", source, "tuned", (("lr", 3e-5), ("seed", 7)))]
        assert s.label == "tuned"


WRONG = [
    ("llama-base", "", "There is a bucket llama-base already."),
    ("UPPER", "", "is not a bucket name"),
    ("fine-name", "lr", "`lr` is not an override."),
]


async def test_the_form_judges_while_one_types_and_keeps_what_was_typed(stage):
    async with stage() as (s, pilot):
        for name, overrides, said in WRONG:
            await pilot.press("F")
            s.write(name=name, overrides=overrides)
            await pilot.pause()
            assert said in " ".join(s.text.split())
            await pilot.press("enter")
            assert s.workspace.called("fork") == []
            await pilot.press("escape")
            assert s.app.screen is s.app.lineage


async def test_s_takes_a_snapshot(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "s")
        await s.settle(pilot)
        assert s.workspace.called("snapshot") == [("snapshot", "llama-wd-0.1", None)]
        assert s.node.bucket == "llama-wd-0.1"
        assert s.node.version is not None


async def test_r_resumes_and_shows_the_new_run(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j")
        source = s.node
        await pilot.press("r")
        await s.settle(pilot)
        assert s.workspace.called("resume") == [("resume", source, None, ())]
        assert s.node == Node("llama-wd-0.1-f1")
        assert "▶ run" in next(line for line in s.lines if "llama-wd-0.1-f1" in line and "▌" in line)


async def test_capital_r_asks_first(stage):
    async with stage() as (s, pilot):
        await pilot.press("R")
        s.write(overrides="lr=1e-4", template="demo")
        await pilot.press("enter")
        await s.settle(pilot)
        assert s.workspace.called("resume") == [("resume", Node("llama-lr-3e-5-f1"), "demo", (("lr", 1e-4),))]


async def test_p_prefetches_and_capital_p_stops(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "j", "p")
        await s.settle(pilot)
        row = next(line for line in s.lines if "▌" in line)
        assert "◐" in row
        await pilot.press("P")
        await s.settle(pilot)
        assert "○" in next(line for line in s.lines if "▌" in line)


async def test_capital_x_asks_before_it_stops_a_run(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "X")
        await pilot.pause()
        assert "Stop the run in llama-wd-0.1?" in s.text
        await pilot.press("n")
        assert s.workspace.called("stop") == []
        await pilot.press("X", "y")
        await s.settle(pilot)
        assert s.workspace.called("stop") == [("stop", "r-20251124-1a2b")]


async def test_capital_d_asks_and_a_fork_with_snapshots_must_be_named(stage):
    async with stage() as (s, pilot):
        await pilot.press("D", "y")
        await s.settle(pilot)
        assert s.workspace.called("delete_bucket") == [("delete_bucket", "llama-lr-3e-5-f1", False)]
        assert "llama-lr-3e-5-f1" not in s.app.session.state.buckets
        s.app.lineage.go(Node("llama-lr-1e-3"))
        await pilot.press("D", "y", "enter")
        await pilot.pause()
        assert "That is another name." in s.text
        s.write(typed="llama-lr-1e-3")
        await pilot.press("enter")
        await s.settle(pilot)
        assert s.workspace.called("delete_bucket")[1:] == [("delete_bucket", "llama-lr-1e-3", True)]
        assert "llama-lr-1e-3" not in s.app.session.state.buckets


async def test_a_fork_that_turns_out_to_have_data_must_be_named_too(stage):
    async with stage() as (s, pilot):
        s.workspace.trouble = Conflict("`x` has data of its own (3 objects).", hint="confirm it")
        await pilot.press("D", "y")
        await s.settle(pilot)
        assert "has data of its own (3 objects)" in s.text
        s.write(typed="llama-lr-3e-5-f1")
        await pilot.press("enter")
        await s.settle(pilot)
        assert s.workspace.called("delete_bucket")[-1] == ("delete_bucket", "llama-lr-3e-5-f1", True)


WHY = [
    ("llama-base", "D", "llama-base is not a fork: `explorer buckets delete llama-base`"),
    ("llama-lr-3e-5", "D", "llama-lr-3e-5-f1 was forked from llama-lr-3e-5: delete the forks first."),
    ("llama-wd-0.1", "D", "A run writes to llama-wd-0.1: stop it first (X)."),
    ("llama-lr-3e-5", "X", "is done already."),
    ("llama-lr-3e-5-f1", "x", "No run has written to llama-lr-3e-5-f1."),
    ("llama-base", "p", "A head moves on: take a snapshot with s"),
    ("llama-base@step-400", "p", "is on this disk already."),
    ("llama-base", "P", "is not being prefetched."),
    ("tokenizer", "f", "tokenizer has snapshots turned off."),
    ("tokenizer", "s", "tokenizer has snapshots turned off."),
    ("tokenizer", "d", "has no parent to differ from"),
    ("tokenizer", "n", "No filter is set"),
    ("tokenizer", "v", "Nothing is marked"),
]


async def test_a_key_that_does_not_apply_says_why(stage):
    async with stage(size=(120, 24)) as (s, pilot):
        for address, key, why in WHY:
            s.app.lineage.go(s.app.session.state.resolve(address))
            calls = len(s.workspace.calls)
            await pilot.press(key)
            await pilot.pause()
            assert why in s.text
            assert {call[0] for call in s.workspace.calls[calls:]} <= {"want", "focus", "manifest", "log"}


async def test_y_copies_the_address(stage):
    async with stage() as (s, pilot):
        await pilot.press("j", "y")
        assert s.app.clipboard == "llama-wd-0.1"


async def test_ctrl_r_refreshes(stage):
    async with stage() as (s, pilot):
        await pilot.press("ctrl+r")
        await s.settle(pilot)
        assert s.workspace.called("refresh")
        assert "refreshed" in s.text


async def test_an_error_is_one_line_with_its_hint(stage):
    async with stage(size=(120, 24)) as (s, pilot):
        s.workspace.trouble = Unreachable("No answer from 10.0.0.1.", hint="is it running?")
        await pilot.press("f")
        await s.settle(pilot)
        assert "✗ No answer from 10.0.0.1.  is it running?" in s.text
        assert "Traceback" not in s.text


async def test_a_defect_of_ours_is_one_line_too(stage):
    async with stage(size=(120, 24)) as (s, pilot):
        s.workspace.fork = lambda *a: 1 // 0
        await pilot.press("f")
        await s.settle(pilot)
        assert "Something broke: ZeroDivisionError" in s.text
        await pilot.press("j")
        assert s.view.cursor == 1


async def test_q_says_that_runs_go_on(stage, capsys):
    async with stage() as (s, pilot):
        await pilot.press("q")
    assert s.app.return_value == 0
    assert s.workspace.closed
    assert "The run in llama-wd-0.1 goes on" in capsys.readouterr().err
