"""Writers, forkers and watchers on one server: no error, no lock timeout, and a clean store at the end.

python -m tests.bench.store.soak [--seconds 600]
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import tigris_boto3_ext as tigris
from botocore.config import Config

from explorer.localstore import Running, ensure_running, stop
from explorer.localstore.engine.engine import Engine

WRITERS, FORKERS, WATCHERS = 8, 4, 2


def client(running: Running) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=running.endpoint,
        aws_access_key_id=running.access_key,
        aws_secret_access_key=running.secret_key,
        region_name="auto",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def write(s3: Any, who: int, n: int) -> None:
    key = f"checkpoints/step-{n:06d}/shard-{who}"
    body = os.urandom(random.choice((100, 10_000, 300_000)))
    s3.put_object(Bucket="main", Key=key, Body=body)
    assert s3.get_object(Bucket="main", Key=key)["Body"].read() == body
    if n % 5 == 0:
        tigris.create_snapshot(s3, "main", f"step-{n}")


def fork(s3: Any, who: int, n: int) -> None:
    name = f"fork-{who}-{n}"
    tigris.create_fork(s3, name, "main")
    s3.put_object(Bucket=name, Key="mine", Body=b"x")
    first = [o["Key"] for o in s3.list_objects_v2(Bucket=name, MaxKeys=50)["Contents"]]
    assert first == [o["Key"] for o in s3.list_objects_v2(Bucket=name, MaxKeys=50)["Contents"]]
    if n % 3:
        tigris.force_delete_bucket(s3, name)


def watch(s3: Any, who: int, n: int) -> None:
    for each in tigris.list_buckets(s3, include_fork_info=True, include_type=True)["buckets"][:20]:
        try:
            tigris.list_snapshots(s3, each["name"])
        except s3.exceptions.NoSuchBucket:
            continue
    s3.list_objects_v2(Bucket="main", Delimiter="/")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    args = parser.parse_args()
    done: collections.Counter[str] = collections.Counter()
    errors: list[str] = []
    end = time.monotonic() + args.seconds

    def loop(work: Callable[[Any, int, int], None], who: int) -> None:
        s3 = client(running)
        n = 0
        while time.monotonic() < end:
            n += 1
            try:
                work(s3, who, n)
                done[work.__name__] += 1
            except Exception as error:
                errors.append(f"{work.__name__}: {error!r}")

    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        running = ensure_running(data, wait_s=60)
        try:
            tigris.create_snapshot_bucket(client(running), "main")
            plan = [(write, WRITERS), (fork, FORKERS), (watch, WATCHERS)]
            threads = [
                threading.Thread(target=loop, args=(work, n)) for work, many in plan for n in range(many)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            status = Path(f"/proc/{running.pid}/status").read_text()
            print("server", " ".join(status.partition("VmHWM:")[2].split()[:2]), "at most")
        finally:
            stop(data)
        print(dict(done), f"{len(errors)} errors", *errors[:5], sep="\n")
        engine = Engine(running.folder)
        print("problems:", engine.check(deep=True).problems)
        engine.close()


if __name__ == "__main__":
    main()
