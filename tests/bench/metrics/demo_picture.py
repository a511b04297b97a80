"""The compare screen on what `explorer demo --headless` trained.

`python -m tests.bench.metrics.demo_picture DATA FOLDER ADDRESS…` (needs chromium).
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from explorer.settings import read_settings
from explorer.workspace.opener import open_workspace
from tests.bench.metrics import pictures

LOOKS = {
    "demo": ((140, 40), {}, ("down", "]", "]")),
    "demo-small": ((80, 24), {}, ("down",)),
    "demo-full": ((140, 40), {}, ("w", "s", "y")),
    "demo-stacked": ((140, 40), {}, ("m", "down", "tab", "enter")),
}

if __name__ == "__main__":
    data, folder, *addresses = sys.argv[1:]
    pictures.STATES = LOOKS
    Path(folder).mkdir(exist_ok=True)
    for name in LOOKS:  # each leaves its workspace closed
        workspace = open_workspace(replace(read_settings(environ={}), data=Path(data)))
        workspace.refresh()
        workspace.read_overrides()
        nodes = tuple(workspace.resolve(address) for address in addresses)
        asyncio.run(pictures.shoot(name, folder, workspace, nodes))
