"""The real program in a real terminal, on a real local store: fork, undo, diff, compare, resume, leave, come back."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(300),
]
EXPLORER = [sys.executable, "-m", "explorer"]
ROOT = Path(__file__).parents[2]


class Tmux:
    """One terminal of a tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self.base = ["tmux", "-S", str(socket), "-f", "/dev/null"]

    def start(self, argv: list[str], size: tuple[int, int] = (110, 32), **environ: str) -> None:
        columns, rows = map(str, size)
        self.run("new-session", "-d", "-x", columns, "-y", rows, "-s", "t", self._command(argv, environ))

    def start_again(self, argv: list[str], **environ: str) -> None:
        self.run("respawn-pane", "-k", "-t", "t", self._command(argv, environ))

    def _command(self, argv: list[str], environ: dict[str, str]) -> str:
        said = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
        # the size is the terminal's, not what the variables of whoever runs the tests say
        program = f"env -u COLUMNS -u LINES {said} {shlex.join(argv)}"
        return f"cd {shlex.quote(str(ROOT))}; {program}; echo LEFT $?; sleep 600"

    def run(self, *args: str) -> str:
        return subprocess.run(
            [*self.base, *args], capture_output=True, text=True, check=True, timeout=20
        ).stdout

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p", "-t", "t")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.run("send-keys", "-t", "t", key)
            if key == "Escape":
                time.sleep(0.3)  # escape and a letter at once are alt and that letter

    def until(self, *texts: str, timeout_s: float = 60) -> str:
        """Wait until all texts are on the screen."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            screen = self.screen
            if all(text in screen for text in texts):
                return screen
            time.sleep(0.1)
        pytest.fail(f"{texts} did not come up in {timeout_s:.0f} s; the screen:\n{self.screen}")

    def stop(self) -> None:
        subprocess.run([*self.base, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def tmux(tmp_path):
    terminal = Tmux(tmp_path / "s")
    yield terminal
    terminal.stop()


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    yield folder
    environ = {**os.environ, "EXPLORER_DATA": str(folder)}
    subprocess.run([*EXPLORER, "serve", "--stop"], env=environ, capture_output=True, check=False, timeout=30)


def test_the_story(tmux, data):
    tmux.start([*EXPLORER, "demo", "--data", str(data)])
    tmux.until("local store", "spiral-base@step-50")

    tmux.press("G")
    tmux.press("f")
    tmux.until("spiral-base-f1 forked from spiral-base@step-50", "▌")
    tmux.press("z")
    tmux.until("undone: fork spiral-base-f1")

    tmux.until("spiral-base@step-100")
    tmux.press("G", "k", "d")
    tmux.until("diff  spiral-base@step-50 → spiral-base@step-100", "state", "objects", "they differ")
    tmux.press("Escape")
    tmux.until("NAME")

    tmux.until("spiral-lr", timeout_s=90)
    tmux.press("G", "Space", "k", "k", "Space", "c")
    tmux.until("compare", "spiral-base@step-50", "by step", "BEST")
    tmux.press("]")
    tmux.until("spiral-base@step-50  f forks, r resumes here")
    tmux.press("f")
    tmux.until("spiral-base-f1 forked from spiral-base@step-50")
    tmux.press("z")
    tmux.until("undone: fork spiral-base-f1")
    tmux.press("Escape")
    tmux.until("NAME")
    tmux.press("Escape")

    tmux.press("G", "r")
    tmux.until("trains on from spiral-base@step-50", "x shows its log")
    tmux.press("x")
    tmux.until("restored spiral-base@", "step    100")
    tmux.press("q")
    tmux.until("NAME")
    tmux.press("q")
    left = tmux.until("LEFT 0")
    assert "goes on" in left or "go on" in left
    assert "Traceback" not in left

    tmux.start_again(EXPLORER, EXPLORER_DATA=str(data))
    tmux.until("local store", "spiral-base-f1")
    tmux.press("/")
    tmux.run("send-keys", "-t", "t", "-l", "spiral-base-f1")
    tmux.press("Enter", "g")
    tmux.until("spiral-base-f1@step-500", "✓ done", timeout_s=120)
    tmux.press("q")
    tmux.until("LEFT 0")


def test_ctrl_z_stops_the_screen_and_takes_nothing_back_and_ctrl_c_leaves(tmux, data):
    tmux.start(["bash", "--norc", "-i"], EXPLORER_DATA=str(data))
    for verb in (("buckets", "create", "first"), ()):
        tmux.run("send-keys", "-t", "t", "-l", shlex.join([*EXPLORER, *verb]))
        tmux.press("Enter")
        tmux.until("created first" if verb else "● now")
    tmux.press("f")
    tmux.until("first-f1 forked from first")
    tmux.press("C-z")
    tmux.until("Stopped")
    tmux.run("send-keys", "-t", "t", "-l", "fg")
    tmux.press("Enter")
    tmux.until("NAME", "first-f1")
    tmux.press("d")
    tmux.until("diff  first")
    tmux.press("C-c")
    tmux.until("Stopped", "fg")
    tmux.run("send-keys", "-t", "t", "-l", "echo left-$((40 + 2))")
    tmux.press("Enter")
    tmux.until("left-42")
    told = subprocess.run(
        [*EXPLORER, "buckets", "list", "--data", str(data)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "first-f1" in told.stdout


def test_an_endpoint_that_is_down_is_said_with_a_remedy_and_q_leaves(tmux, tmp_path):
    tmux.start(
        [*EXPLORER, "--endpoint", "http://127.0.0.1:9"],
        EXPLORER_DATA=str(tmp_path),
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
    )
    screen = tmux.until("cannot be opened", "did not answer", "offline", "^r tries again")
    assert "Traceback" not in screen
    tmux.press("q")
    tmux.until("LEFT 0", timeout_s=10)


def test_small_without_colour_in_ascii_and_resized(tmux, data):
    tmux.start([*EXPLORER, "demo", "--data", str(data)], (40, 10), NO_COLOR="1", LC_ALL="C")
    screen = tmux.until("spiral-base", "@step-50")
    assert screen.isascii(), sorted({char for char in screen if not char.isascii()})
    assert max(map(len, screen.splitlines())) <= 40
    tmux.run("resize-window", "-t", "t", "-x", "130", "-y", "35")
    tmux.until("CHANGED", "parent")
    tmux.press("q")
    tmux.until("LEFT 0")
