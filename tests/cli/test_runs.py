"""`explorer resume` and `explorer runs` on a real training of the demo."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from explorer.settings import Settings
from explorer.workspace.opener import open_workspace


@pytest.fixture
def trained(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with snapshots step-10 and step-20 of the demo's training, which has ended."""
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0")
    workspace = open_workspace(Settings(data=store_folder))
    try:
        name = workspace.create_bucket(f"cli-{secrets.token_hex(4)}").bucket
        run = workspace.launch(name, "demo", (("steps", 20), ("save_every", 10)))
        while workspace.state.runs[run.id].is_live:
            workspace.log(run.id, 0)
        assert workspace.state.runs[run.id].state == "done"
    finally:
        workspace.close()
    return name


def test_resume_forks_trains_and_tells(run, trained):
    code, told, _ = run("resume", f"{trained}@step-10", "--set", "lr=1e-3", "--wait", "--json")
    assert code == 0
    assert (told["state"], told["exit_code"], told["store"]["local"]) == ("done", 0, True)
    assert told["source"].startswith(f"{trained}@")
    assert told["overrides"]["lr"] == 1e-3
    assert told["bucket"] != trained
    code, tree, _ = run("tree", "--json")
    fork = next(b for b in tree["buckets"] if b["bucket"] == told["bucket"])
    assert [s["name"] for s in fork["snapshots"]] == ["step-20"]
    assert fork["overrides"] == {"lr": 1e-3}
    assert [r["state"] for r in fork["runs"]] == ["done"]

    code, listed, _ = run("runs", "list", "--json")
    assert told["run"] in [r["run"] for r in listed["runs"]]
    line = next(line for line in run("runs", "list")[1].splitlines() if told["run"] in line)
    assert f"from {trained}@step-10" in line
    assert "lr 0.001" in line
    assert "restored " in run("runs", "log", told["run"])[1]
    assert "restored " in run("runs", "log", told["run"], "--follow")[1]
    assert run("runs", "stop", told["run"], "--wait", "--json")[1]["state"] == "done"
    assert run("runs", "stop", told["run"], "--json")[1]["state"] == "done"
    assert run("runs", "stop", told["run"])[1] == f"run {told['run']} has ended already: done\n"


def test_what_cannot_be_resumed_says_why(run, trained):
    code, out, err = run("resume", f"{trained}@step-10", "--set", "learning_rate=1")
    assert (code, out) == (1, "")
    assert "error: `learning_rate` is not an override" in err
    assert "hint: " in err
    code, _, err = run("resume", f"{trained}@step-10", "--template", "dmeo")
    assert code == 1
    assert "`demo`" in err
    code, _, err = run("resume", f"{trained}@step-11")
    assert code == 1
    assert "step-10" in err
    code, _, err = run("runs", "log", "r2026")
    assert code == 1
    assert "There is no run" in err
    assert run("runs")[0] == 2
