from __future__ import annotations

import random
from pathlib import Path

from tests.localstore.killing import kill_once


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    """A sample; tests/bench/store/kill_points.py does five hundred."""
    pick = random.Random(7)
    acknowledged = sum(kill_once(tmp_path / "store", seed, pick.uniform(0.02, 0.5)) for seed in range(8))
    assert acknowledged > 8
