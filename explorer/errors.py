"""Every error a user can meet, sorted by what they can do about it.

ExplorerError            base: a sentence, a `hint` with the remedy, `where` it happened
├── NotFound(KeyError)   bucket, snapshot, checkpoint, key, run: the hint names the nearest that exists
├── BadInput(ValueError) an address, a name, a filter, an override that cannot be meant
├── NameTaken            the fork or bucket name belongs to something else
├── NotAllowed           401/403: the hint names the credentials that were used
├── SnapshotsOff         the bucket or the endpoint has no snapshots: the hint says how to turn them on
├── Conflict             somebody else got there first: a lease is held, an object changed, an undo is stale
├── Unreachable          no endpoint answered in time
├── StoreTrouble         the local store cannot go on: folder locked, disk full, read-only, not ours
├── BadCheckpoint(ValueError)  bytes that are not the checkpoint they claim to be: key, offset, expectation
├── ResumeFailed         a launched command could not start or ended non-zero
└── Bug                  something that cannot happen did
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


class ExplorerError(Exception):
    """What went wrong, where, and what to do: `hint` is never empty."""

    def __init__(self, message: str, *, hint: str, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        """An address, a file name, or a key with a byte offset."""
        self.add_note(f"hint: {hint}")  # a script that catches nothing prints it under its traceback

    def __str__(self) -> str:
        return f"{self.message} ({self.where})" if self.where else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: the reader's own lines, the sentence, the hint."""
        import traceback
        from itertools import takewhile

        ours = __file__.removesuffix("errors.py")
        frames = traceback.extract_tb(self.__traceback__)
        cell = next((n for n, frame in enumerate(frames) if _is_cell(frame.filename)), len(frames))
        own = takewhile(lambda frame: not frame.filename.startswith(ours), frames[cell:])
        lines = [f"line {frame.lineno}: {frame.line}" for frame in own]
        return [*lines, f"{type(self).__name__}: {self}", f"hint: {self.hint}"]


class NotFound(ExplorerError, KeyError):
    """Nothing by that name."""


class BadInput(ExplorerError, ValueError):
    """The words of the request are off."""


class NameTaken(ExplorerError):
    """The name belongs to something else."""


class NotAllowed(ExplorerError):
    """The store refused these credentials."""


class SnapshotsOff(ExplorerError):
    """The bucket, or the whole endpoint, keeps no snapshots."""


class Conflict(ExplorerError):
    """Somebody else changed it first."""


class Unreachable(ExplorerError):
    """No endpoint answered in time."""


class StoreTrouble(ExplorerError):
    """The local store cannot go on."""


class BadCheckpoint(ExplorerError, ValueError):
    """Bytes that are not the checkpoint they claim to be."""


class ResumeFailed(ExplorerError):
    """A launched command could not start or ended badly."""


class Bug(ExplorerError):
    """Something that cannot happen did."""


def _is_cell(filename: str) -> bool:
    return "ipykernel_" in filename or filename.startswith("<ipython-input")


def nearest(wanted: str, known: Iterable[str], otherwise: str) -> str:
    """A hint that names the known names closest to `wanted`, or `otherwise`."""
    close = get_close_matches(wanted, list(known), n=3, cutoff=0.5)
    close.sort(key=lambda name: _likeness(wanted, name), reverse=True)
    return "did you mean " + " or ".join(f"`{name}`" for name in close) + "?" if close else otherwise


def _likeness(wanted: str, name: str) -> tuple[float, int]:
    matcher = SequenceMatcher(None, wanted, name)
    start = matcher.find_longest_match()
    return matcher.ratio(), start.size if start.a == start.b == 0 else 0
