"""The child that digests large pickles: the same answer as here, and a clear refusal where it dies."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from explorer.errors import BadCheckpoint
from explorer.workspace.unpickling import digest_in_child

_PADDING = b"\x8e" + (600_000).to_bytes(8, "little") + b"x" * 600_000 + b"0"
"""Bytes pushed and popped: makes any pickle large enough for the child."""


def metadata(extra: bytes = b"") -> bytes:
    """A `.metadata` of no tensors, by hand: only the classes' names matter."""
    body = pickle.dumps({"state_dict_metadata": {}, "storage_data": {}, "planner_data": None}, 4)[2:-1]
    return (
        b"\x80\x04"
        + _PADDING
        + extra
        + b"c__main__\nMetadata\n)\x81"
        + body.removeprefix(b"\x95" + body[1:9])
        + b"b."
    )


def test_the_child_answers_like_this_process():
    from explorer.checkpoints.dcp import digest_here

    assert digest_in_child(metadata()) == digest_here(metadata())


def test_a_payload_is_named_by_the_child_and_does_not_run(tmp_path: Path):
    marker = tmp_path / "marker"
    command = f"touch {marker}"
    payload = b"cposix\nsystem\nX" + len(command).to_bytes(4, "little") + command.encode() + b"\x85R0"
    assert "posix.system" in digest_in_child(metadata(payload)).refers_to
    assert not marker.exists()


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps([1], 4)[:-1].ljust(700_000, b"x"),
        b"\x80\x04" + _PADDING + b"}r\xff\xff\xff\xff.",
        b"\x80\x04" + _PADDING + b"K\x01" + b"\x85" * 500_000 + b"}q\x00h\x00.",
        pickle.dumps({"a": "x" * 700_000}, 4),
    ],
    ids=["cut", "a memo of 2**32", "deep", "something else"],
)
def test_what_kills_the_fast_engine_is_a_refusal_here(data: bytes):
    with pytest.raises(BadCheckpoint) as refused:
        digest_in_child(data)
    assert refused.value.hint
