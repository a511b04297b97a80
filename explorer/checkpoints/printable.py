"""Names out of files are hostile: what makes them fit for a terminal, for HTML and for a spreadsheet."""

from __future__ import annotations

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
NAME_WIDTH = 120
"""A name on a screen: so much of it, its middle left out if it is longer."""
_FORMULA = ("=", "+", "-", "@")


def printable(text: object, width: int | None = None) -> str:
    """`text` on one line without control characters, ANSI escapes or bidi overrides.

    Whatever Unicode calls unprintable becomes a visible escape (`\\x1b`, `\\u202e`). With `width` the
    middle of a longer text gives way to an ellipsis. Markup of a screen (`[bold]`, `<b>`) is the screen's
    own to escape.
    """
    raw = text if isinstance(text, str) else str(text)
    if width is not None and len(raw) > width:
        # cut before escaping: a hostile name may be a megabyte long
        tail = max(0, (width - 1) // 3)
        raw = raw[: width - 1 - tail] + "…" + (raw[-tail:] if tail else "")
    if raw.isprintable():
        return raw
    return "".join(char if char.isprintable() else _escape(char) for char in raw)


def exportable(text: object) -> str:
    """`printable(text)` that no spreadsheet takes for a formula: those get an apostrophe in front."""
    shown = printable(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _escape(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
