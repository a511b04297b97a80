"""The files of one save: their names, where they are, and a copy for as long as the store is away.

A copy outlives its process: `pending/step-000200/` holds the files, `pending/step-000200.json` the rest.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from explorer.errors import BadInput, StoreTrouble
from explorer.jobs.status import write_json
from explorer.lineage.values import ObjectInfo

Files = str | os.PathLike[str] | Mapping[str, "str | os.PathLike[str] | bytes"]
"""A folder, or file names with the path or the bytes of each."""


@dataclass(slots=True)
class Save:
    """One save on its way: `done` is what has been uploaded already."""

    step: int
    prefix: str
    name: str
    files: dict[str, Path | bytes]
    rows_bytes: int
    """How long `metrics.jsonl` was at this step: a save that arrives late must not carry later rows."""
    done: dict[str, ObjectInfo] = field(default_factory=dict)


def prefix_of(step: int) -> str:
    """Where the checkpoint of a step is: `checkpoints/step-000100/`."""
    return f"checkpoints/step-{step:06d}/"


def collect(files: Files) -> dict[str, Path | bytes]:
    """The files by their names below the checkpoint's prefix.

    Raises:
        BadInput: there are none, one is missing, or a name leads out of the checkpoint.
    """
    found: dict[str, Path | bytes] = {}
    if isinstance(files, Mapping):
        for name, content in files.items():
            found[_checked(name)] = content if isinstance(content, bytes) else Path(content)
    else:
        folder = Path(files)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found[_checked(path.relative_to(folder).as_posix())] = path
    for name, content in found.items():
        if isinstance(content, Path) and not content.is_file():
            raise BadInput(
                f"There is no file for `{name}`.", hint="write it before the save", where=str(content)
            )
    if not found:
        raise BadInput(
            "There is nothing to save.",
            hint="give a folder with files, or names with bytes",
            where=str(files),
        )
    return found


def stage(save: Save, folder: Path) -> None:
    """Copy the files aside, so that the training may go on and overwrite its own.

    Raises:
        StoreTrouble: this disk has no room for them.
    """
    target = folder / PurePosixPath(save.prefix).name
    try:
        for name, content in save.files.items():
            if name in save.done:
                continue
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                shutil.copyfile(content, path)
            save.files[name] = path
        told = {
            "step": save.step,
            "prefix": save.prefix,
            "name": save.name,
            "rows_bytes": save.rows_bytes,
            "files": [*save.files],
            "done": {name: asdict(info) for name, info in save.done.items()},
        }
        write_json(_note(target), told)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise StoreTrouble(
            f"Step {save.step} could be neither uploaded nor kept on this disk: {error.strerror or error}.",
            hint="free some disk space; the training goes on and will save again",
            where=str(target),
        ) from error


def unstage(save: Save, folder: Path) -> None:
    """Delete the copy, once it has arrived."""
    target = folder / PurePosixPath(save.prefix).name
    _note(target).unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)


def staged(folder: Path) -> list[Save]:
    """The saves that a process before this one could not deliver, oldest step first.

    Raises:
        BadInput: one of them cannot be read; nothing is left out without a word.
    """
    found = []
    for note in folder.glob("*.json"):
        try:
            told = json.loads(note.read_text())
            done = {name: ObjectInfo(**info) for name, info in told["done"].items()}
            target = folder / PurePosixPath(told["prefix"]).name
            files: dict[str, Path | bytes] = {_checked(name): target / name for name in told["files"]}
            found.append(Save(told["step"], told["prefix"], told["name"], files, told["rows_bytes"], done))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"A save that waits here cannot be read: {error}.",
                hint="its files are beside it; upload them by hand",
                where=str(note),
            ) from error
    return sorted(found, key=lambda save: save.step)


def _note(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or not name.isprintable():
        raise BadInput(f"`{name!r}` is not a file name.", hint="use relative names", where="run.save")
    return path.as_posix()
