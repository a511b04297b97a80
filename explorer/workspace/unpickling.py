"""Large pickles of sharded torch checkpoints, digested in a child process with limits of memory and CPU.

The readers are pure and know no processes; this hands one in. Run as a module it is the child: the pickle on
standard input, the digest as JSON on standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from explorer.errors import BadCheckpoint

if TYPE_CHECKING:
    from explorer.checkpoints.dcp import Digest
    from explorer.checkpoints.dcp_pieces import Piece

_IN_PROCESS_BYTES = 512 * 1024
"""Smaller ones are read here in a tenth of a second, which is what starting a process costs."""
_MAX_MEMORY_BYTES = 2 * 2**30
_MAX_CPU_S = 60
_TIMEOUT_S = 180.0


def digest_in_child(data: bytes) -> Digest:
    """What a `.metadata` says. Small ones in this process.

    Cost: 2 s and 450 MB in the child for 20 MB.

    Raises:
        BadCheckpoint: the pickle is refused, or the child ran out of its limits.
    """
    from explorer.checkpoints.dcp import Digest, digest_here

    if len(data) <= _IN_PROCESS_BYTES:
        return digest_here(data)
    return Digest.from_json(_ask_child(data))


def pieces_in_child(data: bytes, names: Collection[str]) -> dict[str, tuple[Piece, ...]]:
    """Where the pieces of these tensors lie, from a `.metadata`. Small ones in this process.

    Cost and errors as `digest_in_child`.
    """
    from explorer.checkpoints.dcp_pieces import Piece, pieces_here

    if len(data) <= _IN_PROCESS_BYTES:
        return pieces_here(data, names)
    told = _ask_child(json.dumps(sorted(names)).encode() + b"\n" + data, "pieces")
    return {
        name: tuple(Piece(f, at, length, tuple(o), tuple(s)) for f, at, length, o, s in pieces)
        for name, pieces in told.items()
    }


def _ask_child(data: bytes, *question: str) -> Any:
    argv = [sys.executable, "-I", "-m", __name__, *question]
    try:
        done = subprocess.run(argv, input=data, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise _gave_up("could not be started or took too long") from None
    if done.returncode not in (0, 3):
        raise _gave_up(f"ran out of its limits of {_MAX_MEMORY_BYTES} bytes and {_MAX_CPU_S} s")
    told = json.loads(done.stdout)
    if done.returncode == 3:
        raise BadCheckpoint(told["message"], hint=told["hint"], where=told["where"])
    return told


def _gave_up(why: str) -> BadCheckpoint:
    return BadCheckpoint(
        f"The process that reads its pickle {why}.",
        hint="the file is damaged or was made to break readers; nothing in it was executed",
    )


def main() -> int:
    """The child: limits first, then the fast engine, then the careful one for whatever that refuses."""
    import dataclasses
    import gc
    import resource

    from explorer.checkpoints.dcp import digest, digest_here
    from explorer.checkpoints.dcp_pieces import pieces_here, pieces_of
    from explorer.checkpoints.inert import BadPickle
    from explorer.checkpoints.stand_ins import load_fast

    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_CPU_S, _MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()
    names = json.loads(sys.stdin.buffer.readline()) if sys.argv[1:] == ["pieces"] else None
    data = sys.stdin.buffer.read()
    told: Any
    try:
        try:
            loaded = load_fast(data)
            told = digest(loaded).to_json() if names is None else pieces_of(loaded, names)
        except BadPickle:
            told = digest_here(data).to_json() if names is None else pieces_here(data, names)
    except BadCheckpoint as error:
        json.dump({"message": error.message, "hint": error.hint, "where": error.where}, sys.stdout)
        return 3
    if names is not None:
        told = {name: [dataclasses.astuple(piece) for piece in pieces] for name, pieces in told.items()}
    json.dump(told, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
