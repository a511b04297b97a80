"""HTML for results: tables and sections that read well in both themes, on GitHub, and without any style."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from importlib.resources import files

from explorer.notebook.words import escaped

_STYLE = "<style>" + files("explorer.notebook").joinpath("page.css").read_text() + "</style>"


def page(*parts: str) -> str:
    """A result as one piece of HTML that brings its own style."""
    return f'{_STYLE}<div class="xr">{"".join(parts)}</div>'


def heading(text: str, note: str = "") -> str:
    return f"<h4>{escaped(text)}{_note(note)}</h4>"


def image(svg: str, told: str) -> str:
    """A drawing as an image of its own; `told` stands where images are not shown."""
    data = b64encode(svg.encode()).decode()
    return f'<img style="max-width:100%" alt="{escaped(told)}" src="data:image/svg+xml;base64,{data}">'


def folded(title: str, body: str, note: str = "", *, opened: bool = False) -> str:
    """A part that opens on a click, without any script."""
    if not body:
        return ""
    flag = " open" if opened else ""
    return f"<details{flag}><summary><b>{escaped(title)}</b>{_note(note)}</summary>{body}</details>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, most: int = 200, numbers: Sequence[int] = ()
) -> str:
    """Rows as a table, cells escaped and cut at 160 characters; columns in `numbers` align right."""
    body: list[str] = []
    left_out = 0
    for row in rows:
        if len(body) >= most:
            left_out += 1
            continue
        body.append(
            "<tr>" + "".join(_cell("td", cell, at in numbers) for at, cell in enumerate(row)) + "</tr>"
        )
    if not body:
        return ""
    top = "" if not any(head) else "".join(_cell("th", cell, at in numbers) for at, cell in enumerate(head))
    more = (
        f'<p class="xr-dim">and {left_out:,} more: <code>.to_frame()</code> has them all</p>'
        if left_out
        else ""
    )
    return raw_table(top, body) + more


def raw_table(head: str, body: Iterable[str]) -> str:
    """A table of cells that are HTML already."""
    rows = "".join(body)
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<div class="xr-scroll"><table>{top}<tbody>{rows}</tbody></table></div>'


def warnings(texts: Iterable[str]) -> str:
    return "".join(f'<p class="xr-bad">⚠ {escaped(text, 400)}</p>' for text in texts)


def dim(text: str) -> str:
    return f'<p class="xr-dim">{escaped(text)}</p>'


def _note(note: str) -> str:
    return f' <span class="xr-dim">{escaped(note)}</span>' if note else ""


def _cell(tag: str, cell: object, number: bool) -> str:
    shown = f"{cell:,}" if isinstance(cell, int) else cell
    return f"<{tag}{' class=xr-n' if number else ''}>{escaped(shown, 160)}</{tag}>"
