"""The screen follows the state: newest wins, bursts cost one repaint, the cursor keeps its node."""

from __future__ import annotations

import threading

from explorer.errors import NotAllowed
from explorer.lineage.address import Node
from explorer.lineage.events import BucketDeleted, Failed, Forked, PrefetchMoved, RunChanged, SnapshotTaken
from explorer.lineage.values import Bucket, Failure, Progress, RunView, Snapshot
from explorer.tui.app import ExplorerApp
from tests.tui.conftest import Stage
from tests.tui.synthetic import NOW_NS, empty, many, version, week


async def test_the_first_paint_is_the_last_seen_lineage_and_goes_live_behind_it():
    made = Stage(week())
    opening = threading.Event()

    def connect():
        opening.wait(5)
        return made.workspace

    app = made.app = ExplorerApp(connect, empty(stale=True), clock=lambda: NOW_NS)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.1)
        assert "opening local store" in made.text
        await pilot.press("z")
        assert "The store is not open yet" in made.text
        opening.set()
        while app.session.workspace is None:
            await made.settle(pilot)
        assert "llama-base" in made.text
        assert "2s ago" in made.lines[0]


async def test_a_store_that_cannot_be_opened_keeps_the_last_seen_lineage_and_says_why():
    def connect():
        raise NotAllowed("The store refused these credentials.", hint="profile `x` was used")

    made = Stage(week())
    made.app = ExplorerApp(connect, week(), clock=lambda: NOW_NS)
    async with made.app.run_test(size=(120, 24)) as pilot:
        await pilot.pause(0.1)
        await made.settle(pilot)
        assert "not refreshed" in made.lines[0]
        assert "The store refused these credentials.  profile `x` was used" in made.text
        assert "llama-base" in made.text


async def test_ctrl_r_tries_to_open_again():
    made = Stage(week())
    tries = []

    def connect():
        tries.append(1)
        if len(tries) == 1:
            raise NotAllowed("No.", hint="try again")
        return made.workspace

    made.app = ExplorerApp(connect, week(), clock=lambda: NOW_NS)
    async with made.app.run_test(size=(80, 24)) as pilot:
        while made.app.session.trouble is None:
            await made.settle(pilot)
        await pilot.press("ctrl+r")
        while made.app.session.workspace is None:
            await made.settle(pilot)
        assert len(tries) == 2
        assert "2s ago" in made.lines[0]


async def test_a_burst_of_10000_events_costs_few_repaints(stage):
    async with stage() as (s, pilot):
        node = s.node
        painted = []
        show = s.view.show
        s.view.show = lambda state: (painted.append(state.revision), show(state))

        def burst():
            for done in range(10_000):
                s.workspace.emit(PrefetchMoved(node, Progress(done, 10_000, active=True)))

        thread = threading.Thread(target=burst)
        thread.start()
        while thread.is_alive():
            await pilot.pause(0.02)
        await s.settle(pilot)
        assert painted[-1] == s.workspace.state.revision
        assert len(painted) < 1_000


async def test_the_cursor_stays_on_its_node_when_rows_come_and_go(stage):
    async with stage() as (s, pilot):
        await pilot.press(*"jjjjjj")
        node = s.node
        s.workspace.emit(SnapshotTaken(Snapshot("llama-base", str(NOW_NS), "step-1000")))
        await s.settle(pilot)
        assert s.node == node
        assert "llama-base@step-1000" in s.text
        s.workspace.emit(BucketDeleted("llama-lr-3e-5-f1"))
        await s.settle(pilot)
        assert s.node == node
        s.workspace.emit(BucketDeleted(node.bucket))
        await s.settle(pilot)
        assert s.node is not None
        assert s.node.bucket != node.bucket


async def test_scrolled_away_the_rows_on_screen_stand_still(stage):
    async with stage(many(300)) as (s, pilot):
        await pilot.press("pagedown", "pagedown", "pagedown")
        node, line = s.node, s.view.cursor - s.view.scroll_offset.y
        s.workspace.emit(
            Forked(Bucket("new-fork", NOW_NS, s.app.session.state.buckets["run-000"].snapshots[0].node))
        )
        await s.settle(pilot)
        assert (s.node, s.view.cursor - s.view.scroll_offset.y) == (node, line)


async def test_runs_and_failures_arrive_on_their_rows(stage):
    async with stage() as (s, pilot):
        run = RunView("r-9", "llama-lr-3e-5-f1", None, "queued", NOW_NS)
        s.workspace.emit(RunChanged(run))
        await s.settle(pilot)
        assert "wait" in next(line for line in s.lines if "llama-lr-3e-5-f1" in line)
        s.workspace.emit(Failed(Node("llama-lr-3e-5-f1"), Failure("It broke.", "mend it", NOW_NS)))
        await s.settle(pilot)
        assert "⚠ It broke.  mend it" in s.text
        s.workspace.emit(Failed(None, Failure("No answer from the store.", "is it up?", NOW_NS)))
        await s.settle(pilot)
        assert "not refreshed" in s.lines[0]
        assert "No answer from the store.  is it up?" in s.text


async def test_marks_of_nodes_that_are_gone_are_forgotten(stage):
    async with stage() as (s, pilot):
        await pilot.press("space", "j", "space")
        assert "2 marked" in s.lines[0]
        s.workspace.emit(BucketDeleted("llama-lr-3e-5-f1"))
        await s.settle(pilot)
        assert "1 marked" in s.lines[0]
        await pilot.press("escape")
        assert "marked" not in s.lines[0]


async def test_the_workspace_is_told_what_is_on_screen_and_where_the_cursor_rests(stage):
    async with stage(many(300)) as (s, pilot):
        await pilot.press("G")
        await pilot.pause(0.3)
        wanted = s.workspace.called("want")[-1][1]
        assert set(wanted) == {
            s.view.rows.node(row) for row in range(s.view.scroll_offset.y, len(s.view.rows))
        }
        assert wanted[0] == s.node
        assert s.workspace.called("focus")[-1] == ("focus", s.node)
        before = len(s.workspace.called("focus"))
        await pilot.press("k", "k", "k")
        await pilot.pause(0.3)
        assert len(s.workspace.called("focus")) == before + 1, "only where it rests"


async def test_a_large_tree_is_laid_out_behind_the_screen(stage):
    async with stage(many(6_000)) as (s, pilot):
        await pilot.press("j")
        node = s.node
        s.workspace.emit(SnapshotTaken(Snapshot("run-000", version(-1), "step-99999")))
        while len(s.view.rows) == 6_000:
            await s.settle(pilot)
        assert len(s.view.rows) == len(many(6_000).buckets) * (6_000 // 25) + 1
        assert s.node == node
