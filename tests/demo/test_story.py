"""`explorer demo --headless`: does everything, and does not say so when it has not happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.cli import main
from explorer.localstore import stop
from explorer.settings import Settings
from explorer.workspace.opener import open_workspace


@pytest.mark.timeout(300)
def test_the_whole_story_is_told_once_and_checked_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://somebody.example")  # the demo leaves accounts alone
    try:
        assert main(["demo", "--headless", "--data", str(data)]) == 0
        told = capsys.readouterr().out
        assert told.startswith("local store  http://127.0.0.1:")
        assert "weight_decay 0 → 0.3" in told
        assert "spiral-wd-3e-1-lr-5e-3" in told
        assert "step 500 of spiral-base-f1 is byte for byte the one of spiral-base" in told
        workspace = open_workspace(Settings(data=data))
        workspace.snapshot("spiral-base", "step-500")  # one too many
        workspace.close()
        assert main(["demo", "--headless", "--data", str(data)]) == 1
        said = capsys.readouterr()
        assert "started" not in said.out  # what is there is not trained again
        assert "the snapshots of `spiral-base`" in said.err
    finally:
        stop(data)
