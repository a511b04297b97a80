"""The comparisons that follow their runs: the newest few, however often a cell runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explorer.lineage.state import State
    from explorer.notebook.comparison import ComparisonView

MOST = 8


def movement(state: State, buckets: Iterable[str]) -> tuple[object, ...]:
    """What differs where a curve of these buckets has moved: the tree's curves and runs tell, at no cost."""
    names = sorted(set(buckets))
    curves = tuple(state.curves.get(name) for name in names)
    return curves, tuple((run.id, run.state) for run in state.runs.values() if run.bucket in names)


class Followed:
    """One of more than `MOST` comes to rest: it stays on its page as it was last seen."""

    def __init__(self) -> None:
        self._views: list[ComparisonView] = []

    def add(self, view: ComparisonView) -> None:
        self.drop(view)
        self._views.append(view)
        for old in self._views[:-MOST]:
            old.rest()

    def drop(self, view: ComparisonView) -> None:
        self._views = [known for known in self._views if known is not view]

    def rest(self) -> None:
        """All of them."""
        for view in tuple(self._views):
            view.rest()
