"""The real Hugging Face Trainer and Lightning, run now: a resumed, overlapping restart and a fork, stitched."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.metrics import test_sources

pytestmark = pytest.mark.xdist_group("live trainer")  # one worker trains, once
SCRIPT = Path(test_sources.RECORDED) / "record_hf.py"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    for name in ("torch", "transformers", "accelerate", "lightning"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("live")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize(
    "test",
    [
        test_sources.test_only_the_newest_trainer_state_of_a_run_is_read_and_it_says_all,
        test_sources.test_a_resumed_overlapping_trainer_run_is_one_curve,
        test_sources.test_a_trainer_fork_gives_its_checkpoint_away_by_the_history_it_carries,
        test_sources.test_lightning_versions_are_attempts_and_a_resumed_one_ends_the_rows_before,
    ],
    ids=lambda test: test.__name__.removeprefix("test_"),
)
def test_what_holds_for_the_recorded_files_holds_for_these(recorded, monkeypatch, test):
    monkeypatch.setattr(test_sources, "RECORDED", recorded)
    test()
