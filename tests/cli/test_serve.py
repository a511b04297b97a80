from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.localstore import status, stop


@pytest.fixture
def data(tmp_path: Path):
    yield tmp_path
    stop(tmp_path)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_start_status_and_stop(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--data", str(data)]
    assert main([*where, "serve", "--status", "--json"]) == 1
    assert json.loads(said(capsys)) == {"running": False, "folder": str(data / "store")}
    assert main([*where, "serve"]) == 0
    running = status(data)
    assert running is not None
    told = said(capsys)
    assert running.endpoint in told
    assert running.secret_key not in told
    assert main([*where, "serve", "--status", "--json"]) == 0
    assert json.loads(said(capsys))["endpoint"] == running.endpoint
    assert main([*where, "serve", "--stop", "--json"]) == 0
    assert json.loads(said(capsys)) == {"stopped": True}
    assert main([*where, "serve", "--stop"]) == 0
    assert "not running" in said(capsys)


def test_a_shell_gets_what_it_needs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "serve", "--env"]) == 0
    lines = [shlex.split(line) for line in said(capsys).splitlines()]
    assert all(word == "export" for word, _ in lines)
    told = dict(pair.split("=", 1) for _, pair in lines)
    running = status(data)
    assert running is not None
    assert told == {
        "AWS_ENDPOINT_URL_S3": running.endpoint,
        "AWS_ENDPOINT_URL_IAM": running.endpoint,
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
        "AWS_REGION": "auto",
        "EXPLORER_DATA": str(data.resolve()),
    }


def test_in_the_foreground_until_interrupted(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [sys.executable, "-m", "explorer", "--data", str(data), "serve", "--foreground"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "serving" in server.stdout.readline()
        assert status(data) is not None
        assert main(["--data", str(data), "serve", "--foreground"]) == 1
        assert f"process {server.pid}" in capsys.readouterr().err
        server.terminate()
        assert server.wait(10) == 0
    assert status(data) is None


def test_reading_a_store_that_is_not_there(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "serve", "--foreground", "--read-only"]) == 1
    assert "no store to read" in capsys.readouterr().err
