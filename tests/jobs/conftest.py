from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.jobs.spec import runs_folder
from explorer.jobs.status import read_status


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose jobs do not outlive the test."""
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder
    for run in runs_folder(folder).glob("r*"):
        status = read_status(run)
        for process in (status.job, status.supervisor) if status else ():
            if process is not None and process.is_alive:
                os.kill(process.pid, signal.SIGKILL)
