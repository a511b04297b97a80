"""Explore training checkpoints in buckets with snapshots and copy-on-write forks.

    import explorer
    ex = explorer.open()                    # the store of the settings, the environment, or the local one
    ex["my-checkpoints@step-100"]           # a node: diff, fork, resume, prefetch

    with explorer.Run() as run:             # in a training script
        run.save(step, files)

Names are resolved on first use (PEP 562): importing this package imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer import errors as errors
    from explorer.notebook.explorer import Explorer as Explorer
    from explorer.notebook.opening import open as open
    from explorer.recorder import Run as Run

    __version__: str

__all__ = ["Explorer", "Run", "__version__", "errors", "open"]

_HOMES = {
    "Explorer": "explorer.notebook.explorer",
    "Run": "explorer.recorder",
    "open": "explorer.notebook.opening",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        found: object = getattr(import_module(_HOMES[name]), name)
    elif name == "errors":
        found = import_module("explorer.errors")
    elif name == "__version__":
        from importlib.metadata import version

        found = version("checkpoint-explorer")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
