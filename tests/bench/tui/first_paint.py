"""Start of the real program to its first paint, with a last-seen lineage on disk: `python -m tests.bench.tui.first_paint`.

Opens a local store in a folder of its own, once to fill it and then RUNS times; stops the server at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from explorer.settings import Settings
from explorer.workspace.seen import write_seen
from tests.bench.tui.terminal import Terminal
from tests.tui.synthetic import week

RUNS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXPLORER_DATA"] = folder
        write_seen(Settings(Path(folder)), week())
        times = []
        for _ in range(RUNS):
            terminal = Terminal([sys.executable, "-m", "explorer"])
            times.append((terminal.until(b"llama-base"), terminal.cpu_ms()))
            terminal.close()
        times.sort()
        print(
            f"first paint: best {times[0][0]:.0f} ms, median {times[RUNS // 2][0]:.0f} ms; CPU {times[0][1]:.0f} ms"
        )
        subprocess.run([sys.executable, "-m", "explorer", "serve", "--stop"], check=False)


if __name__ == "__main__":
    main()
