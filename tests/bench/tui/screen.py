"""The real screens over n made-up nodes, for `key_cost.py` to press keys in: `python tests/bench/tui/screen.py 100000`."""

from __future__ import annotations

import sys

from explorer.tui.app import ExplorerApp
from tests.tui.synthetic import many


def main() -> None:
    state = many(int(sys.argv[1]))

    def connect():
        from tests.tui.stage import MemoryWorkspace  # reads more of explorer than the first paint may

        return MemoryWorkspace(state)

    ExplorerApp(connect, state).run()


if __name__ == "__main__":
    main()
