"""CPU of a redraw: `python -m tests.bench.metrics.draw`."""

import time

from explorer.tui.charts.frame import frame
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.view import View
from tests.bench.metrics.curves import comparison


def cpu_ms(call, times=30):
    call()
    best = []
    for _ in range(times):
        start = time.process_time()
        call()
        best.append((time.process_time() - start) * 1000)
    return sorted(best)[len(best) // 2]


if __name__ == "__main__":
    for length, every in ((4800, 10), (20_000, 1), (200_000, 1)):
        lines = Lines(comparison(forks=19, length=length, every=every))
        for name, view in {
            "after the fork": View(),
            "whole": View(full=True),
            "smoothed": View(weight=0.9),
            "crosshair": View(cursor=length * 0.8),
            "zoomed": View(window=(length * 0.7, length * 0.8)),
        }.items():
            took = cpu_ms(lambda v=view, drawn=lines: frame(drawn, v, 120, 40))
            print(f"20 curves of {length // every:>7} points  {name:<15} {took:6.1f} ms CPU at 120x40")
