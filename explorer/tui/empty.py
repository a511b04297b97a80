"""What stands where rows would be: a skeleton says that it waits, an empty store says how to begin."""

from __future__ import annotations

from rich.text import Text

from explorer.errors import ExplorerError
from explorer.lineage.state import State
from explorer.tui.names import shown
from explorer.tui.query import Query


def empty_text(state: State, trouble: ExplorerError | None, is_open: bool, query: Query) -> Text:
    """Why there are no rows, and what to do about it."""
    store = shown(state.store.label)
    if trouble is not None:
        return Text(
            f"{store} cannot be opened.\n\n{shown(str(trouble))}\n{shown(trouble.hint)}\n\n^r tries again"
        )
    if query:
        return Text(f"Nothing matches {shown(query.text)}\n\nesc takes the filter away")
    if not is_open or state.stale:
        return Text(f"opening {store} …")
    return Text(
        f"There are no buckets in {store} yet.\n\n"
        "explorer demo   trains a small network and forks it\n"
        "explorer buckets create NAME   makes one, with snapshots on"
    )
