"""Values of chosen tensors, compared by streaming both sides: with an estimate, progress and an end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from explorer.errors import BadInput, NotFound
from explorer.lineage.address import Node
from explorer.workspace.core import Core
from explorer.workspace.manifests import Fetch, Manifests

if TYPE_CHECKING:
    from explorer.checkpoints import Manifest, Tensor
    from explorer.checkpoints.statistics import Statistics

_PIECES_IN_A_WAVE = 4


class ValueStatistics:
    """Of the newest checkpoints of two nodes. Blocks; any thread."""

    def __init__(self, core: Core, manifests: Manifests) -> None:
        self._core = core
        self._manifests = manifests

    def estimate(self, a: Node, b: Node, glob: str) -> tuple[int, int]:
        """How many tensors match on both sides, and how many bytes comparing them would read."""
        from explorer.checkpoints.statistics import cost_bytes

        _, _, pairs = self._pairs(a, b, glob)
        return len(pairs), cost_bytes(pairs)

    def read(
        self,
        a: Node,
        b: Node,
        glob: str,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        cancel: threading.Event | None = None,
    ) -> tuple[Statistics, ...]:
        """Compare the values of the tensors whose names match; stops early, with what is done, on `cancel`.

        `on_progress` is told bytes done and bytes in all, on this thread.

        Raises:
            NotFound: no tensor of such a name on both sides.
            BadInput: none of them can be compared by value.
        """
        from explorer.checkpoints.statistics import check_readable, cost_bytes

        left, right, pairs = self._pairs(a, b, glob)
        readable, refusal = [], None
        for pair in pairs:
            try:
                check_readable(*pair)
                readable.append(pair)
            except BadInput as error:
                refusal = error
        if not readable and refusal is not None:
            raise refusal
        total, done, found = cost_bytes(readable), 0, []
        with ThreadPoolExecutor(1, thread_name_prefix="values") as other:
            fetches = (
                Fetch(self._core, a, left.checkpoint.objects),
                Fetch(self._core, b, right.checkpoint.objects),
            )
            for pair in readable:
                progress = partial(_tell, on_progress, done, total)
                told = self._compare(pair, (left, right), fetches, other, cancel, progress)
                if told is None:
                    break
                found.append(told)
                done += cost_bytes([pair])
        return tuple(found)

    def _compare(
        self,
        pair: tuple[Tensor, Tensor],
        sides: tuple[Manifest, Manifest],
        fetches: tuple[Fetch, Fetch],
        other: ThreadPoolExecutor,
        cancel: threading.Event | None,
        on_bytes: Callable[[int], None],
    ) -> Statistics | None:
        from explorer.checkpoints import drive
        from explorer.checkpoints.statistics import Sums, locate, pieces

        places = [drive(locate(t, s.checkpoint), f) for t, s, f in zip(pair, sides, fetches, strict=True)]
        sums, done = Sums(*pair), 0
        todo = list(pieces(*pair, *places))
        for at in range(0, len(todo), _PIECES_IN_A_WAVE):
            if cancel is not None and cancel.is_set():
                return None
            wave = todo[at : at + _PIECES_IN_A_WAVE]
            second = other.submit(fetches[1], tuple(right for _, right in wave))
            first = fetches[0](tuple(left for left, _ in wave))
            for raw_a, raw_b in zip(first, second.result(), strict=True):
                sums.add(raw_a, raw_b)
                done += len(raw_a) + len(raw_b)
            on_bytes(done)
        return sums.statistics()

    def _pairs(self, a: Node, b: Node, glob: str) -> tuple[Manifest, Manifest, list[tuple[Tensor, Tensor]]]:
        from explorer.checkpoints.pairing import pair

        left, right = self._manifests.manifest(a), self._manifests.manifest(b)
        told = pair(left.tensors, right.tensors)
        met = [*told.same, *((r.a, r.b) for r in told.renamed)]
        found = [(x, y) for x, y in met if fnmatchcase(y.name, glob)]
        if not found:
            raise NotFound(
                f"No tensor on both sides matches `{glob}`.", hint="`explorer show --tensors '*'` lists them"
            )
        return left, right, found


def _tell(on_progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    on_progress(before + done, total)
