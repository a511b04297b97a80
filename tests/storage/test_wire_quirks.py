"""Answers that Tigris gives and other servers do not, and the other way round."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.utils import parse_timestamp

from explorer.errors import BadInput, Conflict, SnapshotsOff
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Range, Snapshot
from explorer.storage import open_store
from explorer.storage.credentials import read_time
from tests.storage.scripted import Asked, Told, as_json, error, serving

V = [f"17516319101406853{i}0" for i in range(10)]
SNAPSHOTS_ON = {"X-Tigris-Enable-Snapshot": "true"}


def listing(names, token=None):
    buckets = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>2025-07-04T12:25:10.19667705Z</CreationDate></Bucket>"
        for name in names
    )
    more = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    root = "ListAllMyBucketsResult"
    return Told(200, f"<{root}><Buckets>{buckets}</Buckets>{more}</{root}>".encode())


def open_at(script):
    return open_store(script.endpoint, access_key="a", secret_key="b")


def test_snapshots_are_paged_newest_first_and_an_empty_page_ends_them():
    pages = {
        None: listing([f"{V[4]}; name=a; name=b", V[3]], V[3]),
        V[3]: listing([f"{V[2]}; name=step-100", f"{V[1]}; name=step-100"], V[1]),
        V[1]: listing([], V[1]),
    }

    def answer(asked: Asked) -> Told:
        assert asked.headers["x-tigris-snapshot"] == "bucket"
        return pages[asked.query.get("continuation-token", [None])[0]]

    with serving(answer) as script:
        assert open_at(script).list_snapshots("bucket") == (
            Snapshot("bucket", V[1], "step-100"),
            Snapshot("bucket", V[2], "step-100"),
            Snapshot("bucket", V[3]),
            Snapshot("bucket", V[4], "a; name=b"),
        )
        assert len(script.seen) == 3


def test_the_lineage_is_one_page_of_buckets_and_one_listing_for_each_with_snapshots():
    born = "2026-10-20T10:57:28.204938449Z"
    parent = {"BucketName": "root", "Snapshot": f"{V[1]}; name=v1", "ForkCreatedAt": born}
    entries = [
        {
            "Name": "root",
            "InitialCreatedDate": "2026-10-20T10:57:27Z",
            "Type": "Snapshot",
            "ForkInfo": {"Parents": None},
        },
        {
            "Name": "fork",
            "InitialCreatedDate": "2026-10-20T10:57:28Z",
            "Type": "Snapshot",
            "ForkInfo": {"Parents": [parent]},
        },
        {"Name": "flat", "InitialCreatedDate": "2026-10-20T10:57:29Z", "Type": "Regular"},
    ]
    metadata = {
        "name": "root",
        "created_at": "2026-10-20T10:57:27.918273645Z",
        "type": 1,
        "ForkInfo": {"Parents": []},
    }

    def answer(asked: Asked) -> Told:
        if asked.path != "/":
            return as_json(metadata)
        if bucket := asked.headers.get("x-tigris-snapshot"):
            return listing([V[1]] if bucket == "root" else [])
        page = entries[:2] if "continuation-token" not in asked.query else entries[2:]
        return as_json(
            {
                "Buckets": {"Bucket": page if len(page) > 1 else page[0]},
                "ContinuationToken": "fork" if len(page) > 1 else None,
            }
        )

    with serving(answer) as script:
        store = open_at(script)
        root, fork, flat = store.list_lineage()
        assert len(script.seen) == 4
        assert (root.name, root.parent, root.snapshots) == ("root", None, (Snapshot("root", V[1]),))
        assert (fork.parent, fork.snapshots_on, fork.created_ns) == (
            Node("root", V[1]),
            True,
            1792493848204938000,
        )
        assert (flat.snapshots_on, flat.snapshots) == (False, ())
        assert store.read_bucket("root").created_ns == root.created_ns


def test_a_server_that_ignores_the_header_is_never_sent_the_deletion_of_a_snapshot():
    def liar(asked: Asked) -> Told:  # lists anything, knows no snapshots, would delete the bucket
        return listing([V[1]]) if asked.method == "GET" else Told(204 if asked.method == "DELETE" else 200)

    def half(asked: Asked) -> Told:  # says that snapshots are on, and lists its buckets when asked for them
        return listing(["bucket"]) if asked.method == "GET" else Told(200, headers=SNAPSHOTS_ON)

    for answer in (liar, half):
        with serving(answer) as script:
            with pytest.raises(SnapshotsOff):
                open_at(script).delete_snapshot(Node("bucket", V[1]))
            assert not any(asked.method == "DELETE" for asked in script.seen)


def test_snapshots_off_for_one_bucket_of_a_store_that_has_them():
    def answer(asked: Asked) -> Told:
        if asked.method == "HEAD":
            return Told(200, headers={"X-Tigris-Enable-Snapshot": "false"})
        return as_json({"Buckets": {}})

    with serving(answer) as script:
        store = open_at(script)
        for ask in (lambda: store.take_snapshot("bucket"), lambda: store.fork(Node("bucket"), "child")):
            with pytest.raises(SnapshotsOff, match="`bucket`"):
                ask()
        assert store.info.snapshots
        assert not any(asked.method == "PUT" for asked in script.seen)


def test_a_store_that_makes_a_bucket_instead_of_a_fork_is_found_out():
    def answer(asked: Asked) -> Told:
        if "metadata" in asked.query:
            return as_json({"name": "child", "type": 1})
        return Told(200, headers=SNAPSHOTS_ON)

    with serving(answer) as script, pytest.raises(SnapshotsOff, match="not as a fork"):
        open_at(script).fork(Node("bucket", V[1]), "child")


@pytest.mark.parametrize("name", ["größe", "a\nb", "a\r\nX-Evil: 1", "x" * 300, "  "])
def test_names_that_cannot_travel_in_a_header_are_refused_before_the_wire(name):
    with serving(lambda asked: error(500, "InternalError")) as script:
        with pytest.raises(BadInput):
            open_at(script).take_snapshot("bucket", name)
        assert script.seen == []


def test_of_180_concurrent_reads_none_carries_the_version_of_another():
    """Every way to read, 12 versions, 12 threads; the server answers with the version it was asked for."""

    def answer(asked: Asked) -> Told:
        body = asked.headers.get("x-tigris-snapshot-version", "head").encode()
        if "list-type" in asked.query:
            return Told(
                200,
                b"<ListBucketResult><Contents><Key>%s</Key><Size>1</Size><ETag>e</ETag></Contents></ListBucketResult>"
                % body,
            )
        signed = b"x-tigris-snapshot-version" in asked.headers["authorization"].encode()
        return Told(200, body, {"ETag": '"e"', "X-Signed": str(signed)})

    with serving(answer) as script:
        store = open_at(script)
        nodes = [Node("bucket"), *(Node("bucket", str(1751631910140685342 + i)) for i in range(11))]

        def read(i: int) -> tuple[Node, list[str]]:
            node = nodes[i % len(nodes)]
            return node, [
                store.read(node, Range("k")).decode(),
                store.read_object(node, "k")[0].decode(),
                store.list_objects(node)[0].key,
                *(data.decode() for data in store.read_many(node, [Range("k"), Range("a//b")] * 4)),
            ]

        with ThreadPoolExecutor(12) as threads:
            for node, answers in threads.map(read, range(180)):
                assert set(answers) == {node.version or "head"}
        unsigned = [
            asked
            for asked in script.seen
            if "x-tigris-snapshot-version" in asked.headers
            and "x-tigris-snapshot-version" not in asked.headers["authorization"]
        ]
        assert not unsigned


def test_an_answer_of_another_size_than_listed_is_a_conflict():
    part = Told(206, b"abc", {"ETag": '"e"', "Content-Range": "bytes 0-2/99"})
    with serving(lambda asked: part) as script:
        store = open_at(script)
        with pytest.raises(Conflict, match="99 bytes"):
            store.read_many(Node("bucket"), [Range("k", 0, 3)], expect={"k": ObjectInfo("k", 50, "e", 0)})
        with pytest.raises(Conflict, match="99 bytes"):
            store.read_part(Node("bucket"), ObjectInfo("k", 50, "e", 0), 0, 3)
        assert bytes(store.read_part(Node("bucket"), ObjectInfo("k", 99, "e", 0), 0, 3)) == b"abc"
        assert script.seen[-1].headers["if-match"] == '"e"'


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-04T12:25:10.19667705Z",
        "2026-10-20T10:57:28.204938449Z",
        "2026-10-20T10:57:28Z",
        "2026-10-20T10:57:28+02:00",
        "2026-10-20T10:57:28",
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "1751631910",
        1751631910.5,
    ],
)
def test_times_are_read_as_botocore_reads_them(text):
    assert read_time(text) == parse_timestamp(text)


def test_objects_are_paged_at_one_version():
    def answer(asked: Asked) -> Told:
        assert asked.headers["x-tigris-snapshot-version"] == V[0]
        start = int(asked.query.get("continuation-token", ["0"])[0])
        keys = range(start, min(start + int(asked.query.get("max-keys", ["2"])[0]), start + 2, 5))
        entries = "".join(
            f"<Contents><Key>k{i}%2B</Key><Size>{i}</Size><ETag>&quot;e{i}&quot;</ETag></Contents>"
            for i in keys
        )
        more = keys.stop < 5
        tail = f"<IsTruncated>{str(more).lower()}</IsTruncated><EncodingType>url</EncodingType>"
        token = f"<NextContinuationToken>{keys.stop}</NextContinuationToken>" if more else ""
        return Told(200, f"<ListBucketResult>{entries}{tail}{token}</ListBucketResult>".encode())

    with serving(answer) as script:
        store, node = open_at(script), Node("bucket", V[0])
        assert [item.key for item in store.list_objects(node)] == [f"k{i}+" for i in range(5)]
        assert [item.etag for item in store.list_objects(node, limit=3)] == ["e0", "e1", "e2"]
        assert len(script.seen) == 3 + 2


@pytest.mark.parametrize(
    ("endpoint", "host", "path"),
    [
        ("http://t3.storage.dev", "bucket.t3.storage.dev", "/k"),
        ("http://minio.example:9000", "minio.example:9000", "/bucket/k"),
        ("http://minio:9000", "minio:9000", "/bucket/k"),
        ("http://10.1.2.3:9000", "10.1.2.3:9000", "/bucket/k"),
    ],
)
def test_buckets_are_named_in_the_host_or_in_the_path(monkeypatch, endpoint, host, path):
    """Tigris serves new buckets by host only. Looked at through a proxy, which needs no names to resolve."""
    with serving(lambda asked: Told(200, b"data", {"ETag": '"e"'})) as script:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, script.endpoint)
        monkeypatch.setenv("no_proxy", "")
        store = open_store(endpoint, access_key="a", secret_key="b")
        node = Node("bucket", V[0])
        assert store.read(node, Range("k")) == b"data"
        assert store.read_many(node, [Range("k")] * 8) == (b"data",) * 8
        assert [(asked.headers["host"], asked.path) for asked in script.seen] == [(host, path)] * 9
        assert all(asked.headers["x-tigris-snapshot-version"] == V[0] for asked in script.seen)


def test_a_proxy_of_the_shell_is_not_asked_for_this_machine(monkeypatch):
    with serving(lambda asked: Told(200, b"data", {"ETag": '"e"'})) as script:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "")
        store = open_at(script)
        assert store.read(Node("bucket"), Range("k")) == b"data"
        assert store.read_many(Node("bucket"), [Range("k")] * 8) == (b"data",) * 8


def test_variables_of_the_shell_do_not_bend_reads_of_a_store_that_we_were_given_keys_for(monkeypatch):
    elsewhere = dict.fromkeys(
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"), "http://127.0.0.1:9"
    )
    switches = (
        "SKIP_SIGNATURE",
        "UNSIGNED_PAYLOAD",
        "S3_EXPRESS",
        "VIRTUAL_HOSTED_STYLE_REQUEST",
        "REQUEST_PAYER",
    )
    others = {
        "AWS_SESSION_TOKEN": "t",
        "AWS_REGION": "zz-1",
        "AWS_BUCKET": "other",
        "AWS_ACCESS_KEY_ID": "zz",
    }
    for name, value in {**elsewhere, **{f"AWS_{s}": "true" for s in switches}, **others}.items():
        monkeypatch.setenv(name, value)
    with serving(lambda asked: Told(200, b"ours", {"ETag": '"e"'})) as script:
        store, node = open_at(script), Node("bucket", V[0])
        assert store.read(node, Range("k")) == b"ours"
        assert store.read_many(node, [Range("k")] * 8) == (b"ours",) * 8
        for asked in script.seen:
            assert asked.path == "/bucket/k"
            assert "Credential=a/" in asked.headers["authorization"]
            assert "/auto/s3/aws4_request" in asked.headers["authorization"]
            assert "x-tigris-snapshot-version" in asked.headers["authorization"]
            assert "x-amz-security-token" not in asked.headers


def test_a_certificate_bundle_of_the_user_is_used_for_bulk_reads_too(monkeypatch):
    """obstore does not know it: reads go through boto3."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "bundle.pem")
    store = open_store("https://store.example", access_key="a", secret_key="b")
    assert store._clients.bulk(Node("bucket", V[0])) is None
