"""What every copied cell and command begins with: the store that the screens are on."""

from __future__ import annotations

from explorer.lineage.values import StoreInfo


def cell(store: StoreInfo, *lines: str) -> str:
    """A cell for a notebook: `ex` is open when `lines` run."""
    opened = "explorer.open()" if store.is_local else f"explorer.open({store.endpoint!r})"
    return "\n".join(["import explorer", "", f"ex = {opened}", *lines]) + "\n"


def command(store: StoreInfo, verb: str) -> list[str]:
    """The words of `explorer VERB` on this store, for more to follow."""
    return ["explorer", *([] if store.is_local else ["--endpoint", store.endpoint]), verb]
