"""Every notebook runs top to bottom on a store of its own, and is kept without what running leaves behind."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def said(cell):
    """What a cell printed, and the plain text of what it showed."""
    outputs = cell.get("outputs", [])
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


@pytest.mark.timeout(240)
def test_branching_does_what_it_says(tmp_path):
    import nbclient  # seconds, by the grammars that jsonschema reads: not while tests are collected
    import nbformat

    notebook = nbformat.read(FOLDER / "branching.ipynb", 4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, store_widget_state=False, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    told = {cell.source.splitlines()[-1]: said(cell) for cell in notebook.cells if cell.cell_type == "code"}
    assert "8 buckets, 7 forks" in told["ex"], "the tree at the end has all forks"
    assert "did you mean `weight_decay`?" in told["    print(error.hint)"]
    assert "smoothing=0.6, colour_by='lr'" in told["comparison.snippet"]
    assert "spirals@step-150" in told["comparison.selected"]
    assert "same_until" in told['comparison.table[["fork", "same_until", "parts_at"]]']
    assert "spirals-lr-0.1" in told["best"], "the larger learning rate is the best of them"
    assert "lr 0.02 → 0.1" in told['ex["spirals@step-200"].diff(best)']
    assert "on this disk" in told["ahead.prefetch().wait()"]
    assert told["ex.undo()"] == "'snapshot spirals@before-lunch'"
    logs = [said(c) for c in notebook.cells if c.source.endswith("print(run.logs())")]
    assert "prefetched" in logs[-1], "the resume read its files from this disk"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path):
    import nbformat

    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert "widgets" not in notebook.metadata
