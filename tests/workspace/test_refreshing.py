"""What a workspace says while its store is away, and that it goes on when it is back."""

import time
from dataclasses import replace

from explorer.localstore import ensure_running, stop
from explorer.settings import Settings
from explorer.workspace.opener import open_workspace


def _until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_local_store_that_went_away_is_told_with_what_starts_it(tmp_path):
    ensure_running(tmp_path)
    workspace = open_workspace(Settings(data=tmp_path))
    try:
        workspace._core.settings = replace(workspace._core.settings, refresh_s=0.1)
        workspace.create_bucket("before")
        stop(tmp_path)
        workspace.start_refreshing()
        _until(lambda: None in workspace.state.failures)
        assert "`explorer serve` starts it" in workspace.state.failures[None].message
        assert "before" in workspace.state.buckets, "what was seen stays"
        ensure_running(tmp_path)
        _until(lambda: None not in workspace.state.failures)
        workspace.create_bucket("after")
    finally:
        workspace.close()
        stop(tmp_path)
