"""Names from a store are hostile until they have been made printable."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def shown(text: str) -> str:
    """`text` with control, ANSI and bidi characters escaped, so that it can do nothing to a terminal."""
    if text.isascii() and text.isprintable():  # nearly all names: keeps the room below out of the first paint
        return text
    from explorer.checkpoints import printable

    return printable(text)
