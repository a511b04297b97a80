"""CPU of a redraw, and of a key on the whole compare screen: `python -m tests.bench.metrics.draw`."""

import asyncio
import sys
import time

from explorer.tui.charts.frame import frame
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.signs import ASCII
from explorer.tui.charts.view import View
from tests.bench.metrics.curves import comparison, lineage
from tests.bench.metrics.pictures import Drawn, Screens


def cpu_ms(call, times=30):
    """The least and the median of several calls."""
    call()
    took = []
    for _ in range(times):
        start = time.process_time()
        call()
        took.append((time.process_time() - start) * 1000)
    took.sort()
    return f"{took[0]:6.1f} ms CPU at best, {took[len(took) // 2]:6.1f} in the middle"


def redraws():
    for length, every in ((4800, 10), (20_000, 1), (200_000, 1)):
        lines = Lines(comparison(forks=19, length=length, every=every))
        for name, view in {
            "after the fork": View(),
            "whole": View(full=True),
            "smoothed": View(weight=0.9),
            "crosshair": View(cursor=length * 0.8),
            "zoomed": View(window=(length * 0.7, length * 0.8)),
            "log x and y": View(full=True, log_x=True, log_y=True),
            "means": View(colour_by="lr", means=True),
        }.items():
            took = cpu_ms(lambda v=view, drawn=lines: frame((drawn,), v, 120, 40))
            print(f"20 curves of {length // every:>7} points  {name:<15} {took}", flush=True)
    lines = Lines(comparison(forks=19, length=4800))
    print(
        f"20 curves of     480 points  stacked x3      {cpu_ms(lambda: frame((lines,) * 3, View(), 120, 40))}"
    )
    print(
        f"20 curves of     480 points  ASCII           {cpu_ms(lambda: frame((lines,), View(), 120, 40, signs=ASCII))}"
    )


async def keys():
    made = Drawn(lineage(forks=19, length=4800), False)
    app = Screens(lambda: made, made.state)
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        while not getattr(app.screen, "rows", ()):
            await pilot.pause(0.05)
        for name, key in (("crosshair", "left"), ("next curve", "j"), ("zoom", "plus"), ("delta", "d")):
            await pilot.press(key)
            start = time.process_time()
            for _ in range(20):
                await pilot.press(key)
            print(
                f"20 curves, a key, the whole screen: {name:<12} {(time.process_time() - start) * 50:6.1f} ms CPU"
            )


if __name__ == "__main__":
    redraws() if len(sys.argv) < 2 else None
    asyncio.run(keys())
