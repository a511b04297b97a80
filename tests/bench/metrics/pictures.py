"""Every state of the chart as a PNG: `python -m tests.bench.metrics.pictures FOLDER` (needs chromium)."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from textual.app import App

from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.theme import DARK, LIGHT
from tests.bench.metrics.curves import comparison

STATES = {
    "default": ((140, 40), {}, ()),
    "full": ((140, 40), {}, ("w",)),
    "crosshair": ((140, 40), {}, (*["left"] * 30, "down")),
    "smoothed": ((140, 40), {"noise": 0.15}, ("s", "s")),
    "delta": ((120, 30), {}, ("d",)),
    "log": ((120, 30), {}, ("w", "y")),
    "nan": ((120, 30), {"blow_up": True}, ()),
    "many": ((140, 40), {"forks": 19}, ("down",)),
    "small": ((80, 24), {}, ("down", *["left"] * 12)),
    "tiny": ((40, 10), {}, ()),
    "light": ((120, 30), {}, ()),
    "no-colour": ((100, 30), {}, ()),
}


class Screen(App):
    CSS = "Screen { padding: 0; }"

    def __init__(self, made, theme):
        super().__init__()
        self.made, self.wanted = made, theme

    def compose(self):
        yield LossChart(self.made)

    def on_mount(self):
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self.wanted
        self.query_one(LossChart).focus()


async def shoot(name, folder):
    import os

    size, told, keys = STATES[name]
    if name == "no-colour":
        os.environ["NO_COLOR"] = "1"
    app = Screen(comparison(**told), "explorer-light" if name == "light" else "explorer-dark")
    os.environ.pop("NO_COLOR", None)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        # a font without braille lets the browser take another one, of another width: FreeMono has it
        svg = app.export_screenshot().replace("Fira Code", "DejaVu Sans Mono, FreeMono")
    width, height = (round(float(n)) for n in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    source, target = Path(folder) / f"{name}.svg", Path(folder) / f"{name}.png"
    source.write_text(svg)
    shot = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    shot += [f"--window-size={width},{height}", f"--screenshot={target}", f"file://{source.resolve()}"]
    subprocess.run(shot, check=True, capture_output=True, timeout=60)
    source.unlink()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for name in sys.argv[2:] or STATES:
        asyncio.run(shoot(name, folder))
