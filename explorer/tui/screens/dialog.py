"""What dialogs share: the line that says which keys answer them."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


def keys_line(*keys: tuple[str, str]) -> Static:
    """`y delete   n keep`, the keys in the colour of keys."""
    parts = [Content.from_markup("[$primary b]$key[/] $said", key=key, said=said) for key, said in keys]
    return Static(Content("   ").join(parts), classes="keys")
