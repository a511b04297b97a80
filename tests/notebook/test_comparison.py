"""What `ex.compare` returns, on a lineage that was really trained."""

import base64
import io
import re
import time

import pandas as pd
import pytest

from explorer.errors import BadInput
from explorer.notebook.followed import MOST
from tests.notebook.conftest import BASE, FORK

pytestmark = pytest.mark.xdist_group("notebook")  # one worker trains the lineage, once


@pytest.fixture
def view(ex):
    return ex.compare([BASE, FORK], metric="val_loss")


def points(view, name):
    return next(list(t.y) for t in view.figure.data if t.name == name and t.legendgroup == name)


def test_it_gives_a_figure_and_frames(view):
    from plotly.graph_objects import FigureWidget

    assert isinstance(view.figure, FigureWidget)
    assert view.figure is view.figure, "one figure for the life of a comparison"
    frame = view.to_frame()
    assert set(frame.columns) >= {"node", "step", "value", "inherited"}
    fork = frame[frame["node"] == FORK]
    assert fork[fork["inherited"]]["step"].max() == 100
    assert view.summary().loc[FORK, "changed"] == "lr 0.1"
    assert view.figure.layout.xaxis.range[0] == pytest.approx(100, abs=5), "the window starts at the fork"


def test_what_is_set_moves_the_one_figure(view):
    figure, before = view.figure, points(view, BASE)
    view.smoothing = 0.9
    assert view.figure is figure
    assert points(view, BASE) != before
    view.smoothing = 0
    assert points(view, BASE) == before
    view.metric = "loss"
    assert figure.layout.yaxis.title.text == "loss"
    view.set(x="active", log_x=True, log_y=True)
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert "time" in figure.layout.xaxis.title.text


def test_the_table_has_what_differs_and_is_filtered_and_sorted(view):
    assert list(view.table.columns[:1]) == ["lr"]
    assert view.table.loc[FORK, "lr"] == 0.1
    assert view.table.loc[FORK, "fork"] == view.table.loc[FORK, "same_until"] == 100
    view.sort = "-lr"
    assert list(view.table.index) == [FORK, BASE]
    view.filter = "lr<0.05"
    assert list(view.table.index) == [BASE]
    assert points(view, FORK) == [], "what is filtered out is not drawn"
    view.set(filter="", hidden=[BASE])
    assert points(view, BASE) == []
    assert len(view.table) == 2, "what is hidden stays in the table"


def test_a_baseline_may_be_any_place(view, ex):
    to_parent = view.table.loc[FORK, "delta"]
    view.set(baseline=ex[FORK], delta=True)
    assert view.baseline == FORK
    assert view.table.loc[BASE, "delta"] == pytest.approx(-to_parent)
    assert points(view, FORK) == []
    assert points(view, BASE) != []
    assert FORK in view.figure.layout.yaxis.title.text


def test_several_metrics_are_several_panels(ex):
    view = ex.compare([BASE, FORK], metric=["val_loss", "loss"])
    assert view.metric == ("val_loss", "loss")
    assert view.figure.layout.yaxis2.title.text == "loss"
    assert "loss" in view.table.columns
    assert set(view.to_frame()["metric"]) == {"val_loss", "loss"}


def test_as_python_it_is_the_same_comparison(view, ex):
    view.set(smoothing=0.6, colour_by="lr", x="active", sort="best", baseline=FORK)
    again = eval(view.snippet, {"explorer": __import__("explorer")})
    assert again.look == view.look
    assert again.table.equals(view.table)
    assert again.nodes == view.nodes


@pytest.mark.parametrize(
    "wrong",
    [
        {"smooting": 0.9}, {"smoothing": 1.5}, {"x": "tokens"}, {"metric": "val_los"}, {"colour_by": "lrr"},
        {"group_by": "nothing"}, {"filter": "val_los<2"}, {"sort": "bestt"}, {"baseline": "nowhere"},
    ],
)  # fmt: skip
def test_what_there_is_not_changes_nothing(view, wrong):
    look, found = view.look, view.comparisons
    with pytest.raises(BadInput if "baseline" not in wrong else KeyError) as caught:
        view.set(**wrong)
    assert caught.value.hint
    assert (view.look, view.comparisons) == (look, found)
    if "filter" not in wrong and "sort" not in wrong:
        with pytest.raises((BadInput, KeyError)):
            view._explorer.compare([BASE], **wrong)


def test_a_chosen_checkpoint_is_a_node(view, ex):
    assert view.selected is None
    view.selected = f"{BASE}@step-100"
    assert view.selected == ex[f"{BASE}@step-100"]
    marks = [t for t in view.figure.data if t.selectedpoints]
    assert len(marks) == 1
    (at,) = marks[0].selectedpoints
    assert marks[0].x[at] == 100
    view.selected = None
    assert not any(t.selectedpoints for t in view.figure.data)


