from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from explorer.cli import main
from explorer.localstore import ensure_running, stop


@pytest.fixture
def data(tmp_path: Path):
    """A folder with a store that has something to sweep, and is not running."""
    running = ensure_running(tmp_path, wait_s=30)
    client: Any = boto3.client(
        "s3",
        endpoint_url=running.endpoint,
        aws_access_key_id=running.access_key,
        aws_secret_access_key=running.secret_key,
        region_name="auto",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket="one-bucket")
    client.put_object(Bucket="one-bucket", Key="k", Body=b"replaced")
    client.put_object(Bucket="one-bucket", Key="k", Body=b"kept")
    stop(tmp_path)
    yield tmp_path
    stop(tmp_path)


@pytest.mark.parametrize("is_running", [False, True])
def test_check_and_sweep(data: Path, is_running: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The same answers from a running server as from the folder."""
    if is_running:
        ensure_running(data)

    def ask(*words: str) -> dict[str, Any]:
        assert main(["--data", str(data), "store", *words, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    found = ask("check", "--deep")
    assert (found["problems"], found["blobs"], found["verified_bytes"]) == ([], 2, 12)
    would = ask("gc", "--grace", "0")
    assert (would["dry_run"], would["blobs"], would["bytes"]) == (True, 1, 8)
    assert ask("check")["blobs"] == 2
    done = ask("gc", "--grace", "0", "--yes")
    assert (done["dry_run"], done["blobs"], done["bytes"]) == (False, 1, 8)
    assert done["trash_bytes"] == (0 if is_running else 8), "a server leaves it to its readers for a while"
    assert ask("check")["blobs"] == 1


def test_damage_is_told_and_is_an_exit_code(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (data / "store" / "blob").glob("*/*"):
        path.write_bytes(b"")
    assert main(["--data", str(data), "store", "check"]) == 1
    out = capsys.readouterr().out
    assert "bytes instead of" in out
    assert out.splitlines()[-1] == "damaged"


def test_without_yes_nothing_is_done(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "store", "gc", "--grace", "0"]) == 0
    assert "say --yes" in capsys.readouterr().out
    assert len(list((data / "store" / "blob").glob("*/*"))) == 2


def test_words_that_cannot_be_meant(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "store", "gc", "--grace", "-1"]) == 1
    assert "negative" in capsys.readouterr().err
    assert main(["--data", str(data / "elsewhere"), "store", "check"]) == 1
    assert "no local store" in capsys.readouterr().err
