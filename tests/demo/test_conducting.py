"""The conductor brings a lineage to its plan, may be killed and started anew, and undoes nobody's work."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from explorer.demo import conducting
from explorer.demo.conducting import Conductor, choose_prefix, notes_path
from explorer.demo.plan import Branch, plan
from explorer.errors import ResumeFailed
from explorer.workspace.workspace import Workspace


@pytest.fixture
def branches(monkeypatch: pytest.MonkeyPatch) -> tuple[Branch, ...]:
    """A shorter plan: a base and one fork of it."""
    monkeypatch.setattr(conducting, "STEPS", 100)
    base = f"c-{secrets.token_hex(4)}"
    long = (("steps", 100),)
    return (Branch(base, None, None, long), Branch(f"{base}-f", base, 50, (("lr", 0.1),)))


def test_it_can_be_killed_and_started_anew(
    workspace: Workspace, branches: tuple[Branch, ...], tmp_path: Path
) -> None:
    said: list[str] = []
    first = Conductor(workspace, branches, tmp_path / "notes.json", said.append)
    assert first.step()  # and then it is gone
    Conductor(workspace, branches, tmp_path / "notes.json", said.append).run(60)
    made = [branch.name for branch in branches]
    assert [line.split()[0] for line in said] == ["created", "started", "forked", "started"]
    ended = [workspace.state.runs_in(name) for name in made]
    assert [[run.state for run in runs] for runs in ended] == [["done"], ["done"]]
    assert workspace.state.bucket(made[1]).parent.bucket == made[0]
    Conductor(workspace, branches, tmp_path / "notes.json", said.append).run(60)
    assert len(said) == 4


def test_what_a_person_deleted_stays_deleted(
    workspace: Workspace, branches: tuple[Branch, ...], tmp_path: Path
) -> None:
    conductor = Conductor(workspace, branches, tmp_path / "notes.json", lambda text: None)
    conductor.run(60)
    workspace.delete_bucket(branches[1].name, force=True)
    Conductor(workspace, branches, tmp_path / "notes.json", lambda text: None).run(60)
    assert branches[1].name not in workspace.state.buckets


def test_a_training_that_fails_again_and_again_is_given_up(
    workspace: Workspace, branches: tuple[Branch, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "quick")
    conductor = Conductor(workspace, branches[:1], tmp_path / "notes.json", lambda text: None)
    with pytest.raises(ResumeFailed, match="could not convert string to float: 'quick'") as caught:
        conductor.run(60)
    assert "explorer runs log r" in caught.value.hint


def test_a_fresh_demo_gets_a_name_of_its_own(tmp_path: Path) -> None:
    assert choose_prefix(tmp_path, fresh=False) == "spiral"
    for fresh, expected in ((True, "spiral"), (False, "spiral"), (True, "spiral2"), (False, "spiral2")):
        prefix = choose_prefix(tmp_path, fresh=fresh)
        assert prefix == expected
        notes_path(tmp_path, prefix).parent.mkdir(exist_ok=True)
        notes_path(tmp_path, prefix).write_text("[]")


def test_the_plan_names_parents_before_their_forks() -> None:
    seen: set[str | None] = {None}
    for branch in plan("spiral"):
        assert branch.parent in seen
        seen.add(branch.name)
