"""`explorer doctor` says what is the case, what is wrong, and never a secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from explorer.localstore import ensure_running, status


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["doctor", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def hints(told: dict[str, Any]) -> str:
    assert all(problem["hint"] for problem in told["problems"])
    return " ".join(f"{problem['what']} {problem['hint']}" for problem in told["problems"])


def test_looking_starts_nothing_and_makes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "new"
    code, told = doctor(capsys, "--data", str(folder))
    assert (code, told["problems"]) == (0, [])
    assert (told["store"]["local"], told["store"]["reachable"]) == (True, None)
    assert not folder.exists()


def test_a_running_local_store(capsys: pytest.CaptureFixture[str], store_folder: Path) -> None:
    running = status(store_folder)
    assert running is not None
    code, told = doctor(capsys, "--data", str(store_folder))
    assert (code, told["problems"]) == (0, [])
    store = told["store"]
    assert (store["endpoint"], store["reachable"], store["snapshots"]) == (running.endpoint, True, True)
    assert store["clock_skew_s"] == 0
    assert str(running.pid) in told["local_store"]["lock_holder"]
    assert running.secret_key not in json.dumps(told)
    assert main(["doctor", "--data", str(store_folder)]) == 0
    text = capsys.readouterr()
    assert running.endpoint in text.out
    assert running.secret_key not in text.out + text.err


def test_an_endpoint_says_which_setting_chose_it_and_whose_keys(
    capsys: pytest.CaptureFixture[str], store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = ensure_running(store_folder)
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
    code, told = doctor(capsys)
    assert code == 1
    assert "AWS_ACCESS_KEY_ID" in hints(told)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", running.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-value")
    code, told = doctor(capsys)
    assert (code, told["store"]["reachable"], told["store"]["chosen_by"]) == (1, False, "AWS_ENDPOINT_URL")
    assert "SignatureDoesNotMatch" in hints(told)
    assert "wrong-secret-value" not in json.dumps(told)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", running.secret_key)
    code, told = doctor(capsys)
    assert (code, told["store"]["local"], told["store"]["snapshots"]) == (0, False, True)
    assert "AWS_ACCESS_KEY_ID" in told["store"]["credentials"]
    assert running.secret_key not in json.dumps(told)


def test_nobody_answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "some-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    code, told = doctor(capsys, "--endpoint", "http://127.0.0.1:9")
    assert code == 1
    assert told["store"]["access_key"] == "some-acc…"
    assert "without `--endpoint`" in hints(told)
    assert main(["doctor", "--endpoint", "http://127.0.0.1:9"]) == 1
    assert "problem: " in capsys.readouterr().err


class Behind(BaseHTTPRequestHandler):
    """A plain S3 server whose clock is an hour behind."""

    def do_GET(self) -> None:
        body = b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def date_time_string(self, timestamp: float | None = None) -> str:
        import time

        return super().date_time_string(int(time.time()) - 3600)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def behind() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Behind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_wrong_clock_and_a_store_without_snapshots(
    capsys: pytest.CaptureFixture[str], behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    code, told = doctor(capsys, "--endpoint", behind)
    assert code == 1
    assert told["store"]["clock_skew_s"] == pytest.approx(3600, abs=5)
    assert told["store"]["snapshots"] is False
    assert "refused" in hints(told)
    assert "plain S3" in hints(told)


def test_a_store_whose_keys_others_can_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    keys = tmp_path / "store" / "owner.json"
    keys.write_text("{}")
    keys.chmod(0o644)
    code, told = doctor(capsys, "--data", str(tmp_path))
    assert code == 1
    assert f"chmod 600 {keys}" in hints(told)


def test_a_held_folder_names_its_holder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from explorer.localstore.places import Lock

    lock = Lock(tmp_path / "store")
    lock.take()
    lock.name_holder("process 7 at http://127.0.0.1:1")
    try:
        code, told = doctor(capsys, "--data", str(tmp_path))
    finally:
        lock.close()
    assert code == 1
    assert told["local_store"]["lock_holder"] == "process 7 at http://127.0.0.1:1"
    assert "process 7" in hints(told)
