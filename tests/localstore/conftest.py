from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import tigris_boto3_ext
from botocore.config import Config

from explorer.localstore import Running, ensure_running, stop
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.objects import Condition
from explorer.localstore.engine.records import Attributes, Bucket, Entry
from tests.localstore.posts import Parts, Put, encode
from tests.localstore.s3_operations import Place
from tests.localstore.wire import Answer, raw


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def put() -> Callable[..., Entry]:
    return put_bytes


def put_bytes(
    engine: Engine, bucket: Bucket, key: bytes, data: bytes, condition: Condition | None = None
) -> Entry:
    sink = engine.blobs.create()
    try:
        sink.write(data)
        return engine.objects.put(bucket, key, sink, Attributes(), condition)
    finally:
        sink.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One real server process for all tests that only need a store on the wire."""
    data = tmp_path_factory.mktemp("data")
    yield ensure_running(data, wait_s=30)
    stop(data)


_session = boto3.session.Session()
"""One for all clients: reading the model of S3 anew costs ten times what making a client costs."""
_lock = threading.Lock()


def make_client(running: Running, service: str = "s3", **config: Any) -> Any:
    settings: dict[str, Any] = {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
    with _lock:  # sessions are not made for several threads
        return _session.client(
            service,
            endpoint_url=running.endpoint,
            aws_access_key_id=running.access_key,
            aws_secret_access_key=running.secret_key,
            region_name="auto",
            config=Config(**settings),
        )


@pytest.fixture(scope="session")
def client(server: Running) -> Any:
    return make_client(server)


_numbers = iter(range(10**6))


@pytest.fixture
def name() -> str:
    """A bucket name that no other test has."""
    with _lock:
        return f"bucket-{next(_numbers)}"


@pytest.fixture
def bucket(client: Any, name: str) -> str:
    """A bucket with snapshots on."""
    tigris_boto3_ext.create_snapshot_bucket(client, name)
    return name


@pytest.fixture
def place(client: Any, bucket: str) -> Place:
    client.put_object(Bucket=bucket, Key="k", Body=b"12345", Tagging="a=1", Metadata={"m": "x"})
    started = client.create_multipart_upload(Bucket=bucket, Key="dir/up")["UploadId"]
    part = client.upload_part(Bucket=bucket, Key="dir/up", UploadId=started, PartNumber=1, Body=b"part")
    return Place(client, bucket, started, part["ETag"])


@pytest.fixture
def post(server: Running, bucket: str) -> Put:
    def send(parts: Parts | bytes, kind: str = "multipart/form-data; boundary=x-y-z", **how: Any) -> Answer:
        body = parts if isinstance(parts, bytes) else encode(parts, **how)
        return raw(server, "POST", f"/{bucket}", body, {"Content-Type": kind})

    return send


@pytest.fixture
def untouched(server: Running, bucket: str, client: Any) -> Callable[[], bool]:
    def look() -> bool:
        left = list((server.folder / "tmp").iterdir())
        return not left and client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    return look
