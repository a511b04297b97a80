from dataclasses import replace

import pytest

from explorer.lineage.address import Node
from explorer.lineage.events import CurveRead, FactsRead, Forked, Listed
from explorer.lineage.state import fold
from explorer.lineage.values import Bucket, Curve, Facts, Snapshot
from explorer.settings import Settings
from explorer.workspace.seen import path_for, read_seen, write_seen


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path)


def test_what_was_seen_comes_back_marked_stale(settings):
    main = Bucket("main", 1, None, True, (Snapshot("main", "1751631910140685342", "step-1"),))
    fork = Bucket("fork", 2, Node("main", "1751631910140685342"), False)
    state = fold(
        read_seen(settings),
        [
            Listed((main,)),
            Forked(fork, (("lr", 3e-5), ("name", "x"))),
            FactsRead(fork.head, Facts(step=3, size_bytes=10, checkpoint="")),
            CurveRead("main", Curve("loss", (1, 2), (0.5, float("nan")), 1)),
        ],
    )
    write_seen(settings, state)
    again = read_seen(settings)
    assert again.stale
    assert again.buckets == state.buckets
    assert again.overrides == state.overrides
    assert again.facts == state.facts
    assert again.curves["main"].steps == (1, 2)
    assert repr(again.curves["main"].values) == "(0.5, nan)"


def test_stores_are_kept_apart(settings):
    account = replace(settings, endpoint="https://t3.storage.dev")
    assert path_for(account) != path_for(settings)
    assert read_seen(account).store.label == "t3.storage.dev"


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[]", b'{"shape": 99}', b'{"shape": 1, "buckets": [{}]}', b"\xff\xfe"]
)
def test_a_broken_file_is_as_if_it_were_not_there(settings, broken):
    path_for(settings).parent.mkdir(parents=True)
    path_for(settings).write_bytes(broken)
    assert len(read_seen(settings).buckets) == 0


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings(data=tmp_path / "file")
    write_seen(settings, read_seen(settings))
