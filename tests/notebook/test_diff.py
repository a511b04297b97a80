"""Diffs in a notebook: filtered, by value, of three places; the numbers against numpy."""

from __future__ import annotations

import io
import re
import threading

import numpy as np
import pytest
from safetensors.numpy import load

from explorer.errors import BadInput
from explorer.lineage.address import Address
from explorer.lineage.values import Range
from tests.notebook.conftest import BASE, FORK


@pytest.fixture
def diff(ex):
    return ex[f"{BASE}@step-150"].diff(f"{FORK}@step-150")


def weights(ex, place: str) -> dict[str, np.ndarray]:
    node = ex.workspace.resolve(Address.parse(place))
    key = "checkpoints/step-000150/model.safetensors"
    return load(ex.workspace._core.store.read(node, Range(key)))


def test_values_are_compared_in_the_background_and_are_what_numpy_says(ex, diff):
    values = diff.values("layers.*")
    frame = values.to_frame()
    assert values.done
    a, b = weights(ex, f"{BASE}@step-150"), weights(ex, f"{FORK}@step-150")
    model = frame[frame["part"] == "model"].set_index("name")
    assert set(model.index) == {name for name in a if name.startswith("layers.")}
    for name, row in model.iterrows():
        x, y = a[name].astype("f8").reshape(-1), b[name].astype("f8").reshape(-1)
        assert row["relative"] == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x))
        assert row["equal_share"] == pytest.approx(float((x == y).mean()))
    assert "differ in value" in repr(values)


def test_what_it_takes_is_said_before_and_it_starts_when_told(diff):
    values = diff.values(start=False)
    said = re.search(r"(\d+) tensors, \d+ kB to read, under 1 s at", repr(values))
    assert said is not None
    assert values.progress[0] == 0
    assert len(values.wait().to_frame()) == int(said[1])
    assert values.progress[0] == values.progress[1] > 0


def test_a_cancelled_one_keeps_what_it_has(diff, monkeypatch):
    from explorer.workspace import value_statistics

    gate, real = threading.Event(), value_statistics._merged

    def waiting(fetch, wants):
        gate.wait(20)
        return real(fetch, wants)

    monkeypatch.setattr(value_statistics, "_merged", waiting)
    values = diff.values()
    widget = values.widget()
    assert not values.done
    assert widget.children[0].children[0].description == "Cancel"
    widget.children[0].children[0].click()
    gate.set()
    values.wait(20)
    assert values.to_frame().empty
    assert "stopped after 0 of" in repr(values)


def test_the_button_of_what_has_not_begun_begins_it(diff):
    values = diff.values(start=False)
    widget = values.widget()
    button, bar, words = widget.children[0].children
    assert (button.description, bar.value) == ("Compare", 0)
    assert "to read" in words.value
    button.click()
    values.wait(20)
    assert bar.value == 1
    assert button.layout.display == "none"
    assert "layers.0.weight" in widget.children[1].value
    bundle = values._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "layers.0.weight" in bundle["text/html"]


def test_one_content_is_not_read(ex):
    values = ex[f"{BASE}@step-100"].diff(FORK).values()
    assert values.plan.read_bytes > 0
    same = ex[f"{BASE}@step-100"].diff(f"{BASE}@step-100").values()
    frame = same.to_frame()
    assert same.plan.read_bytes == 0
    assert frame["identical"].all()
    assert (frame["relative"] == 0).all()


def test_no_match_and_nothing_comparable_say_so(diff):
    with pytest.raises(BadInput) as caught:
        diff.values("nothing*")
    assert "nothing*" in str(caught.value)
    assert caught.value.hint


def test_filters_narrow_what_is_shown_framed_and_compared(diff):
    narrow = diff.filter("layers.?.weight", section="tensors")
    assert set(narrow.to_frame()["section"]) == {"tensors"}
    assert "layers.0.weight" in narrow._repr_html_()
    assert "optimizer.lr" not in narrow._repr_html_()
    assert {told.name for told in narrow.values().wait().found} == {f"layers.{at}.weight" for at in range(3)}
    assert set(diff.filter(kind="changed").to_frame()["change"]) == {"changed"}
    assert "No row matches" in diff.filter("nothing-like-this")._repr_html_()
    with pytest.raises(BadInput) as caught:
        diff.filter(kind="gone")
    assert "kinds are" in str(caught.value)


def test_unchanged_rows_on_request(diff):
    assert "same" not in set(diff.to_frame()["change"])
    everything = diff.filter(unchanged=True)
    assert "same" in set(everything.to_frame()["change"])
    assert len(everything.to_frame()) > len(diff.to_frame())


def test_three_places(ex):
    told = ex[FORK].three_way()
    frame = told.to_frame()
    assert {"fork: config", "parent: state"} <= set(frame["section"])
    assert "changed by both" in told._repr_html_()
    assert told.to_json()["fork"]["a"] == f"{BASE}@step-100"
    assert bool(told)
    with pytest.raises(BadInput):
        ex.three_way(BASE)


def test_the_frame_and_its_csv_start_no_formula(diff):
    sink = io.StringIO()
    diff.to_frame().to_csv(sink, index=False)
    assert not re.search(r'(?m)(?:^|,)"?[=+@]', sink.getvalue())
