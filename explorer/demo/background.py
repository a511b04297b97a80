"""The demo's trainings go on behind the screen, and after it: `python -m explorer.demo.background`."""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
from pathlib import Path

from explorer.demo.conducting import Conductor, notes_path
from explorer.demo.plan import plan
from explorer.errors import ExplorerError
from explorer.settings import Settings

_MAX_S = 600.0


def start_in_background(data: Path, prefix: str) -> None:
    """Start the conductor as a process of its own: quitting the screen must not end what it began.

    Returns at once. Where one is at work already, the new one sees the lock and leaves.
    """
    folder = data / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    notes = notes_path(data, prefix)
    if not notes.exists():
        notes.write_text("[]")  # the name is taken from now on
    with (folder / "log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "explorer.demo.background", "--data", str(data), "--prefix", prefix],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def main(data: Path, prefix: str) -> None:
    from explorer.workspace.opener import open_workspace

    lock = (data / "demo" / f"{prefix}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{prefix}: another process is at it")
        return
    workspace = open_workspace(Settings(data=data))
    try:
        Conductor(workspace, plan(prefix), notes_path(data, prefix), print).run(_MAX_S)
        print(f"{prefix}: done")
    finally:
        workspace.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    args = parser.parse_args()
    try:
        main(args.data, args.prefix)
    except ExplorerError as error:
        sys.exit(f"error: {error}\nhint: {error.hint}")
