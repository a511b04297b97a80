"""The servers that are measured side by side, each with an empty folder of its own."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from explorer.localstore import ensure_running, stop

KEY, SECRET = "test", "testtesttest"
BUCKET = "bench"


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    pid: int
    endpoint: str
    access_key: str = KEY
    secret_key: str = SECRET

    def url(self, operation: str, **parameters: Any) -> str:
        """A presigned URL, good for as long as the bench takes."""
        parameters = {"Bucket": BUCKET, **parameters}
        return str(client(self).generate_presigned_url(operation, Params=parameters, ExpiresIn=24 * 3600))


@functools.cache
def client(peer: Peer) -> Any:
    """The one boto3 client of a peer: a bench asks for one thing after another."""
    config = Config(
        retries={"max_attempts": 1},
        s3={"addressing_style": "path"},
        signature_version="s3v4",
        connect_timeout=2,
        read_timeout=120,
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=peer.endpoint,
        aws_access_key_id=peer.access_key,
        aws_secret_access_key=peer.secret_key,
        region_name="us-east-1",
        config=config,
    )


@contextlib.contextmanager
def ours(folder: Path, name: str = "ours") -> Iterator[Peer]:
    running = ensure_running(folder, wait_s=30)
    try:
        yield _ready(Peer(name, running.pid, running.endpoint, running.access_key, running.secret_key))
    finally:
        stop(folder)


@contextlib.contextmanager
def moto() -> Iterator[Peer]:
    argv = [str(Path(sys.executable).with_name("moto_server")), "-p", "9231"]
    with _spawned(argv) as pid:
        yield _ready(Peer("moto", pid, "http://127.0.0.1:9231"))


@contextlib.contextmanager
def rclone(binary: str, folder: Path) -> Iterator[Peer]:
    folder.mkdir()
    argv = [binary, "serve", "s3", "--addr", "127.0.0.1:9232", "--auth-key", f"{KEY},{SECRET}"]
    with _spawned([*argv, "--vfs-cache-mode", "off", str(folder)]) as pid:
        yield _ready(Peer("rclone", pid, "http://127.0.0.1:9232"))


@contextlib.contextmanager
def nginx(binary: str, folder: Path) -> Iterator[Peer]:
    """No S3 at all: what a file server in C does with the same requests, unsigned, unhashed, unsynced."""
    (folder / BUCKET).mkdir(parents=True)
    conf = folder / "nginx.conf"
    temporary = " ".join(f"{kind}_temp_path {folder}/t;" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    conf.write_text(
        f"{'user root; ' if os.getuid() == 0 else ''}daemon off; pid {folder}/pid; error_log /dev/null;\n"
        f"worker_processes 1; events {{}}\nhttp {{ access_log off; sendfile on; {temporary}\n"
        f"client_body_temp_path {folder}/b; client_max_body_size 0;\n"
        f"server {{ listen 127.0.0.1:9233; root {folder}; location / {{ dav_methods PUT; }} }} }}"
    )
    with _spawned([binary, "-c", str(conf), "-p", str(folder)]) as pid:
        time.sleep(1)
        yield Peer("nginx", pid, "http://127.0.0.1:9233")


@contextlib.contextmanager
def nothing() -> Iterator[Peer]:
    """Takes everything and does nothing: no server can look faster to a client than this one."""
    with _spawned([sys.executable, "-m", "tests.bench.store.nothing", "9234"]) as pid:
        yield _ready(Peer("nothing", pid, "http://127.0.0.1:9234"))


@contextlib.contextmanager
def _spawned(argv: list[str]) -> Iterator[int]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()  # a killed nginx would leave its worker behind
        process.wait()


def _ready(peer: Peer) -> Peer:
    s3, deadline = client(peer), time.monotonic() + 30
    while True:
        try:
            s3.create_bucket(Bucket=BUCKET)
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return peer
