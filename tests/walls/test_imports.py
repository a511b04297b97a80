"""What an entry point imports is what a user waits for: looked at in a process of its own."""

import subprocess
import sys

import pytest

HEAVY = (
    "textual",
    "boto3",
    "botocore",
    "pandas",
    "numpy",
    "plotly",
    "ipywidgets",
    "granian",
    "obstore",
    "torch",
)


def modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('MODULES', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("MODULES", 1)[1].split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import explorer", ()),
        ("from explorer.cli import main; main(['--version'])", ()),
        ("from explorer.cli import build_parser; build_parser()", ()),
        ("import explorer.lineage.state, explorer.lineage.rows, explorer.settings", ()),
        ("import explorer.checkpoints, explorer.metrics, explorer.access", ()),
        ("import explorer.workspace.seen, explorer.workspace.workspace", ()),
        ("import explorer.tui.app", ("textual",)),
        ("import explorer.localstore", ()),
        ("import explorer.recorder", ()),
    ],
)
def test_entry_points_import_nothing_heavy(code, allowed):
    loaded = modules_after(code)
    assert [name for name in HEAVY if name in loaded and name not in allowed] == []
