"""Clients with a wire of their own: Arrow's C++ SDK, MinIO's, rclone's Go SDK. What is missing is left out."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from explorer.localstore import Running

MIB = 2**20


def test_arrow(server: Running, bucket: str) -> None:
    fs = pytest.importorskip("pyarrow.fs")
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    store = fs.S3FileSystem(
        access_key=server.access_key,
        secret_key=server.secret_key,
        endpoint_override=server.endpoint,
        region="auto",
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )
    data = os.urandom(11 * MIB)
    store.create_dir(f"{bucket}/dir/empty")
    with store.open_output_stream(f"{bucket}/dir/big", metadata={"Content-Type": "x/y"}) as out:
        out.write(data)
    with store.open_input_file(f"{bucket}/dir/big") as file:
        file.seek(5 * MIB - 1)
        assert file.read(3) == data[5 * MIB - 1 : 5 * MIB + 2]
        assert file.size() == len(data)
    store.copy_file(f"{bucket}/dir/big", f"{bucket}/dir/copy ü")
    store.move(f"{bucket}/dir/copy ü", f"{bucket}/dir/moved")
    found = {info.path: info.type for info in store.get_file_info(fs.FileSelector(bucket, recursive=True))}
    kinds = fs.FileType
    assert found == {
        f"{bucket}/dir": kinds.Directory,
        f"{bucket}/dir/empty": kinds.Directory,
        f"{bucket}/dir/big": kinds.File,
        f"{bucket}/dir/moved": kinds.File,
    }
    assert store.get_file_info(f"{bucket}/none").type == kinds.NotFound
    table = pa.table({"step": list(range(50_000)), "loss": [1 / (n + 1) for n in range(50_000)]})
    pq.write_table(table, f"{bucket}/t.parquet", filesystem=store)
    assert pq.read_table(f"{bucket}/t.parquet", columns=["loss"], filesystem=store) == table.select(["loss"])
    store.delete_dir(f"{bucket}/dir")
    assert store.get_file_info(f"{bucket}/dir").type == kinds.NotFound
    store.create_dir(f"{bucket}-arrow")
    store.delete_dir(f"{bucket}-arrow")


def test_minio(server: Running, bucket: str) -> None:
    minio = pytest.importorskip("minio")
    from minio.commonconfig import ComposeSource, CopySource, Tags
    from minio.deleteobjects import DeleteObject

    host = urlsplit(server.endpoint).netloc
    store = minio.Minio(host, access_key=server.access_key, secret_key=server.secret_key, secure=False)
    data = os.urandom(11 * MIB)
    sent = store.put_object(bucket, "a/ü b", io.BytesIO(data), -1, part_size=5 * MIB, metadata={"run": "r1"})
    assert sent.version_id
    small = store.put_object(bucket, "small", io.BytesIO(b"12345"), 5)
    answer = store.get_object(bucket, "a/ü b", offset=5 * MIB - 1, length=3)
    assert answer.read() == data[5 * MIB - 1 : 5 * MIB + 2]
    assert store.stat_object(bucket, "a/ü b").metadata["x-amz-meta-run"] == "r1"
    store.compose_object(
        bucket, "both", [ComposeSource(bucket, "a/ü b"), ComposeSource(bucket, small.object_name)]
    )
    assert store.stat_object(bucket, "both").size == len(data) + 5
    store.copy_object(bucket, "copy", CopySource(bucket, "small"))
    tags = Tags.new_bucket_tags()
    tags["team"] = "a"
    store.set_bucket_tags(bucket, tags)
    assert store.get_bucket_tags(bucket) == tags
    store.delete_bucket_tags(bucket)
    assert store.get_bucket_tags(bucket) is None
    assert store.get_bucket_versioning(bucket).status == "Enabled"
    assert store.get_bucket_encryption(bucket) is None
    assert store.get_bucket_lifecycle(bucket) is None
    url = store.presigned_get_object(bucket, "small")
    assert urllib.request.urlopen(url).read() == b"12345"
    names = [each.object_name for each in store.list_objects(bucket, recursive=True)]
    assert names == ["a/ü b", "both", "copy", "small"]
    every = list(store.list_objects(bucket, recursive=True, include_version=True))
    errors = store.remove_objects(bucket, [DeleteObject(e.object_name, e.version_id) for e in every])
    assert list(errors) == []
    assert list(store.list_objects(bucket, recursive=True, include_version=True)) == []


def test_a_form_that_minio_signed(server: Running, bucket: str) -> None:
    minio = pytest.importorskip("minio")
    from minio.datatypes import PostPolicy

    host = urlsplit(server.endpoint).netloc
    store = minio.Minio(host, access_key=server.access_key, secret_key=server.secret_key, secure=False)
    policy = PostPolicy(bucket, datetime.now(UTC) + timedelta(minutes=5))
    policy.add_starts_with_condition("key", "up/")
    policy.add_content_length_range_condition(1, 100)
    fields = {**store.presigned_post_policy(policy), "key": "up/ü", "file": ("name", b"data")}
    assert urllib3.request("POST", f"{server.endpoint}/{bucket}", fields=fields).status == 204
    assert store.get_object(bucket, "up/ü").read() == b"data"


@pytest.fixture
def rclone(server: Running, tmp_path: Path) -> Any:
    found = shutil.which("rclone")
    if found is None:
        pytest.skip("rclone is not installed")
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENDPOINT": server.endpoint,
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": server.access_key,
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": server.secret_key,
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [found, *words], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_rclone(rclone: Any, bucket: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "ü x").write_bytes(b"one")
    (tree / "big").write_bytes(os.urandom(11 * MIB))
    there = f"store:{bucket}/tree"
    rclone("copy", str(tree), there, "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")
    rclone("check", str(tree), there, "--download")
    (tree / "a" / "ü x").write_bytes(b"two")
    (tree / "big").unlink()
    rclone("sync", str(tree), there)
    rclone("check", str(tree), there)
    listed = json.loads(rclone("lsjson", "-R", there))
    assert sorted((each["Path"], each["Size"]) for each in listed) == [("a", -1), ("a/ü x", 3)]
    assert rclone("cat", f"{there}/a/ü x") == "two"
    rclone("moveto", f"{there}/a/ü x", f"{there}/b")
    assert rclone("lsf", there) == "b\n"
    versions = rclone("lsf", "-R", "--s3-versions", f"store:{bucket}").splitlines()
    assert len([each for each in versions if not each.endswith("/")]) == 4
    rclone("purge", there)
    assert rclone("lsf", f"store:{bucket}") == ""
