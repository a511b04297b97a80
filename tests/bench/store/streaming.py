"""A large object in and out, and what the server needs for it: goal <= 150 MB of memory for 5 GB.

python -m tests.bench.store.streaming [--gib 5]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tempfile
import time
from pathlib import Path

import boto3
from botocore.config import Config

from explorer.localstore import ensure_running, stop

MIB = 2**20


class Stream(io.RawIOBase):
    """Bytes that are made as they are read, and hashed."""

    def __init__(self, size: int) -> None:
        self.size, self.at, self.hash = size, 0, hashlib.blake2b()
        self.block = hashlib.shake_128(b"seed").digest(8 * MIB)

    def read(self, n: int = -1) -> bytes:
        n = min(MIB if n < 0 else n, self.size - self.at)
        data = self.block[:n] if n <= len(self.block) else (self.block * (n // len(self.block) + 1))[:n]
        data = self.at.to_bytes(8, "big")[: len(data)] + data[8:]
        self.at += len(data)
        self.hash.update(data)
        return data

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset if whence == 0 else self.size if whence == 2 else self.at + offset
        self.hash = hashlib.blake2b()
        return self.at


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=float, default=5)
    args = parser.parse_args()
    size = int(args.gib * 2**30)
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        running = ensure_running(data, wait_s=60)
        try:
            s3 = boto3.client(
                "s3",
                endpoint_url=running.endpoint,
                aws_access_key_id=running.access_key,
                aws_secret_access_key=running.secret_key,
                region_name="auto",
                config=Config(
                    s3={"addressing_style": "path", "payload_signing_enabled": False},
                    request_checksum_calculation="when_required",
                    read_timeout=600,
                ),
            )
            s3.create_bucket(Bucket="bench")
            began = time.monotonic()
            stream = Stream(size)
            s3.put_object(Bucket="bench", Key="k", Body=stream, ContentLength=size)
            put_s = time.monotonic() - began
            began, got = time.monotonic(), hashlib.blake2b()
            body = s3.get_object(Bucket="bench", Key="k")["Body"]
            while piece := body.read(4 * MIB):
                got.update(piece)
            get_s = time.monotonic() - began
            assert got.digest() == stream.hash.digest()
            status = Path(f"/proc/{running.pid}/status").read_text()
            peak_mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
            print(
                f"in {size / MIB / put_s:.0f} MiB/s, out {size / MIB / get_s:.0f} MiB/s, server peak {peak_mb:.0f} MiB"
            )
        finally:
            stop(data)


if __name__ == "__main__":
    main()
