"""A server that takes every request and does nothing with it: what is left is what the client costs.

python -m tests.bench.store.nothing PORT
"""

from __future__ import annotations

import socket
import sys
import threading

_ANSWER = b'HTTP/1.1 200 OK\r\nETag: "0"\r\nX-Tigris-Snapshot-Version: 1\r\nContent-Length: 0\r\n\r\n'
_BUFFER = bytearray(1 << 20)


def answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(64 << 10)
            if not piece:
                return
            head += piece
        head, _, rest = head.partition(b"\r\n\r\n")
        left = -len(rest)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                left += int(line.partition(b":")[2])
            elif line.startswith(b"expect:"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left > 0:
            left -= connection.recv_into(_BUFFER) or left
        connection.sendall(_ANSWER)


def main() -> None:
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
