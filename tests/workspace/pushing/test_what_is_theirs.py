"""Nobody else's buckets are touched, nobody else's words changed; what cannot be pushed is refused first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import BadInput, Conflict, NameTaken
from explorer.lineage.address import Node
from explorer.localstore import ensure_running
from explorer.storage import Store
from explorer.workspace.pushing.objects import rewrite
from explorer.workspace.pushing.record import PushMap
from tests.workspace.pushing.lineages import check_equal, contents, pushed


def test_a_name_that_is_somebody_elses_is_left_alone(source: Store, target: Store, tmp_path: Path) -> None:
    target.create_bucket("fork")
    target.write("fork", "theirs", b"precious")
    with pytest.raises(NameTaken) as caught:
        pushed(source, target, tmp_path, "fork")
    assert "--prefix" in caught.value.hint
    assert contents(target, Node("fork")) == {"theirs": b"precious"}


@pytest.mark.parametrize(
    "meddle",
    [
        lambda store: store.write("base", "foreign", b"x"),
        lambda store: store.write("base", "head/only", b"overwritten by somebody"),
    ],
)
def test_what_somebody_else_wrote_over_there_is_left_alone(
    source: Store, target: Store, tmp_path: Path, meddle: Callable[[Store], object]
) -> None:
    pushed(source, target, tmp_path, "base")
    meddle(target)
    before = contents(target, Node("base"))
    with pytest.raises(Conflict, match="somebody else") as caught:
        pushed(source, target, tmp_path, "base")
    assert contents(target, Node("base")) == before
    assert "--prefix" in caught.value.hint
    check_equal(source, target, pushed(source, target, tmp_path, "base", prefix="mine-"), "mine-")


def test_a_pushed_bucket_that_is_gone_is_said_so(source: Store, target: Store, tmp_path: Path) -> None:
    pushed(source, target, tmp_path, "base")
    target.delete_bucket("base", force=True)
    with pytest.raises(Conflict, match="gone"):
        pushed(source, target, tmp_path, "base")


def test_two_pushes_at_once_are_one_too_many(source: Store, target: Store, tmp_path: Path) -> None:
    record = PushMap.open(tmp_path, "local", "http://other")
    with pytest.raises(Conflict, match="under way"):
        pushed(source, target, tmp_path)
    record.close()


def test_a_torn_last_line_of_the_map_is_forgotten(source: Store, target: Store, tmp_path: Path) -> None:
    report = pushed(source, target, tmp_path, "base")
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"in":"base","put":"half')
    assert pushed(source, target, tmp_path, "base").buckets == report.buckets


def test_a_store_is_not_pushed_to_itself(source_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from explorer.cli import main

    endpoint = ensure_running(source_folder).endpoint
    assert main(["push", "--data", str(source_folder), "--to", endpoint]) == 1
    assert "store to push from" in capsys.readouterr().err
    assert main(["push", "--data", str(source_folder), "--to", "nonsense"]) == 1
    assert "hint:" in capsys.readouterr().err


def test_documents_that_name_nothing_known_are_copied_word_for_word() -> None:
    def nowhere(bucket: str, version: str | None) -> None:
        return None

    for data in (
        b"",
        b"[1]",
        b'{"bucket": 5}',
        b'{"bucket": "x", "parent": null}',
        b"\xff\xfe",
        b"[" * 10_000,
    ):
        assert rewrite(data, nowhere) == data


def test_an_unusable_prefix_is_refused_before_anything_is_made(
    source: Store, target: Store, tmp_path: Path
) -> None:
    with pytest.raises(BadInput):
        pushed(source, target, tmp_path, prefix="Not A Name ")
    assert target.list_buckets() == ()
