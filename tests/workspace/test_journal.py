import pytest

from explorer.errors import Conflict, NotFound
from explorer.workspace.journal import Journal, read_journal


def test_undo_takes_back_the_newest_that_can_be(tmp_path):
    undone = []
    journal = Journal(tmp_path / "data" / "journal.jsonl")
    journal.record("fork", "fork a", lambda: undone.append("a"), bucket="a")
    journal.record("fork", "fork b", lambda: undone.append("b"), bucket="b")
    journal.record("delete", "deletion of c")
    assert journal.undo() == "fork b"
    assert journal.undo() == "fork a"
    assert undone == ["b", "a"]
    with pytest.raises(NotFound, match="nothing to undo"):
        journal.undo()
    assert [e["verb"] for e in read_journal(journal.path)] == ["fork", "fork", "delete", "undo", "undo"]


def test_a_refused_undo_can_be_tried_again(tmp_path):
    answers = iter([Conflict("written to since", hint="delete it"), None])

    def undo():
        if (error := next(answers)) is not None:
            raise error

    journal = Journal(tmp_path / "journal.jsonl")
    journal.record("fork", "fork a", undo)
    with pytest.raises(Conflict):
        journal.undo()
    assert journal.undo() == "fork a"


def test_what_is_gone_already_counts_as_undone(tmp_path):
    def gone():
        raise NotFound("no such bucket", hint="x")

    journal = Journal(tmp_path / "journal.jsonl")
    journal.record("fork", "fork a", gone)
    assert journal.undo() == "fork a"


def test_a_torn_journal_is_read_without_its_torn_line(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path).record("fork", "fork a")
    with path.open("a") as file:
        file.write('{"at": "2026')
    assert [e["said"] for e in read_journal(path)] == ["fork a"]
