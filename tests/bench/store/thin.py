"""A client that costs nearly nothing, so that what is measured is the server: presigned URLs, no hashing,
bytes that the kernel moves from a file to the socket, and one buffer that takes every answer.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

_BUFFER = bytearray(1 << 20)


class Connection:
    """One HTTP/1.1 connection that is kept."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, url: str, *, headers: str = "", file: int = -1, size: int = 0) -> float:
        """Seconds from the first byte sent to the last received; `headers` are lines with their ends."""
        parts = urlsplit(url)
        head = f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: {self.host}\r\n{headers}"
        if method in ("PUT", "POST"):
            head += f"Content-Length: {size}\r\n"
        began = time.perf_counter()
        self._socket.sendall(head.encode() + b"\r\n")
        at = 0
        while at < size:
            at += os.sendfile(self._socket.fileno(), file, at, size - at)
        self._take_answer(method)
        return time.perf_counter() - began

    def _take_answer(self, method: str) -> None:
        got = b""
        while b"\r\n\r\n" not in got:
            piece = self._socket.recv(64 << 10)
            assert piece, "the server hung up"
            got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        assert head.split()[1] in (b"200", b"201", b"204", b"206"), got[:1000]
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        left = length - len(rest) if method != "HEAD" else 0
        while left > 0:
            piece_bytes = self._socket.recv_into(_BUFFER, min(left, len(_BUFFER)))
            assert piece_bytes, "the server hung up"
            left -= piece_bytes

    def close(self) -> None:
        self._socket.close()


def once(method: str, url: str, *, file: int = -1, size: int = 0) -> float:
    """The same on a connection of its own; connecting is not counted."""
    connection = Connection(url)
    try:
        return connection.ask(method, url, file=file, size=size)
    finally:
        connection.close()


def cpu_s(pid: int) -> float:
    """What a process and its children have used so far: unlike the time that passes, it does not
    depend much on what else the machine does.
    """
    total, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        with contextlib.suppress(OSError):  # it has ended
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                waiting += map(int, task.read_text().split())
    return total
