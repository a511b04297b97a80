"""Tigris' own CLI (npm @tigrisdata/cli) manages keys of the local store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from explorer.localstore import Running, status

CLI = os.environ.get("EXPLORER_TEST_TIGRIS_CLI") or shutil.which("tigris")
pytestmark = pytest.mark.skipif(CLI is None, reason="npm install -g @tigrisdata/cli")


@pytest.fixture
def running(store_folder: Path) -> Running:
    found = status(store_folder)
    assert found is not None
    return found


def tigris(running: Running, home: Path, *words: str) -> Any:
    """The JSON that a command prints; it must succeed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
        "AWS_ENDPOINT_URL_S3": running.endpoint,
        "AWS_ENDPOINT_URL_IAM": running.endpoint,
        "TIGRIS_NO_TELEMETRY": "1",
        "TIGRIS_NO_UPDATE_CHECK": "1",
        "TIGRIS_NO_BANNER": "1",
    }
    assert CLI is not None
    command = ["node", CLI] if CLI.endswith(".js") else [CLI]
    done = subprocess.run(
        [*command, "access-keys", *words, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_a_key_from_making_it_to_deleting_it(running: Running, tmp_path: Path) -> None:
    made = tigris(running, tmp_path, "create", "from-the-cli")
    tigris(running, tmp_path, "assign", made["id"], "--bucket", "some-bucket", "--role", "Editor")
    told = tigris(running, tmp_path, "get", made["id"])
    assert (told["status"], told["roles"]) == ("active", [{"bucket": "some-bucket", "role": "Editor"}])
    rotated = tigris(running, tmp_path, "rotate", made["id"], "--yes")
    assert rotated["secret"] != made["secret"]
    tigris(running, tmp_path, "delete", made["id"], "--yes")
    assert made["id"] not in {key["id"] for key in tigris(running, tmp_path, "list")["items"]}
