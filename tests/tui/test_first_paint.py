"""What must not be imported before the first paint."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("boto3", "botocore", "obstore", "pandas", "numpy", "plotly", "granian", "ipywidgets")
SCRIPT = """
import sys
from explorer.settings import Settings
from pathlib import Path
import explorer.tui, explorer.tui.app as app
from explorer.workspace.seen import read_seen

seen = []

class Probe(app.ExplorerApp):
    def open(self):
        seen.append("painted")
        seen.extend(name for name in {heavy} if name in sys.modules)
        self.exit(0)

Probe(lambda: None, read_seen(Settings(Path(sys.argv[1])))).run(headless=True)
print(*seen)
"""


def test_nothing_heavy_is_imported_before_the_first_paint(tmp_path):
    script = tmp_path / "probe.py"  # a file: Textual looks for the source of an app
    script.write_text(SCRIPT.format(heavy=HEAVY))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "painted"
