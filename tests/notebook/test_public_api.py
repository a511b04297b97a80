"""`import explorer` is what a training script pays for: names are promised, nothing is loaded."""

import subprocess
import sys

import pytest

import explorer


def modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('MODULES', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("MODULES", 1)[1].split())


def test_importing_explorer_loads_no_room():
    loaded = {name for name in modules_after("import explorer") if name.startswith("explorer.")}
    assert loaded == set()


def test_listing_its_names_loads_no_room():
    assert not any(
        m.startswith("explorer.")
        for m in modules_after("import explorer; dir(explorer); explorer.__version__")
    )


def test_the_recorder_brings_no_screen():
    loaded = modules_after("import explorer; explorer.Run")
    assert not loaded & {"ipywidgets", "anywidget", "plotly", "pandas", "textual"}


def test_open_brings_no_plot_and_no_table():
    """A script that only forks must not wait for plotly and pandas."""
    loaded = modules_after("import explorer; explorer.open")
    assert not loaded & {"plotly", "pandas", "numpy", "boto3", "ipywidgets", "textual"}


def test_every_promised_name_is_there():
    assert {name: getattr(explorer, name) for name in explorer.__all__}
    assert sorted(explorer.__all__) == dir(explorer)
    assert explorer.errors.NotFound is __import__("explorer.errors").errors.NotFound


def test_a_name_that_is_not_promised_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nope"):
        explorer.nope  # noqa: B018


def test_an_error_in_a_cell_shows_the_readers_line_and_the_hint():
    import nbclient
    from nbformat.v4 import new_code_cell, new_notebook

    code = "from explorer.lineage.address import Address\n\nAddress.parse('No Bucket')"
    notebook = new_notebook(cells=[new_code_cell(code)])
    nbclient.NotebookClient(notebook, allow_errors=True, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output.traceback[0] == "line 3: Address.parse('No Bucket')"
    assert output.traceback[-2].startswith("BadInput: `No Bucket` is not a bucket name.")
    assert output.traceback[-1].startswith("hint: bucket names are 3-63 of a-z")
    assert len(output.traceback) == 3