@pytest.mark.parametrize("format", ["csv", "parquet", "svg", "html"])
def test_saved_is_what_is_shown(view, tmp_path, format):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    view.hidden = [BASE]
    path = view.save(tmp_path / f"curves.{format}")
    if format in ("csv", "parquet"):
        data = io.BytesIO(path.read_bytes())
        frame = pd.read_csv(data) if format == "csv" else pd.read_parquet(data)
        told = view.to_frame()
        assert list(frame["value"]) == list(told[told["node"] == FORK]["value"])
    else:
        text = path.read_text()
        assert f">{FORK}<" in text
        assert "<svg" in text


def test_an_ending_that_is_none_is_refused(view, tmp_path):
    with pytest.raises(BadInput) as caught:
        view.save(tmp_path / "curves.xls")
    assert ".parquet" in caught.value.hint
    with pytest.raises(BadInput):
        view.save(tmp_path / "nowhere" / "curves.csv")


def test_without_a_widget_it_is_a_drawing_and_a_table(view):
    html = view._repr_html_()
    (drawing,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert f">{FORK}</text>" in base64.b64decode(drawing).decode()
    assert "<svg" not in html, "what is not trusted loses it, all but its words"
    assert 'alt="val_loss of 2 nodes"' in html
    assert f"<td>{FORK}</td>" in html
    assert "<script" not in html
    assert len(html) < 60_000
    assert FORK in repr(view)


def test_parallel_coordinates_have_what_differs_and_the_metric(view):
    (trace,) = view.parallel().data
    assert [d.label for d in trace.dimensions] == ["lr", "last val_loss"]
    assert list(trace.dimensions[1].values) == list(view.table["last"])
    assert list(trace.dimensions[0].ticktext) == ["0.02", "0.1"]


def test_a_running_training_moves_its_curve_and_takes_no_zoom(ex, view, monkeypatch):
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0.02")
    run = ex[f"{BASE}@step-50"].resume(steps=130)
    view = ex.compare([BASE, run.node], metric="loss")
    view.widget()
    figure, traces = view.figure, len(view.figure.data)
    figure.plotly_relayout({"xaxis.range[0]": 40.0, "xaxis.range[1]": 90.0})
    run.wait(60)
    name = view.comparison.nodes[1].label
    until = time.monotonic() + 15
    while len(points(view, name)) < 1 + (130 - 50) / 5 and time.monotonic() < until:  # drawn behind the table
        ex.backstage.pump(look=True)
        time.sleep(0.1)
    assert view.comparison.nodes[1].x[-1] == 130, "to its last row"
    assert len(points(view, name)) == 1 + (130 - 50) / 5, (
        "the fork's point and its own, logged every five steps"
    )
    assert figure.layout.xaxis.range == (40.0, 90.0)
    assert len(figure.data) == traces
    assert view.table.loc[name, "state"] == "done"


def test_what_was_logged_before_the_figure_stood_on_the_page_arrives(ex, monkeypatch):
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0.02")
    run = ex[f"{BASE}@step-50"].resume(steps=120)
    view = ex.compare([BASE, run], metric="loss")
    assert view.nodes[1].bucket == run.bucket
    first = view.comparison.nodes[1].x[-1]
    assert first < 120
    run.wait(60)
    view.widget()
    until = time.monotonic() + 15
    while view.comparison.nodes[1].x[-1] < 120 and time.monotonic() < until:
        ex.backstage.pump()
        time.sleep(0.1)
    assert view.comparison.nodes[1].x[-1] == 120


def test_cells_that_run_again_leave_nothing_following(ex):
    for _ in range(MOST + 3):
        view = ex.compare([BASE, FORK])
        view.widget()
    assert len(ex.backstage._following) == MOST
    view.rest()
    assert len(ex.backstage._following) == MOST - 1
    view.widget()
    assert len(ex.backstage._following) == MOST


def test_places_on_an_axis_of_time_are_said_as_time(view):
    from explorer.notebook.comparison_page import table_of

    view.x = "active"
    head, first, *_ = table_of(view)
    assert first[head.index("at")].endswith("s"), "42s, 3m20s"
    view.x = "time"
    head, first, *_ = table_of(view)
    assert first[head.index("at")].count(":") == 2, "Nov 24 08:03:20"


def test_nothing_shown_is_nothing_saved(view, tmp_path):
    view.filter = "no-such-name"
    assert len(view.table) == 0
    assert "<img" not in view._repr_html_()
    with pytest.raises(BadInput):
        view.save(tmp_path / "curves.svg")
