"""A program in a pseudo terminal: when it first painted, what a key costs it. Linux only (schedstat)."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyCost:
    """Milliseconds a key: CPU time of all threads, and wall time to the first byte of output."""

    paint_cpu_ms: float
    """Until the first output."""
    cpu_ms: float
    """Until all has been painted."""
    wall_p50_ms: float
    wall_p95_ms: float
    output_bytes: int


class Terminal:
    def __init__(self, argv: Sequence[str], rows: int = 40, columns: int = 140) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(
                {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
            )
            os.execvp(argv[0], list(argv))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.started = time.perf_counter()
        self.output = b""

    def read(self, wait_s: float) -> bytes:
        if not select.select([self.fd], [], [], wait_s)[0]:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return b""
        self.output += data
        return data

    def until(self, marker: bytes, timeout_s: float = 60) -> float:
        """Milliseconds from the start until `marker` was written."""
        while marker not in self.output:
            if time.perf_counter() - self.started > timeout_s:
                raise TimeoutError(f"{marker!r} was not painted in {timeout_s:.0f} s")
            self.read(0.5)
        return (time.perf_counter() - self.started) * 1000

    def settle(self, quiet_s: float = 0.2) -> None:
        while self.read(quiet_s):
            pass

    def cpu_ms(self) -> float:
        total = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{thread}/schedstat") as file:
                    total += int(file.read().split()[0])
            except OSError:
                continue
        return total / 1e6

    def memory_mb(self) -> float:
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def write(self, keys: bytes) -> None:
        """Type, and wait for nothing."""
        os.write(self.fd, keys)

    def press(self, key: bytes, times: int) -> KeyCost:
        """Press a key again and again, each time after the output of the last has ended."""
        self.settle()
        before = self.cpu_ms()
        walls, sizes, painted = [], [], 0.0
        for _ in range(times):
            start, start_cpu = time.perf_counter(), self.cpu_ms()
            os.write(self.fd, key)
            size = len(self.read(1.0))
            painted += self.cpu_ms() - start_cpu
            walls.append((time.perf_counter() - start) * 1000)
            while more := self.read(0.05):
                size += len(more)
            sizes.append(size)
        cost = (self.cpu_ms() - before) / times
        walls.sort()
        return KeyCost(
            painted / times,
            cost,
            statistics.median(walls),
            walls[int(0.95 * (times - 1))],
            int(statistics.median(sizes)),
        )

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
