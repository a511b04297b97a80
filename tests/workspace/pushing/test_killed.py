"""A push that ended anywhere goes on where it was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.localstore import ensure_running
from explorer.storage import Store
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from tests.workspace.pushing.lineages import SMALL, check_equal
from tests.workspace.pushing.mortal import Killed, MortalMap


def push_command(source_folder: Path, target_folder: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    running = ensure_running(target_folder)
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
    }
    words = ["push", "--data", str(source_folder), "--to", running.endpoint, *more]
    start = "import sys; from explorer.cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", start, *words], environment


@pytest.mark.parametrize(("seed", "wanted"), [(1, SMALL), (2, SMALL), (3, ("big-fork",))])
def test_ended_between_any_two_steps_it_arrives_once(
    source: Store, target: Store, tmp_path: Path, seed: int, wanted: tuple[str, ...]
) -> None:
    chance = random.Random(seed)
    path = tmp_path / "map.jsonl"
    ends = 0
    while True:
        record = MortalMap(path, chance.randint(1, 4), before=chance.random() < 0.5)
        try:
            report = Push(source, target, record).run(wanted)
        except Killed:
            ends += 1
            continue
        finally:
            record.close()
        break
    assert ends >= 3
    check_equal(source, target, report)


def test_killed_it_goes_on_where_it_was(
    source: Store, source_folder: Path, target: Store, target_folder: Path
) -> None:
    command, environment = push_command(source_folder, target_folder, "--prefix", "killed-", "--json", *SMALL)
    chance = random.Random(3)
    for _ in range(2):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = map_lines(source_folder / "push") + chance.randrange(3, 9)
        while process.poll() is None and map_lines(source_folder / "push") < lines:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, err
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    record = PushMap(Path(told["map"]))
    report = Push(source, target, record, prefix="killed-").run(SMALL)
    record.close()
    assert (report.objects, report.snapshots, report.verified) == (0, 0, told["verified"])
    check_equal(source, target, report, "killed-")
    assert {pushed.history for pushed in report.buckets} == {"equal"}


def map_lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))
