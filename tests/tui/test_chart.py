"""`LossChart` driven by keys and clicks on a real Textual app."""

from dataclasses import replace

from textual.app import App

from explorer.lineage.address import Node
from explorer.metrics import Comparison
from explorer.tui.charts.loss_chart import LossChart
from tests.tui.test_chart_drawing import BOTH, CHILD, PARENT


class Screen(App):
    def __init__(self, comparison):
        super().__init__()
        self.comparison = comparison
        self.selected = []

    def compose(self):
        yield LossChart(self.comparison)

    def on_mount(self):
        self.query_one(LossChart).focus()

    def on_loss_chart_selected(self, message):
        self.selected.append((message.curve, message.x))


def painted(chart):
    return ["".join(s.text for s in chart.render_line(y)) for y in range(chart.size.height)]


async def test_keys_move_the_crosshair_choose_hide_and_zoom():
    app = Screen(BOTH)
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(LossChart)
        assert len(painted(chart)) == 24
        await pilot.press("j", "left")
        assert chart.view.selected == 1
        assert chart.view.cursor == 100
        await pilot.press("left", "left")
        assert chart.view.cursor == 98
        await pilot.press("space")
        assert chart.view.hidden == {"fork"}
        await pilot.press("space", "plus")
        low, high = chart.view.window
        assert high - low < 30
        await pilot.press("h", "0", "w")
        assert chart.lines.window(chart.view) == (0, 100)
        await pilot.press("y", "s", "d", "t", "o")
        assert chart.view.log_y
        assert chart.view.delta
        assert chart.view.hidden == {"main"}
        assert app.selected[-1] == (1, None)


async def test_checkpoints_can_be_walked_and_name_their_snapshot():
    marked = replace(CHILD, checkpoints=((60.0, Node("fork", "1")), (90.0, Node("fork", "2"))))
    app = Screen(Comparison("loss", "step", (PARENT, marked)))
    async with app.run_test(size=(100, 24)) as pilot:
        chart = app.query_one(LossChart)
        await pilot.press("j", "right_square_bracket")
        assert chart.checkpoint == Node("fork", "1")
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert chart.view.cursor == 60  # round to the first
        await pilot.press("left_square_bracket")
        assert chart.checkpoint == Node("fork", "2")
        assert sum(line.count("▴") for line in painted(chart)) == 2
        await pilot.press("left")
        assert chart.checkpoint is None


async def test_newer_data_keep_the_view_and_the_chosen_curve():
    app = Screen(BOTH)
    async with app.run_test(size=(120, 30)) as pilot:
        chart = app.query_one(LossChart)
        await pilot.press("j", "space", "y")
        chart.show(Comparison("loss", "step", (CHILD, PARENT)))
        await pilot.pause()
        assert chart.view.selected == 0
        assert chart.view.hidden == {"fork"}
        assert chart.view.log_y
        assert any("fork" in line for line in painted(chart))


async def test_a_click_sets_the_crosshair_and_one_in_the_legend_chooses():
    app = Screen(BOTH)
    async with app.run_test(size=(120, 30)) as pilot:
        chart = app.query_one(LossChart)
        await pilot.click(LossChart, offset=(50, 10))
        assert chart.view.cursor is not None
        line, start, curve = chart._frame.legend[-1]
        await pilot.click(LossChart, offset=(start + 10, line))
        assert chart.view.selected == curve == 1
        await pilot.click(LossChart, offset=(start + 4, line))
        assert chart.view.hidden == {"fork"}


async def test_an_empty_chart_and_a_tiny_screen_paint():
    app = Screen(None)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("left", "plus", "space", "o", "end", "h")
        assert set("".join(painted(app.query_one(LossChart)))) == {" "}
        app.query_one(LossChart).show(BOTH)
        await pilot.resize_terminal(24, 6)
        await pilot.pause()
        chart = app.query_one(LossChart)
        assert {len(line) for line in painted(chart)} == {chart.size.width}


async def test_colour_follows_the_theme(monkeypatch):
    app = Screen(BOTH)
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(LossChart)
        before = [s.style for s in chart.render_line(5)]
        app.theme = "textual-light"
        await pilot.pause()
        assert [s.style for s in chart.render_line(5)] != before
