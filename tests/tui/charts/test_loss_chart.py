"""`LossChart` on a real Textual app: the crosshair, newer data, the mouse, themes."""

from dataclasses import replace

import pytest
from textual import events
from textual.app import App

from explorer.lineage.address import Node
from explorer.metrics import Comparison
from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.charts.signs import ASCII, UNICODE
from tests.tui.charts.curves import BOTH, CHILD, PARENT


class Screen(App):
    def __init__(self, *comparisons, signs=UNICODE):
        super().__init__()
        self.chart = LossChart(comparisons, signs=signs)
        self.looked = 0

    def compose(self):
        yield self.chart

    def on_loss_chart_looked(self, message):
        self.looked += 1


def painted(chart):
    return ["".join(s.text for s in chart.render_line(y)) for y in range(chart.size.height)]


def look(chart, **told):
    chart.look(replace(chart.view, **told))


async def test_the_crosshair_walks_the_points_of_the_selected_curve():
    app = Screen(BOTH)
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.chart
        look(chart, selected=1)
        chart.cross(-1)
        assert chart.view.cursor == 100
        chart.cross(-2)
        assert chart.view.cursor == 98
        chart.zoom(0.25)
        low, high = chart.window
        assert high - low < 15
        chart.cross(-30)
        assert chart.view.cursor == 68
        assert chart.window[0] <= 68 <= chart.window[1], "the window follows"
        chart.cross_end(1)
        assert chart.window[0] < chart.view.cursor <= chart.window[1]
        await pilot.pause()
        assert app.looked == 6
        chart.look(chart.view)
        await pilot.pause()
        assert app.looked == 6, "the same view again is no news"


async def test_checkpoints_can_be_walked_and_name_their_snapshot():
    marked = replace(
        CHILD, checkpoints=((10.0, Node("main", "9")), (60.0, Node("fork", "1")), (90.0, Node("fork", "2")))
    )
    app = Screen(Comparison("loss", "step", (PARENT, marked)))
    async with app.run_test(size=(100, 24)):
        chart = app.chart
        look(chart, selected=1)
        chart.walk_checkpoints(1)
        assert chart.checkpoint == Node("fork", "1")
        assert sum(line.count("▴") for line in painted(chart)) == 3, (
            "two below, one on the curve: one is under the crosshair"
        )
        chart.walk_checkpoints(-1)
        assert chart.checkpoint == Node("main", "9")
        assert chart.window[0] <= 10, "the window follows"
        chart.walk_checkpoints(-1)
        assert chart.checkpoint == Node("fork", "2"), "round at the end"
        chart.cross(-1)
        assert chart.checkpoint is None


async def test_a_click_on_the_sign_of_a_checkpoint_is_exactly_there():
    marked = replace(CHILD, checkpoints=((60.25, Node("fork", "1")),))
    app = Screen(Comparison("loss", "step", (PARENT, marked)))
    async with app.run_test(size=(100, 24)) as pilot:
        chart = app.chart
        look(chart, selected=1)
        axis = painted(chart)[-2]
        await pilot.click(LossChart, offset=(axis.index("▴"), 22))
        assert chart.checkpoint == Node("fork", "1")


async def test_newer_data_keep_the_view_and_the_chosen_curve():
    app = Screen(BOTH)
    async with app.run_test(size=(120, 30)):
        chart = app.chart
        look(chart, selected=1, hidden=frozenset({"main"}), log_y=True, window=(60.0, 80.0), cursor=70.0)
        chart.show((Comparison("loss", "step", (CHILD, PARENT)),))
        assert (chart.view.selected, chart.view.hidden, chart.view.log_y) == (0, {"main"}, True)
        assert (chart.view.window, chart.view.cursor) == ((60.0, 80.0), 70.0)
        chart.show((Comparison("loss", "tokens", (CHILD, PARENT)),))
        assert (chart.view.window, chart.view.cursor) == (None, None), "another axis has other places"


async def test_a_click_sets_the_crosshair_and_dragging_pans():
    app = Screen(BOTH)
    async with app.run_test(size=(120, 30)) as pilot:
        chart = app.chart
        await pilot.click(LossChart, offset=(60, 10))
        cursor = chart.view.cursor
        assert 70 < cursor < 80
        chart.zoom(0.5)
        low, high = chart.window
        await pilot.mouse_down(LossChart, offset=(60, 10))
        await pilot._post_mouse_events([events.MouseMove], LossChart, offset=(90, 12), button=1)
        await pilot.mouse_up(LossChart, offset=(90, 12))
        assert chart.window[0] < low
        assert chart.window[1] - chart.window[0] == high - low
        assert chart.view.y_shift > 0
        assert chart.view.cursor == cursor


async def test_the_wheel_zooms_around_the_pointer_and_with_shift_it_pans():
    app = Screen(BOTH)
    async with app.run_test(size=(120, 30)) as pilot:
        chart = app.chart
        look(chart, full=True)
        await pilot.pause()

        async def wheel(event, **keys):
            await pilot._post_mouse_events([event], LossChart, offset=(30, 10), **keys)

        await wheel(events.MouseScrollUp)
        low, high = chart.window
        assert 0 < low < 10
        assert high < 90, "a fifth nearer, mostly at the far side"
        await wheel(events.MouseScrollUp, shift=True)
        assert chart.window[0] < low
        assert chart.window[1] - chart.window[0] == pytest.approx(high - low)
        await wheel(events.MouseScrollDown)
        await wheel(events.MouseScrollDown)
        assert chart.window == (0, 100)
        await wheel(events.MouseScrollUp, control=True)
        assert chart.view.y_zoom < 1


async def test_an_empty_chart_and_a_tiny_screen_paint():
    app = Screen()
    async with app.run_test(size=(40, 10)) as pilot:
        chart = app.chart
        chart.cross(-1)
        chart.cross_end(1)
        chart.walk_checkpoints(1)
        chart.zoom(2)
        chart.pan(1)
        assert set("".join(painted(chart))) == {" "}
        chart.show((BOTH,))
        for size in ((24, 6), (12, 5), (8, 2)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert {len(line) for line in painted(chart)} == {chart.size.width}


async def test_colour_follows_the_theme():
    app = Screen(BOTH)
    async with app.run_test(size=(80, 24)) as pilot:
        before = [s.style for s in app.chart.render_line(5)]
        app.theme = "textual-light"
        await pilot.pause()
        assert [s.style for s in app.chart.render_line(5)] != before


async def test_in_ascii_a_line_is_its_letter():
    app = Screen(BOTH, signs=ASCII)
    async with app.run_test(size=(80, 24)):
        look(app.chart, cursor=70.0, delta=False, weight=0.9)
        lines = painted(app.chart)
        assert "".join(lines).isascii()
        assert sum(line.count("a") for line in lines[1:-2]) > 10
        assert sum(line.count("b") for line in lines[1:-2]) > 10
