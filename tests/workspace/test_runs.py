"""Runs as a workspace sees them: any recorded training can be resumed, found again, followed and stopped."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from explorer.errors import BadCheckpoint, BadInput, Conflict, NotFound, ResumeFailed
from explorer.lineage.address import Node
from explorer.lineage.values import RunView
from explorer.localstore import ensure_running
from explorer.settings import Settings
from explorer.workspace.opener import open_workspace
from explorer.workspace.workspace import Workspace

SCRIPT = """
    import sys, time
    from explorer.recorder import Run
    weights = b"\\x02" + bytes(7) + b"{}"
    files = dict.fromkeys(("model.safetensors", "optimizer.safetensors"), weights)
    files |= dict.fromkeys(("config.json", "training_state.json"), b"{}")
    with Run(config={"lr": 0.1, "steps": 2, "rest_s": 0.0}, bucket=sys.argv[1]) as run:
        restored = run.restore()
        print("from", restored and restored.step, "lr", run.config["lr"], flush=True)
        for step in range(restored.step + 1 if restored else 1, run.config["steps"] + 1):
            run.log(step=step, loss=1 / step)
            run.save(step, files)
            time.sleep(run.config["rest_s"])
            if run.should_stop:
                break
"""


@pytest.fixture
def settings(store_folder: Path) -> Settings:
    return Settings(data=store_folder)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    opened = open_workspace(settings)
    yield opened
    for run in opened.state.runs.values():
        if run.is_live:
            opened.stop(run.id)
    opened.close()


@pytest.fixture
def trained(workspace: Workspace, settings: Settings, tmp_path: Path) -> str:
    """A bucket that a person's own script, started by hand, has trained in for two steps."""
    bucket = f"hand-{secrets.token_hex(4)}"
    (tmp_path / "my train.py").write_text(textwrap.dedent(SCRIPT))
    running = ensure_running(settings.data)
    environ = os.environ | {
        "AWS_ENDPOINT_URL_S3": running.endpoint,
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
        "EXPLORER_DATA": str(settings.data),
    }
    command = [sys.executable, "my train.py", bucket]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    workspace.refresh()
    return bucket


def until(holds: Callable[[], bool], *, max_s: float = 60.0) -> None:
    deadline = time.monotonic() + max_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def finished(workspace: Workspace, run: RunView) -> RunView:
    until(lambda: not workspace.state.runs[run.id].is_live)
    workspace.refresh()
    return workspace.state.runs[run.id]


def at(workspace: Workspace, bucket: str, name: str) -> Node:
    return workspace.resolve(f"{bucket}@{name}")


def test_a_training_started_by_hand_is_seen_and_resumed_by_its_own_command(
    workspace: Workspace, trained: str
) -> None:
    # it may be seen while it still writes: what was seen running must be seen to have ended
    until(lambda: [run.state for run in workspace.state.runs_in(trained)] == ["done"])
    (seen,) = workspace.state.runs_in(trained)
    assert (seen.state, seen.backend) == ("done", "by hand")
    run = workspace.resume(at(workspace, trained, "step-1"), overrides=(("lr", 1), ("steps", 3)))
    ended = finished(workspace, run)
    said = workspace.log(run.id, 0)[0].decode()
    assert ended.state == "done", said
    assert said == "from 1 lr 1.0\n"
    assert [s.name for s in workspace.state.bucket(run.bucket).snapshots] == ["step-2", "step-3"]
    assert [s.name for s in workspace.state.bucket(trained).snapshots] == ["step-1", "step-2"]


def test_the_recorded_config_says_what_can_be_overridden(workspace: Workspace, trained: str) -> None:
    before = set(workspace.state.buckets)
    with pytest.raises(BadInput) as caught:
        workspace.resume(at(workspace, trained, "step-1"), overrides=(("step", 3),))
    assert "`steps`" in caught.value.hint
    assert set(workspace.state.buckets) == before


def test_a_workspace_opened_later_finds_the_run_and_stops_it(
    workspace: Workspace, settings: Settings, trained: str
) -> None:
    run = workspace.resume(Node(trained), overrides=(("steps", 1000), ("rest_s", 0.1)))
    assert run.bucket != trained  # a root's head is forked, not written over
    until(lambda: workspace.log(run.id, 0)[0] != b"")
    workspace.close()
    later = open_workspace(settings)
    try:
        assert later.state.runs[run.id].state == "running"
        later.refresh()
        with pytest.raises(Conflict, match="writer"):
            later.launch(run.bucket)
        second = later.resume(Node(run.bucket), overrides=(("steps", 1),))
        assert second.bucket not in (run.bucket, trained)  # somebody writes there: forked again
        later.stop(run.id)
        ended = finished(later, run)
        assert (ended.state, ended.exit_code) == ("stopped", 0)
        text, end = later.log(run.id, 5)
        assert text.startswith(b"2 lr")
        assert later.log(run.id, end) == (b"", end)
        finished(later, second)
    finally:
        later.close()


