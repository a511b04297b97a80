"""What every key of a bucket has been, told by boto3 and not by the code under test; and a random past."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from explorer.localstore import Running, ensure_running
from explorer.storage import Store
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from explorer.workspace.pushing.report import PushReport
from tests.localstore.wire import send
from tests.workspace.pushing.lineages import opened

NOT_PUSHED = (".explorer/lease.json", ".explorer/push.json")
LARGE = bytes(range(256)) * 1024
"""Big enough to be copied over there when it is there already."""

State = tuple[bytes | None, tuple[tuple[str, Any], ...]]
"""(bytes, or None for a delete marker; content type, metadata and tags)."""


def client_of(folder: Path) -> Any:
    running = ensure_running(folder)
    return boto3.client(
        "s3",
        endpoint_url=running.endpoint,
        aws_access_key_id=running.access_key,
        aws_secret_access_key=running.secret_key,
        region_name="auto",
    )


def history(client: Any, bucket: str, after: str | None = None) -> dict[str, list[State]]:
    """Key -> its states, oldest first, younger than the version `after` (the cut of a fork)."""
    found: dict[str, list[tuple[int, bool]]] = {}
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for kind in ("Versions", "DeleteMarkers"):
            for entry in page.get(kind, ()):
                if int(entry["VersionId"]) > int(after or 0) and entry["Key"] not in NOT_PUSHED:
                    found.setdefault(entry["Key"], []).append((int(entry["VersionId"]), kind == "Versions"))
    return {
        key: [_state(client, bucket, key, version, there) for version, there in sorted(versions)]
        for key, versions in found.items()
    }


def _state(client: Any, bucket: str, key: str, version: int, there: bool) -> State:
    if not there:
        return None, ()
    which = {"Bucket": bucket, "Key": key, "VersionId": str(version)}
    answer = client.get_object(**which)
    tags = sorted((t["Key"], t["Value"]) for t in client.get_object_tagging(**which)["TagSet"])
    said = (("type", answer["ContentType"]), ("metadata", tuple(sorted(answer["Metadata"].items()))))
    return answer["Body"].read(), (*said, ("tags", tuple(tags)))


@dataclass
class Past:
    """A source store that is written to by small words, so that a random list of them is a random history."""

    folder: Path
    prefix: str
    store: Store = field(init=False)
    client: Any = field(init=False)
    running: Running = field(init=False)
    buckets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.running = ensure_running(self.folder)
        self.store = opened(self.folder)
        self.client = client_of(self.folder)
        self._make()

    def _make(self) -> str:
        name = f"{self.prefix}-{len(self.buckets)}"
        self.buckets.append(name)
        if len(self.buckets) == 1:
            self.store.create_bucket(name)
        return name

    def put(self, bucket: int, key: str, body: bytes, label: int) -> None:
        said = {"ContentType": f"text/x-{label}", "Metadata": {"m": str(label)}} if label else {}
        self.client.put_object(Bucket=self.bucket(bucket), Key=key, Body=body, **said)

    def delete(self, bucket: int, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket(bucket), Key=key)

    def tag(self, bucket: int, key: str, label: int) -> None:
        tags = [{"Key": "t", "Value": str(label)}]
        with suppress(self.client.exceptions.ClientError):  # there may be nothing to tag
            self.client.put_object_tagging(Bucket=self.bucket(bucket), Key=key, Tagging={"TagSet": tags})

    def forget(self, bucket: int, key: str) -> None:
        """Delete the newest version of a key for good, if it is the bucket's own."""
        name = self.bucket(bucket)
        page = self.client.list_object_versions(Bucket=name, Prefix=key)
        newest = [e for k in ("Versions", "DeleteMarkers") for e in page.get(k, ()) if e["Key"] == key]
        if newest:
            version = max(newest, key=lambda entry: int(entry["VersionId"]))["VersionId"]
            send(self.running, "DELETE", f"/{name}/{key}?versionId={version}")

    def snapshot(self, bucket: int) -> None:
        self.store.take_snapshot(self.bucket(bucket), "s")

    def fork(self, bucket: int) -> None:
        source = self.bucket(bucket)
        if len(self.buckets) < 4:
            node = self.store.take_snapshot(source).node
            self.store.fork(node, self._make())

    def merge(self, bucket: int) -> None:
        """Into its parent; refused where both changed a key."""
        parent = self._parent_of(bucket)
        if parent:
            headers = {"x-tigris-merge-source-bucket": self.bucket(bucket)}
            assert send(self.running, "PUT", f"/{parent}", headers=headers).status in (200, 501)

    def rebase(self, bucket: int) -> None:
        if self._parent_of(bucket):
            headers = {"x-tigris-rebase": "true"}
            answer = send(self.running, "PUT", f"/{self.bucket(bucket)}", headers=headers)
            assert answer.status in (200, 501)

    def _parent_of(self, bucket: int) -> str | None:
        parent = self.store.read_bucket(self.bucket(bucket)).parent
        return parent.bucket if parent is not None else None

    def bucket(self, number: int) -> str:
        return self.buckets[number % len(self.buckets)]


def check_histories(past: Past, target: Store, target_folder: Path) -> None:
    """Every key of every bucket was the same over there, in the same order, with the same labels."""
    here = {b.name: b for b in past.store.list_lineage()}
    there = {b.name: b for b in target.list_lineage()}
    client = client_of(target_folder)
    for name in past.buckets:
        cuts = [b.parent.version if b.parent is not None else None for b in (here[name], there[name])]
        assert history(client, name, cuts[1]) == history(past.client, name, cuts[0]), name


def push(past: Past, target: Store, folder: Path, **options: Any) -> PushReport:
    record = PushMap.open(folder, "local", "http://other")
    try:
        return Push(past.store, target, record, **options).run(past.buckets)
    finally:
        record.close()


def histories(report: PushReport) -> set[str]:
    return {bucket.history for bucket in report.buckets}
