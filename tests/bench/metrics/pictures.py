"""Every state of the compare screen as a PNG: `python -m tests.bench.metrics.pictures FOLDER [NAME…]` (chromium)."""

import asyncio
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.state import State
from explorer.lineage.values import Bucket, RunView, Snapshot
from explorer.metrics import compare
from explorer.tui.app import ExplorerApp
from explorer.tui.glyphs import ASCII, UNICODE
from explorer.tui.screens.compare import CompareScreen
from tests.bench.metrics.curves import lineage
from tests.tui.stage import MemoryWorkspace
from tests.tui.synthetic import NOW_NS, STORE

WIDE, SMALL = (140, 40), (80, 24)
STATES = {
    "default": (WIDE, {}, ()),
    "full": (WIDE, {}, ("w",)),
    "crosshair": (WIDE, {}, ("down", *["shift+left"] * 4)),
    "checkpoint": (WIDE, {}, ("down", "]", "]")),
    "smoothed": (WIDE, {"noise": 0.15}, ("s", "s", "s")),
    "delta": (WIDE, {}, ("d",)),
    "baseline": (WIDE, {}, ("down", "b")),
    "lost-work": (WIDE, {"lost": True}, ("down", "t")),
    "log": (WIDE, {}, ("w", "y", "X")),
    "diverged": (WIDE, {"blow_up": True}, ()),
    "diverged-two": (WIDE, {"forks": 2, "blow_up": True}, ()),
    "diverged-all": (WIDE, {"blow_up": True}, ("a",)),
    "many": (WIDE, {"forks": 19}, ("down",)),
    "grouped": (WIDE, {"forks": 9}, ("g", "enter")),
    "means": (WIDE, {"forks": 9}, ("g", "enter", "G")),
    "stacked": (WIDE, {}, ("m", "down", "tab", "tab", "enter")),
    "overlaid": (WIDE, {}, ("m", "down", "tab", "enter", "O", "y")),
    "picker": (WIDE, {}, ("m", *"vlo")),
    "sorted": (WIDE, {}, (">", ">", ">", ">", "i")),
    "filtered": (WIDE, {}, ("/", *"lr>1e-4 last<2", "enter")),
    "filtering": (SMALL, {}, ("/", *"lossy<2")),
    "export": (WIDE, {}, ("e", "down")),
    "table": (WIDE, {"forks": 19}, ("v", "v")),
    "chart": (WIDE, {}, ("v",)),
    "zoomed": (WIDE, {}, ("left", "left", "+", "+")),
    "help": (WIDE, {}, ("?",)),
    "small": (SMALL, {}, ("down", *["left"] * 12)),
    "small-default": (SMALL, {}, ()),
    "small-stacked": (SMALL, {}, ("m", "down", "tab", "enter")),
    "small-many": (SMALL, {"forks": 19}, ()),
    "tiny": ((40, 10), {}, ()),
    "light": (WIDE, {}, ("down",)),
    "light-grouped": (WIDE, {"forks": 9}, ("g", "enter", "G")),
    "no-colour": ((100, 30), {}, ()),
    "ascii": ((100, 30), {}, ("down", "]")),
    "live": (WIDE, {"running": True}, ()),
}


class Drawn(MemoryWorkspace):
    """Compares made-up lineages for real."""

    def __init__(self, subjects, running):
        self.subjects = {subject.node: subject for subject in subjects}
        buckets = {}
        for subject in subjects:
            taken = [n for _, n in subject.checkpoints if n.bucket == subject.node.bucket]
            snapshots = tuple(Snapshot(n.bucket, n.version, f"step-{int(n.version) - NOW_NS}") for n in taken)
            parent = next(
                (n for _, n in reversed(subject.checkpoints) if n.bucket != subject.node.bucket), None
            )
            buckets[subject.node.bucket] = Bucket(subject.node.bucket, NOW_NS, parent, True, snapshots)
        run = RunView("r1", subjects[-1].node.bucket, None, "running", NOW_NS)
        super().__init__(State(STORE, 1, 1, False, Map(buckets), runs=Map({"r1": run} if running else {})))

    def compare(self, nodes, metric=None, x="step", *, smoothing=0.0, baseline="parent"):
        several = metric if isinstance(metric, tuple) else (metric,)
        against = None if baseline == "parent" else self.subjects[baseline]
        subjects = [self.subjects.get(n) or replace(self.subjects[Node("main")], node=n) for n in nodes]
        found = tuple(compare(subjects, m, x, baseline=against) for m in several)
        return found if several is metric else found[0]


class Screens(ExplorerApp):
    """Opens on the comparison of some nodes, or of everything that was made up."""

    nodes = ()

    def _opened(self, workspace):
        super()._opened(workspace)
        self.push_screen(CompareScreen(self.session, self.nodes or tuple(workspace.subjects)))


def names(keys):
    told = {"[": "left_square_bracket", "]": "right_square_bracket", "+": "plus", "/": "slash", ">": "greater_than_sign",
            "<": "less_than_sign", "?": "question_mark", " ": "space"}  # fmt: skip
    return [told.get(key, key) for key in keys]


async def shoot(name, folder, workspace=None, nodes=()):
    size, told, keys = STATES[name]
    told = dict(told)
    running = told.pop("running", False)
    if name == "no-colour":
        os.environ["NO_COLOR"] = "1"
    made = workspace or Drawn(lineage(**told), running)
    app = Screens(
        lambda: made, made.state, glyphs=ASCII if name == "ascii" else UNICODE, clock=lambda: NOW_NS
    )
    os.environ.pop("NO_COLOR", None)
    app.nodes = nodes
    app.animation_level = "none"
    app.theme = "explorer-light" if name.startswith("light") else "explorer-dark"
    async with app.run_test(size=size) as pilot:
        while not isinstance(app.screen, CompareScreen) or not app.screen.chart.comparisons:
            await pilot.pause(0.05)
        for key in names(keys):
            await pilot.press(key)
            await app.workers.wait_for_complete()
        await pilot.pause(0.2)
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
