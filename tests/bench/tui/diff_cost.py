"""CPU ms a key on a diff of 100,000 tensors and 10,000 objects: `python -m tests.bench.tui.diff_cost [TENSORS]`.

Half of the tensors are layers that fold into eight rows, half have names that do not fold. Counted is the
thread that paints, which no key may hold for longer than a frame; beside it what the whole process spent,
the search of a filter in its own thread included (ticks of 10 ms). What the screen's beat costs without any
key is taken off. `--screen N` is the program that is measured.
"""

from __future__ import annotations

import os
import sys
import time

from tests.bench.tui.terminal import Terminal

BUDGET_MS = 16.0
OPEN, FILTER, CLOSED = b"\r", b"/", b"\x1b"
KEYS = (
    ("j", b"j", 20),
    ("k", b"k", 20),
    ("PgDn", b"\x1b[6~", 12),
    ("PgUp", b"\x1b[5~", 12),
    ("G g", b"G", 1),
    ("tab", b"\t", 2),
)


def screen(tensors: int) -> None:
    """The real app on a made-up diff."""
    from explorer.checkpoints import Checkpoint, Diff, Manifest, Side, Tensor, diff
    from explorer.lineage.address import Node
    from explorer.lineage.values import ObjectInfo
    from explorer.tui.app import ExplorerApp
    from tests.tui.stage import MemoryWorkspace
    from tests.tui.synthetic import week

    def side(label: str) -> Side:
        folding = [
            Tensor(f"model.layers.{at}.{part}.weight", "BF16", (64, 64), 8192, "m.safetensors", 0)
            for at in range(tensors // 16)
            for part in ("q", "k", "v", "o", "gate", "up", "down", "norm")
        ]
        single = [
            Tensor(f"experts.e{at * 7919 % 999983:06x}.weight", "BF16", (64, 64), 8192, "m.safetensors", 0)
            for at in range(tensors // 2)
        ]
        objects = (
            ObjectInfo("c/step-1/m.safetensors", 10**9, label, 0),
            *(ObjectInfo(f"data/part-{at:05}", 1000, f"{label}{at}", 0) for at in range(10_000)),
        )
        checkpoint = Checkpoint("c/step-1/", "safetensors", 1, objects[:1])
        manifest = Manifest(checkpoint, 1, (*folding, *single), {"lr": label}, {"step": 1})
        return Side(label, objects, checkpoint, manifest)

    found = diff(side("a"), side("b"))

    class Workspace(MemoryWorkspace):
        def diff(self, a: Node, b: Node) -> Diff:
            return found

    state = week()
    ExplorerApp(lambda: Workspace(state), state).run()


def painter_ms(terminal: Terminal) -> float:
    with open(f"/proc/{terminal.pid}/task/{terminal.pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e6


def process_ms(terminal: Terminal) -> float:
    """With the threads that have ended."""
    with open(f"/proc/{terminal.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    tensors = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    terminal = Terminal([sys.executable, "-m", "tests.bench.tui.diff_cost", "--screen", str(tensors)])
    try:
        terminal.until(b"llama-base")
        terminal.settle(0.5)
        before, start = process_ms(terminal), time.perf_counter()
        terminal.write(b"jjd")
        terminal.until(b"summary")
        took = 1000 * (time.perf_counter() - start)
        terminal.settle(1.0)
        print(f"{tensors:,} tensors: shown after {took:.0f} ms, {process_ms(terminal) - before:.0f} CPU ms")
        start, before = time.perf_counter(), painter_ms(terminal)
        time.sleep(3)
        idle = (painter_ms(terminal) - before) / (time.perf_counter() - start)
        print(f"  idle {idle:.1f} CPU ms a second, {terminal.memory_mb():.0f} MB")
        worst = 0.0

        def measure(name: str, keys: list[bytes]) -> None:
            nonlocal worst
            costs, all_before = [], process_ms(terminal)
            for key in keys:
                terminal.settle()
                began, before = time.perf_counter(), painter_ms(terminal)
                terminal.press(key, 1)
                terminal.settle(0.25)
                costs.append(painter_ms(terminal) - before - idle * (time.perf_counter() - began))
            costs.sort()
            worst = max(worst, costs[-1])
            spent = (process_ms(terminal) - all_before) / len(keys)
            middle = costs[len(costs) // 2]
            print(f"  {name:<30} {middle:5.1f} CPU ms, at most {costs[-1]:5.1f}; the process {spent:4.0f}")

        terminal.write(b"g\t\t")  # to the tensors' title
        terminal.settle(0.5)
        measure("open 50,008 rows, and close", [OPEN, OPEN, OPEN])
        terminal.write(b"j")
        measure("expand 6,250 layers, and back", [OPEN, OPEN, OPEN])
        for name, key, times in KEYS:
            measure(name, [key] * times)
        measure("typing a filter", [FILTER, b"e", b"5", b"f"])
        measure("a glob, letter by letter", [b"\x7f", b"\x7f", b"\x7f", b"*", b"q", b"*"])
        measure("enter, and take it away", [b"\r", CLOSED])
        print(f"  the worst key took {worst:.1f} of {BUDGET_MS:.0f} CPU ms")
    finally:
        terminal.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--screen"]:
        screen(int(sys.argv[2]))
    else:
        main()
