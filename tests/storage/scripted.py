"""A real HTTP server that answers as a test says: for what no honest store can be made to do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


LOST = None
"""An answer of which the connection breaks before the first byte."""


def error(status: int, code: str, message: str = "") -> Told:
    return Told(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())


def as_json(document: object) -> Told:
    return Told(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


class Scripted:
    def __init__(self, answer: Callable[[Asked], Told | None]) -> None:
        self.answer = answer
        self.seen: list[Asked] = []
        self.endpoint = ""

    def count(self, method: str, path: str) -> int:
        return sum(asked.method == method and asked.path == path for asked in self.seen)


@contextmanager
def serving(answer: Callable[[Asked], Told | None]) -> Iterator[Scripted]:
    script = Scripted(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = parse_qs(parts.query, keep_blank_values=True)
            asked = Asked(self.command, unquote(parts.path), query, headers, body)
            script.seen.append(asked)
            told = script.answer(asked)
            if told is LOST:
                self.close_connection = True
                return
            self.send_response(told.status)
            for name, value in {
                "Content-Length": str(len(told.body)),
                "Last-Modified": formatdate(0, usegmt=True),
                **told.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told.body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    script.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()
