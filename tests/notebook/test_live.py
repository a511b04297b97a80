import asyncio
import threading
import time
from collections.abc import Callable

from explorer.notebook.live import Live


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_burst_from_many_threads_costs_one_paint_on_the_loop():
    painted: list[threading.Thread] = []
    live = Live(lambda: painted.append(threading.current_thread()))

    def burst() -> None:
        for revision in range(2500):
            live.mark(revision)

    threads = [threading.Thread(target=burst) for _ in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await until(lambda: bool(painted) and not live._dirty)
    most = 2 + (time.monotonic() - began) / 0.1
    assert len(painted) <= most, "10,000 events within a moment are not 10,000 paints"
    assert set(painted) == {threading.main_thread()}


async def test_what_comes_during_a_paint_is_painted_too():
    seen: list[int] = []
    value = 0

    def paint() -> None:
        nonlocal value
        seen.append(value)
        if value == 1:
            value = 2
            live.mark()

    live = Live(paint)
    value = 1
    live.mark()
    await until(lambda: seen[-1:] == [2])


async def test_a_paint_that_fails_does_not_end_painting():
    calls: list[int] = []

    def paint() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a mistake of a view")

    live = Live(paint)
    live.mark()
    await until(lambda: len(calls) == 1)
    live.mark()
    await until(lambda: len(calls) == 2)


def test_without_a_loop_nothing_is_painted_until_somebody_pumps():
    painted: list[int] = []
    live = Live(lambda: painted.append(1))
    live.mark()
    assert painted == []
    live.pump()
    live.pump()
    assert painted == [1]
