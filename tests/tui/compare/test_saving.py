"""Taking a comparison along: files, Python, the command."""

import argparse
import ast
import io
import shlex
from dataclasses import replace

import pandas as pd
import pytest

from explorer.cli.compare import register
from explorer.errors import BadInput
from explorer.lineage.address import Node
from explorer.lineage.values import StoreInfo
from explorer.notebook.look import Look, changed
from explorer.tui.charts.numbers import Counter, Sorting
from explorer.tui.charts.view import View
from explorer.tui.screens.compare.code import Asked
from explorer.tui.screens.compare.saving import FORMATS, write
from explorer.tui.screens.save_as import objection
from tests.tui.charts.curves import BOTH

OTHER = replace(BOTH, metric="val/loss")


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"png", "parquet"}))
def test_each_format_is_written_where_it_was_asked_for(tmp_path, format):
    target = tmp_path / f"out.{format}"
    assert write((BOTH,), Counter().rows((BOTH,)), View(), target) == (target,)
    assert b"main" in target.read_bytes()
    assert b"fork" in target.read_bytes()


def test_what_is_hidden_is_left_out_and_each_metric_has_a_file(tmp_path):
    written = write(
        (BOTH, OTHER), Counter().rows((BOTH, OTHER)), View(hidden=frozenset({"fork"})), tmp_path / "out.csv"
    )
    assert [path.name for path in written] == ["out-loss.csv", "out-val-loss.csv"]
    table = pd.read_csv(io.BytesIO(written[0].read_bytes()))
    assert set(table["node"]) == {"main"}


def test_the_page_has_the_table(tmp_path):
    (path,) = write((BOTH,), Counter().rows((BOTH,)), View(), tmp_path / "out.html")
    page = path.read_text()
    assert "<th>NODE</th>" in page
    assert "−5.000" in page


def test_what_cannot_be_written_says_why(tmp_path):
    assert "no folder" in objection(tmp_path / "no" / "out.csv", FORMATS)
    assert ".parquet" in objection(tmp_path / "out.xls", FORMATS)
    (tmp_path / "out.csv").mkdir()
    assert "is a folder" in objection(tmp_path / "out.csv", FORMATS)
    with pytest.raises(BadInput) as caught:
        write((BOTH,), (), View(), tmp_path / "out.csv")
    assert caught.value.hint


async def test_the_form_goes_through_formats_and_says_where_it_wrote(stage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with stage(size=(120, 40)) as (s, pilot):
        await pilot.press("j", "j", "c")
        await s.settle(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert "compare-loss.html" in s.text
        await pilot.press("down")
        assert "every point as a row, for a spreadsheet" in s.text
        await pilot.press("enter")
        await s.settle(pilot)
        assert f"written: {tmp_path / 'compare-loss.csv'}" in s.text.replace("\n", "")
    assert (tmp_path / "compare-loss.csv").read_text().startswith("node,step")


STORE = StoreInfo("t3.storage.dev", "https://t3.storage.dev", is_local=False)


def asked(**told):
    return Asked(
        **{
            "store": STORE,
            "nodes": (Node("a"), Node("b", "17")),
            "metrics": ("loss",),
            "x": "step",
            "view": View(),
            **told,
        }
    )


def test_the_python_names_store_nodes_and_metric():
    for metrics in (("loss",), ("loss", 'odd "name"')):
        tree = ast.parse(asked(metrics=metrics).python)
        said = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        assert {"https://t3.storage.dev", "a", "b@17", *metrics} <= set(said)
    assert "explorer.open()" in asked(store=replace(STORE, is_local=True)).python


def test_the_notebook_understands_every_setting():
    view = View(
        full=True, log_x=True, log_y=True, weight=0.9, delta=True, tails=True, colour_by="lr", means=True
    )
    view = replace(view, hidden=frozenset({"fork"}))
    told = asked(
        x="tokens",
        view=view,
        baseline=Node("b"),
        filter_text="lr>1",
        sorting=Sorting("best", descending=True),
    )
    (call,) = [n for n in ast.walk(ast.parse(told.python)) if isinstance(n, ast.Call) and n.keywords]
    look = changed(Look(), {k.arg: ast.literal_eval(k.value) for k in call.keywords})
    assert look == Look(
        ("loss",),
        "tokens",
        0.9,
        False,
        True,
        True,
        True,
        "b",
        "lr",
        "lr",
        True,
        "lr>1",
        "-best",
        frozenset({"fork"}),
    )


def test_the_command_line_understands_every_setting():
    view = View(full=True, log_x=True, log_y=True, weight=0.9, delta=True, colour_by="lr")
    sorting = Sorting("best", descending=True)
    told = asked(
        metrics=("loss", "lr"), x="tokens", view=view, baseline=Node("b"), filter_text="lr>1", sorting=sorting
    )
    name, *argv = shlex.split(told.command)
    assert name == "explorer"
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    understood = vars(parser.parse_args(argv[argv.index("compare") :]))
    assert understood["addresses"] == ["a", "b@17"]
    assert understood["metric"] == ["loss", "lr"]
    for setting, value in {
        "x": "tokens", "smoothing": 0.9, "baseline": "b", "filter": "lr>1", "sort": "-best", "group_by": "lr",
        "full": True, "log_x": True, "log_y": True, "delta": True,
    }.items():  # fmt: skip
        assert understood[setting] == value
