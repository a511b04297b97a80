"""A writer that is killed, and what must be true afterwards. Run as a program it is the writer.

It does one thing after another and prints a line after each was acknowledged:
`put KEY`, `multipart KEY`, `hot N`, `fork NAME N`, `snapshot TS N`. A key's bytes can be told from its name.
"""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.intake import Intake
from explorer.localstore.engine.records import Attributes, Bucket, Entry
from explorer.localstore.engine.sinks import Sink

PART = 5 * 2**20


def body(key: str) -> bytes:
    return random.Random(key).randbytes(
        random.Random(key + "!").choice((10, 5_000, 150_000, 1_500_000, 9_000_001))
    )


def write(folder: Path, seed: int) -> None:
    engine = Engine(folder)
    pick = random.Random(seed)
    try:
        bucket = engine.buckets.get("main")
    except Exception:
        bucket = engine.buckets.create("main", snapshots_on=True)
    hot = 0
    for n in range(10**9):
        key = f"{seed}-{n}"
        match pick.choice(("put", "put", "hot", "hot", "multipart", "fork", "snapshot", "delete", "gc")):
            case "put":
                store(engine, bucket, key, body(key))
                say(f"put {key}")
            case "hot":
                hot += 1
                store(engine, bucket, "hot", str(hot).encode())
                say(f"hot {hot}")
            case "multipart":
                upload(engine, bucket, key)
                say(f"multipart {key}")
            case "fork":
                engine.buckets.fork("main", f"fork-{key}")
                say(f"fork fork-{key} {hot}")
            case "snapshot":
                say(f"snapshot {engine.buckets.snapshot('main').ts} {hot}")
            case "delete":
                engine.objects.delete(bucket, f"{seed}-gone".encode())
                store(engine, bucket, f"{seed}-gone", key.encode())
            case "gc":
                engine.sweep(grace_s=0)


def say(line: str) -> None:
    print(line, flush=True)


_threads = ThreadPoolExecutor(4)


def taken_in(engine: Engine, data: bytes) -> Sink:
    """As the server does it: small bodies by one thread, large ones in blocks and past the page cache."""
    sink = engine.blobs.create(expected_bytes=len(data))
    if len(data) < 100_000:
        sink.write(data)
        return sink
    intake, rest = Intake(sink, _threads), memoryview(data)
    while rest:
        for each in intake.unfinished:
            each.result()
        rest = rest[intake.fill(rest) :]
    for each in intake.finish():
        each.result()
    intake.release()
    return sink


def store(engine: Engine, bucket: Bucket, key: str, data: bytes) -> None:
    sink = taken_in(engine, data)
    engine.objects.put(bucket, key.encode(), sink, Attributes())
    sink.close()


def upload(engine: Engine, bucket: Bucket, key: str) -> None:
    id_ = engine.uploads.begin(bucket, key.encode(), Attributes(), None, "FULL_OBJECT")
    parts = []
    for n, data in enumerate((b"%d" % (len(key) % 10) * PART, key.encode()), 1):
        sink = taken_in(engine, data)
        made = engine.uploads.add_part(engine.uploads.get(bucket, key.encode(), id_), n, sink)
        sink.close()
        parts.append((n, made.etag))
    engine.uploads.complete(bucket, key.encode(), id_, parts)


def kill_once(folder: Path, seed: int, after_s: float) -> int:
    """Start a writer, kill it, open the store and hold it to what was acknowledged; returns how much that was."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.localstore.killing", str(folder), str(seed)], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    first = writer.stdout.readline()
    try:
        writer.wait(after_s)
    except subprocess.TimeoutExpired:
        writer.kill()
    said = first + writer.stdout.read()
    writer.wait()
    lines = said.decode().splitlines()
    if not said.endswith(b"\n"):
        lines.pop()
    check(folder, lines)
    return len(lines)


def check(folder: Path, lines: list[str]) -> None:
    engine = Engine(folder)
    try:
        found = engine.check()
        assert found.problems == [], found.problems
        bucket = engine.buckets.get("main")
        hot = 0
        for line in lines:
            what, name, *rest = line.split()
            if what == "put":
                assert read(engine, bucket, name) == body(name), line
            elif what == "multipart":
                made = engine.objects.find(bucket, name.encode())
                assert made is not None, line
                assert made.size == PART + len(name), line
            elif what == "hot":
                hot = int(name)
            elif rest != ["0"]:
                place, at = (engine.buckets.get(name), None) if what == "fork" else (bucket, int(name))
                assert read(engine, place, "hot", at) == rest[0].encode(), line
        if hot:
            assert int(read(engine, bucket, "hot")) >= hot
        assert not list((folder / "tmp").iterdir())
    finally:
        engine.close()


def read(engine: Engine, bucket: Bucket, key: str, at: int | None = None) -> bytes:
    found: Entry | None = engine.objects.find(bucket, key.encode(), at=at)
    assert found is not None
    assert found.blob is not None
    return engine.blobs.path(found.blob).read_bytes()


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
