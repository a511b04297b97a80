from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from explorer.errors import StoreTrouble
from explorer.localstore import Running, ensure_running, status, stop
from explorer.localstore.places import process_start
from tests.localstore.conftest import make_client


@pytest.fixture
def data(tmp_path: Path):
    yield tmp_path
    stop(tmp_path)


def test_it_starts_once_is_found_and_stops(data: Path) -> None:
    assert status(data) is None
    first = ensure_running(data)
    assert status(data) == first == ensure_running(data)
    assert make_client(first).list_buckets()["Buckets"] == []
    assert stop(data)
    assert status(data) is None
    assert not stop(data)


def test_processes_that_start_it_at_once_share_one(data: Path) -> None:
    program = (
        "import sys, pathlib; from explorer.localstore import ensure_running; "
        "print(ensure_running(pathlib.Path(sys.argv[1]), wait_s=30).pid)"
    )

    def start(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", program, str(data)], capture_output=True, text=True, check=True
        ).stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1


def test_finding_it_imports_no_server_parts() -> None:
    program = "import explorer.localstore, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert not {"granian", "sqlite3", "boto3", "blake3", "asyncio", "numpy"} & set(loaded.split())


def test_secrets_are_private_and_shown_nowhere(data: Path) -> None:
    running = ensure_running(data)
    make_client(running).list_buckets()
    for name in ("owner.json", "server.json", "LOCK", "meta.db"):
        assert stat.S_IMODE((running.folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700
    for path in running.folder.glob("server.*"):
        assert running.secret_key not in path.read_text()
    arguments = Path(f"/proc/{running.pid}/cmdline")
    if arguments.exists():
        assert running.secret_key.encode() not in arguments.read_bytes()


def test_a_second_server_is_refused_and_told_who_holds_the_folder(data: Path) -> None:
    running = ensure_running(data)
    from explorer.localstore.server import serve

    with pytest.raises(StoreTrouble, match=f"process {running.pid} at {running.endpoint}"):
        serve(running.folder)


def test_after_a_crash_it_comes_back_on_the_same_port_with_everything(data: Path) -> None:
    first = ensure_running(data)
    client = make_client(first)
    client.create_bucket(Bucket="one-bucket")
    client.put_object(Bucket="one-bucket", Key="k", Body=b"data")
    os.kill(first.pid, signal.SIGKILL)
    wait_gone(first.pid)
    assert status(data) is None
    second = ensure_running(data)
    assert (second.endpoint, second.access_key) == (first.endpoint, first.access_key)
    assert second.pid != first.pid
    assert client.get_object(Bucket="one-bucket", Key="k")["Body"].read() == b"data"


def test_a_client_that_retries_does_not_notice_a_restart(data: Path) -> None:
    first = ensure_running(data)
    client = make_client(first, retries={"max_attempts": 8, "mode": "standard"})
    client.create_bucket(Bucket="one-bucket")
    written: list[int] = []
    failures: list[Exception] = []
    done = threading.Event()

    def write() -> None:
        for n in itertools.takewhile(lambda _: not done.is_set(), itertools.count()):
            try:
                client.put_object(Bucket="one-bucket", Key=f"k{n}", Body=b"data")
                written.append(n)
            except Exception as error:
                failures.append(error)

    def wait_written(most: int) -> None:
        deadline = time.monotonic() + 60
        while len(written) < most and not failures and time.monotonic() < deadline:
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    wait_written(5)
    os.kill(first.pid, signal.SIGKILL)
    wait_gone(first.pid)
    before = len(written)
    ensure_running(data)
    wait_written(before + 20)
    done.set()
    writer.join()
    assert failures == []
    assert len(written) >= before + 20


def wait_gone(pid: int) -> None:
    while process_start(pid) is not None:
        time.sleep(0.01)


def test_a_pid_that_now_belongs_to_another_process_is_not_taken_for_the_server(data: Path) -> None:
    running = ensure_running(data)
    assert stop(data)
    state = json.loads((running.folder / "server.json").read_text())
    (running.folder / "server.json").write_text(json.dumps(state | {"pid": os.getpid()}))
    assert status(data) is None
    assert not stop(data)


def test_a_server_whose_folder_is_removed_ends(tmp_path: Path) -> None:
    running = ensure_running(tmp_path / "data")
    shutil.rmtree(tmp_path / "data")
    deadline = time.monotonic() + 20
    while process_start(running.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert process_start(running.pid) is None


def test_a_folder_that_cannot_be_used_is_an_error_with_a_hint(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StoreTrouble) as trouble:
        ensure_running(blocked)
    assert "--data" in trouble.value.hint


def test_a_store_of_a_newer_format_is_left_alone(data: Path) -> None:
    running = ensure_running(data)
    stop(data)
    import sqlite3

    with sqlite3.connect(running.folder / "meta.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreTrouble, match="format 99") as trouble:
        ensure_running(data)
    assert "upgrade" in trouble.value.hint


def test_it_stops_in_the_middle_of_an_upload(data: Path) -> None:
    import socket
    from urllib.parse import urlsplit

    running: Running = ensure_running(data)
    parts = urlsplit(running.endpoint)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as half:
        half.sendall(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        began = time.monotonic()
        assert stop(data)
        assert time.monotonic() - began < 9


def test_an_upload_under_way_does_not_keep_the_server_from_stopping(data: Path) -> None:
    running = ensure_running(data)
    s3 = make_client(running)
    s3.create_bucket(Bucket="main")
    parts = urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": "main", "Key": "k"}))
    head = (
        f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 90000000\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as half:
        half.sendall(head.encode() + bytes(9_000_000))
        assert stop(data, wait_s=30)
    assert (running.folder / "server.log").read_text().splitlines()[-1].endswith("stopped"), (
        "it was not killed"
    )
    assert list((running.folder / "tmp").iterdir()) == []
