import math
import struct
import sys
from xml.etree import ElementTree

import pandas as pd
import pytest

from explorer.errors import BadInput
from explorer.metrics import Subject, compare
from explorer.metrics.export import export
from explorer.metrics.svg import HEIGHT, WIDTH
from tests.metrics.lineages import attempt, branch, dense

HOSTILE = '<script>"&'


@pytest.fixture
def comparison():
    rows = dense(0, 200, value=1.0) | {150.0: math.nan}
    root = branch("root", attempt(rows))
    child = branch("child", attempt(dense(101, 150, value=0.5), bucket="child", restored_step=100.0))
    return compare(
        [
            Subject(root.node, HOSTILE, (), (root,)),
            Subject(child.node, "child", (("lr", 3e-5),), (root, child), (root,)),
        ]
    )


def test_csv_says_the_points_exactly(comparison, tmp_path):
    (tmp_path / "a.csv").write_bytes(export(comparison, "csv"))
    read = pd.read_csv(tmp_path / "a.csv", dtype={"value": str})
    child = read[read.node == "child"]
    assert list(map(float, child.value)) == list(comparison.nodes[1].values)
    assert child.inherited.sum() == 101


def test_svg_is_well_formed_and_quotes_names(comparison):
    for told in ({}, {"full": True}, {"log_y": True}):
        root = ElementTree.fromstring(export(comparison, "svg", **told))
        texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
        assert HOSTILE in texts
        paths = [e.get("d") for e in root.iter("{http://www.w3.org/2000/svg}path")]
        assert not any("nan" in d for d in paths)
        # NaN lifts the pen: one line in two strokes
        assert any(d.count("M") == 2 and d.count("L") > 20 for d in paths)


def test_a_page_loads_nothing(comparison):
    page = export(comparison, "html", rows=[["a", "b"], [HOSTILE, "2"]]).decode()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page


def test_an_unknown_format_names_the_known_ones(comparison):
    with pytest.raises(BadInput) as caught:
        export(comparison, "gif")
    assert "svg" in caught.value.hint


def test_a_png_is_the_drawing_at_twice_its_size(comparison):
    made = export(comparison, "png")
    assert made[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", made[16:24]) == (2 * WIDTH, 2 * HEIGHT)
    assert made != export(comparison, "png", log_y=True)


def test_what_a_png_lacks_is_said(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(BadInput) as caught:
        export(comparison, "png")
    assert "pip install" in caught.value.hint
