"""The chart of what `explorer demo --headless` trained: `python -m tests.bench.metrics.demo_picture DATA OUT ADDR…`."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from explorer.settings import read_settings
from explorer.workspace.opener import open_workspace
from tests.bench.metrics import pictures

if __name__ == "__main__":
    data, out, *addresses = sys.argv[1:]
    workspace = open_workspace(replace(read_settings(environ={}), data=Path(data)))
    workspace.refresh()
    workspace.read_overrides()
    made = workspace.compare([workspace.resolve(a) for a in addresses])
    pictures.comparison = lambda **_: made
    pictures.STATES = {
        "demo": ((120, 34), {}, ("down", "down", "down")),
        "demo-full": ((120, 34), {}, ("w", "s")),
    }
    for name in pictures.STATES:
        asyncio.run(pictures.shoot(name, out))
    workspace.close()
