"""Kill the whole server while clients write at once, start it again, and ask for all that it acknowledged.

    python -m tests.bench.store.kill_server [--points 100]

What is different from kill_points: many writers that share commits, over HTTP, with the real start after a
crash. Keys carry their own bytes' seed, so that a reader knows what must be there.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import tigris_boto3_ext as tigris
from botocore.exceptions import BotoCoreError, ClientError

from explorer.localstore import Running, ensure_running, stop
from explorer.localstore.engine.engine import Engine
from explorer.localstore.places import store_folder
from tests.bench.store import servers

WRITERS = 6
SIZES = (10, 5_000, 150_000, 6_000_001)
PART_BYTES = 5 * 2**20


def body(key: str) -> bytes:
    pick = random.Random(key)
    return pick.randbytes(pick.choice(SIZES))


def write(s3: Any, seed: str, acknowledged: list[tuple[str, str]]) -> None:
    """Until the server is gone; what it acknowledged is (bucket, key), key empty for a bucket alone."""
    pick = random.Random(seed)
    n = 0
    while True:
        n += 1
        key = f"{seed}-{n}"
        match pick.choice(("put", "put", "put", "multipart", "fork")):
            case "put":
                s3.put_object(Bucket="main", Key=key, Body=body(key))
                acknowledged.append(("main", key))
            case "multipart":
                upload = {"Bucket": "main", "Key": f"{key}-parts"}
                upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
                data = body(upload["Key"])
                padded = bytes(PART_BYTES), data
                parts = [
                    {"PartNumber": m, "ETag": s3.upload_part(PartNumber=m, Body=piece, **upload)["ETag"]}
                    for m, piece in enumerate(padded, 1)
                ]
                s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **upload)
                acknowledged.append(("main", upload["Key"]))
            case "fork":
                tigris.create_fork(s3, f"fork-{key}", "main")
                acknowledged.append((f"fork-{key}", ""))


def connect(running: Running) -> Any:
    peer = servers.Peer("ours", running.pid, running.endpoint, running.access_key, running.secret_key)
    return servers.client.__wrapped__(peer)


def kill_once(data: Path, point: int, after_s: float) -> list[tuple[str, str]]:
    running = ensure_running(data, wait_s=60)
    acknowledged: list[tuple[str, str]] = []

    def run(who: int) -> None:
        try:
            write(connect(running), f"{point}-{who}", acknowledged)
        except (BotoCoreError, ClientError):
            return

    threads = [threading.Thread(target=run, args=(who,)) for who in range(WRITERS)]
    for each in threads:
        each.start()
    deadline = time.monotonic() + 60
    while not acknowledged and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(after_s)
    os.kill(running.pid, signal.SIGKILL)
    for each in threads:
        each.join()
    return acknowledged


def check(data: Path, acknowledged: list[tuple[str, str]]) -> None:
    s3 = connect(ensure_running(data, wait_s=60))
    for bucket, key in acknowledged:
        if not key:
            s3.head_bucket(Bucket=bucket)
            continue
        expected = body(key) if not key.endswith("-parts") else bytes(PART_BYTES) + body(key)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == expected, key


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pick, total, began = random.Random(args.seed), 0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        try:
            tigris.create_snapshot_bucket(connect(ensure_running(data, wait_s=60)), "main")
            for point in range(1, args.points + 1):
                acknowledged = kill_once(data, point, pick.uniform(0.0, 1.0))
                check(data, acknowledged)
                total += len(acknowledged)
                if point % 10 == 0:
                    took = time.monotonic() - began
                    print(f"{point} kills, {total} acknowledged, none lost ({took:.0f} s)", flush=True)
        finally:
            stop(data)
        engine = Engine(store_folder(data))
        print("problems:", engine.check(deep=True).problems)
        engine.close()


if __name__ == "__main__":
    main()
