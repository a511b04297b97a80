"""CPU ms a key, and start to first paint: `python -m tests.bench.tui.key_cost [NODES…]`.

Idle cost is taken off: the screen's beat (30 a second) and clock (1 a second) run while keys are pressed.
"""

from __future__ import annotations

import sys
import time

from tests.bench.tui.terminal import Terminal

KEYS = (
    ("j", b"j", 40),
    ("PgDn", b"\x1b[6~", 20),
    ("k", b"k", 20),
    ("}", b"}", 10),
    ("space", b" ", 20),
    ("G", b"Gg", 10),
)


def main() -> None:
    for nodes in [int(text) for text in sys.argv[1:]] or [1_000, 100_000]:
        terminal = Terminal([sys.executable, "-m", "tests.bench.tui.screen", str(nodes)])
        try:
            first = terminal.until(b"run-0")
            print(
                f"{nodes:,} nodes: first paint {first:.0f} ms (made-up data included), {terminal.cpu_ms():.0f} CPU ms"
            )
            terminal.settle(0.5)
            start, before = time.perf_counter(), terminal.cpu_ms()
            time.sleep(3)
            idle = (terminal.cpu_ms() - before) / (time.perf_counter() - start)
            print(f"  idle {idle:.1f} CPU ms a second, {terminal.memory_mb():.0f} MB")
            for name, key, times in KEYS:
                start = time.perf_counter()
                cost = terminal.press(key, times)
                own = cost.cpu_ms - idle * (time.perf_counter() - start) / times
                print(
                    f"  {name:<6} {cost.paint_cpu_ms:5.1f} CPU ms to its paint, {own:5.1f} in all   wall p50 {cost.wall_p50_ms:.1f} p95 {cost.wall_p95_ms:.1f} ms"
                    f"   {cost.output_bytes} bytes"
                )
        finally:
            terminal.close()


if __name__ == "__main__":
    main()