def test_where_nothing_is_complete_nothing_is_forked(workspace: Workspace, trained: str) -> None:
    empty = workspace.create_bucket(f"{trained}-e")
    with pytest.raises(NotFound, match="no checkpoint"):
        workspace.resume(empty)
    store = workspace._core.store
    store.delete_object(trained, "checkpoints/step-000002/optimizer.safetensors")
    torn = workspace.snapshot(trained, "torn")
    before = set(workspace.state.buckets)
    with pytest.raises(BadCheckpoint, match="optimizer"):
        workspace.resume(torn)
    store.write(trained, "checkpoints/step-000002/optimizer.safetensors", b"\x02" + bytes(7) + b"{}")
    store.write(trained, "checkpoints/step-000002/model.safetensors", b"\xff" * 10)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors"):
        workspace.resume(workspace.snapshot(trained, "garbled"))
    assert set(workspace.state.buckets) == before


def test_a_template_of_the_user_wins_and_its_program_must_be_there(
    workspace: Workspace, settings: Settings, trained: str
) -> None:
    folder = settings.data / "templates"
    folder.mkdir(exist_ok=True)
    template = folder / f"{trained}.toml"
    template.write_text(
        f'[job]\nargv = ["{sys.executable}", "-c", "import sys; print(sys.argv[1:])", "{{bucket}}", '
        f'"{{overrides...}}"]\noverrides = "hydra"\n[match]\nbuckets = ["{trained}*"]\n'
    )
    run = finished(workspace, workspace.resume(at(workspace, trained, "step-2"), overrides=(("x", "a b"),)))
    assert workspace.log(run.id, 0)[0].decode() == f"['{run.bucket}', 'x=a b']\n"
    before = set(workspace.state.buckets)
    template.write_text(template.read_text().replace(sys.executable, "no-such-program"))
    with pytest.raises(ResumeFailed, match="no-such-program"):
        workspace.resume(at(workspace, trained, "step-2"))
    assert set(workspace.state.buckets) == before
    template.unlink()


def test_an_unknown_run_is_not_found(workspace: Workspace) -> None:
    for ask in (workspace.stop, lambda run: workspace.log(run, 0)):
        with pytest.raises(NotFound):
            ask("r0")


def test_a_run_has_a_key_of_its_own_that_goes_with_it(
    workspace: Workspace, settings: Settings, trained: str
) -> None:
    from explorer.errors import NotAllowed
    from explorer.jobs.key_ledger import KeyLedger
    from explorer.jobs.spec import read_spec, run_folder
    from explorer.storage import Keys, open_store

    run = workspace.resume(at(workspace, trained, "step-1"), overrides=(("steps", 1000), ("rest_s", 0.1)))
    store, folder = workspace._core.store, run_folder(settings.data, run.id)
    (grant,) = [g for g in KeyLedger(settings.data).grants("local") if g.run == run.id]
    assert (grant.bucket, grant.reads, run.reason) == (run.bucket, (trained,), None)
    told = dict(
        line.split(" = ") for line in (folder / "credentials").read_text().splitlines() if " = " in line
    )
    secret = told["aws_secret_access_key"]
    assert told["aws_access_key_id"] == grant.key
    assert secret != store.environment()["AWS_SECRET_ACCESS_KEY"]
    until(lambda: workspace.log(run.id, 0)[0] != b"")
    spec = read_spec(folder)
    assert spec is not None
    assert spec.key == grant.key
    job = open_store(store.info.endpoint, access_key=grant.key, secret_key=secret)
    job.read_bucket(run.bucket)
    with pytest.raises(NotAllowed):
        job.write(trained, "k", b"x")
    workspace.stop(run.id)
    assert finished(workspace, run).state == "stopped"
    until(lambda: run.id not in [g.run for g in KeyLedger(settings.data).grants("local")])
    with pytest.raises(NotAllowed, match="InvalidAccessKeyId"):
        job.read_bucket(run.bucket)
    assert grant.key not in [key.id for key in Keys(store).list()]
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert secret.encode() not in written
    job.close()


def test_a_run_that_was_seen_while_its_folder_was_being_written_is_seen_all_the_same(
    workspace: Workspace, settings: Settings, trained: str
) -> None:
    """A resume once failed because another thread had looked between the spec and the status of its run."""
    ended = finished(workspace, workspace.resume(at(workspace, trained, "step-2")))
    folder = settings.data / "runs" / ended.id
    later = folder.with_name("r99999999-000000-000000")
    later.mkdir()
    try:
        for written in ("spec.json", "status.json"):
            text = (folder / written).read_text().replace(ended.id, later.name)
            (later / written).write_text(text)
            workspace._runs.look()
            assert (later.name in workspace.state.runs) == (written == "status.json")
    finally:
        shutil.rmtree(later)
