"""Clients that nobody wrote with this store in mind. Those that are not installed are left out."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from explorer.localstore import Running

MIB = 2**20


def test_obstore(server: Running, bucket: str, client: Any) -> None:
    import obstore
    from obstore.store import S3Store

    def store(headers: dict[str, str] | None = None) -> S3Store:
        options: Any = {"allow_http": True, "default_headers": headers or {}}
        return S3Store(
            bucket,
            endpoint=server.endpoint,
            access_key_id=server.access_key,
            secret_access_key=server.secret_key,
            region="auto",
            client_options=options,
        )

    head = store()
    version = obstore.put(head, "dir/a b", b"1")["version"]
    obstore.put(head, "dir/a b", b"2")
    assert bytes(obstore.get(store({"x-tigris-snapshot-version": version or ""}), "dir/a b").bytes()) == b"1"
    data = os.urandom(12 * MIB)
    obstore.put(head, "big", data)
    assert (
        bytes(obstore.get_range(head, "big", start=5 * MIB - 1, length=3)) == data[5 * MIB - 1 : 5 * MIB + 2]
    )
    assert [bytes(each) for each in obstore.get_ranges(head, "big", starts=[0, 7], lengths=[2, 2])] == [
        data[:2],
        data[7:9],
    ]
    assert sorted(each["path"] for page in obstore.list(head) for each in page) == ["big", "dir/a b"]
    assert obstore.list_with_delimiter(head)["common_prefixes"] == ["dir"]
    obstore.copy(head, "big", "copy")
    obstore.rename(head, "copy", "moved")
    obstore.delete(head, ["big", "moved"])
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(head, "dir/a b", b"3", mode="create")


@pytest.mark.apart
def test_s3fs(server: Running, bucket: str) -> None:
    s3fs = pytest.importorskip("s3fs")
    fs = s3fs.S3FileSystem(
        key=server.access_key,
        secret=server.secret_key,
        client_kwargs={"endpoint_url": server.endpoint, "region_name": "auto"},
    )
    fs.pipe(f"{bucket}/a/b.txt", b"hello")
    data = os.urandom(11 * MIB)
    with fs.open(f"{bucket}/big", "wb", block_size=5 * MIB) as file:
        file.write(data)
    assert fs.cat_file(f"{bucket}/big", start=MIB, end=MIB + 5) == data[MIB : MIB + 5]
    fs.mv(f"{bucket}/big", f"{bucket}/c/moved")
    assert fs.find(bucket) == [f"{bucket}/a/b.txt", f"{bucket}/c/moved"]
    fs.rm(f"{bucket}/a", recursive=True)
    assert not fs.exists(f"{bucket}/a/b.txt")


def test_the_crt_client_of_torch(server: Running, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip("s3torchconnectorclient._mountpoint_s3_client")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    client = module.MountpointS3Client(
        region="us-east-1", endpoint=server.endpoint, force_path_style=True, user_agent_prefix="test"
    )
    data = os.urandom(20 * MIB)
    writer = client.put_object(bucket, "k")
    for start in range(0, len(data), MIB):
        writer.write(data[start : start + MIB])
    writer.close()
    assert client.head_object(bucket, "k").size == len(data)
    assert [each.key for page in client.list_objects(bucket) for each in page.object_info] == ["k"]


@pytest.fixture
def tigris_cli(server: Running, tmp_path: Path) -> Any:
    """The real `tigris` of npm's @tigrisdata/cli; EXPLORER_TEST_TIGRIS_CLI names it if it is not on the path."""
    found = os.environ.get("EXPLORER_TEST_TIGRIS_CLI") or shutil.which("tigris")
    if not found:
        pytest.skip("the tigris command is not installed")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL_S3": server.endpoint,
        "AWS_ENDPOINT_URL_IAM": server.endpoint,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "TIGRIS_NO_TELEMETRY": "1",
        "TIGRIS_NO_UPDATE_CHECK": "1",
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [found, *words], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_tigris_cli(tigris_cli: Any, name: str, tmp_path: Path, client: Any) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    tigris_cli("mk", name, "--enable-snapshots")
    tigris_cli("cp", str(file), f"t3://{name}/dir/k")
    tigris_cli("snapshots", "take", name, "first")
    (snapshot,) = json.loads(tigris_cli("snapshots", "list", name, "--json"))["items"]
    assert snapshot["name"] == "first"
    file.write_text("two")
    tigris_cli("cp", str(file), f"t3://{name}/dir/k")
    at = ("--snapshot-version", snapshot["version"])
    assert "one" in tigris_cli("objects", "get", name, "dir/k", *at)
    assert "X-Amz-Signature" in tigris_cli("presign", f"t3://{name}/dir/k", *at)
    tigris_cli("buckets", "create", f"{name}-f", "--fork-of", name, "--source-snapshot", snapshot["version"])
    assert client.get_object(Bucket=f"{name}-f", Key="dir/k")["Body"].read() == b"one"
    assert f"{name}-f" in tigris_cli("buckets", "list", "--forks-of", name)
    tigris_cli("cp", str(file), f"t3://{name}-f/new")
    merged = json.loads(tigris_cli("buckets", "merge", f"{name}-f", "--yes", "--json"))
    assert (merged["action"], merged["into"], len(merged["snapshotVersion"])) == ("merged", name, 19)
    assert "new" in tigris_cli("ls", f"t3://{name}")
    rebased = json.loads(tigris_cli("buckets", "rebase", f"{name}-f", "--yes", "--json"))
    assert (rebased["action"], len(rebased["snapshotVersion"])) == ("rebased", 19)
    assert client.get_object(Bucket=f"{name}-f", Key="dir/k")["Body"].read() == b"two"
    tigris_cli("mv", f"t3://{name}-f/dir/k", f"t3://{name}-f/moved", "--force")
    assert "moved" in tigris_cli("ls", f"t3://{name}-f")
    tigris_cli("buckets", "delete", f"{name}-f", "--yes")
    tigris_cli("rm", f"t3://{name}", "--yes")


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs /proc")
def test_nothing_is_read_for_a_client_that_has_left(server: Running, bucket: str, client: Any) -> None:
    size = 64 * MIB
    client.put_object(Bucket=bucket, Key="k", Body=bytes(size))
    url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))

    def bytes_read() -> int:
        return int(Path(f"/proc/{server.pid}/io").read_text().split()[1])

    before = bytes_read()
    with socket.create_connection((url.hostname or "", url.port or 0)) as leaving:
        request = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nRange: bytes=1-\r\n\r\n"
        leaving.sendall(request.encode())
        leaving.recv(1000)
    time.sleep(1)
    assert bytes_read() - before < size / 2
