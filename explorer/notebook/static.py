"""The lineage without a widget: as plain text and as HTML, for GitHub, nbconvert and terminals."""

from __future__ import annotations

import time

from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.notebook.columns import line
from explorer.notebook.page import dim, heading, page, raw_table
from explorer.notebook.words import escaped
from explorer.wording import age, count

MOST = 60


def title(state: State) -> str:
    """`local store: 3 buckets, 2 forks, 14 snapshots`."""
    forks = sum(bucket.parent is not None for bucket in state.buckets.values())
    snapshots = sum(len(bucket.snapshots) for bucket in state.buckets.values())
    known = ", ".join(
        (count(len(state.buckets), "bucket"), count(forks, "fork"), count(snapshots, "snapshot"))
    )
    return f"{state.store.label}: {known}" + (" (last seen)" if state.stale and state.buckets else "")


def as_text(state: State, rows: Rows) -> str:
    """The rows of the terminal's tree, the newest first, at most sixty."""
    told = [title(state)]
    width = 2 * min(rows.columns, 20) + 1
    now = time.time_ns()
    for row in range(min(len(rows), MOST)):
        said = line(state, rows.node(row))
        name = f"{said.node.bucket}@{said.label}" if said.label else said.node.bucket
        step = "" if said.step is None else f"step {said.step}"
        notes = (step, said.loss, said.changed if not said.label else "", age(said.created_ns, now), said.run)
        told.append(
            f"{rows.graph(row, 0, 20):<{width}}{name:<32} {'  '.join(n for n in notes if n)}".rstrip()
        )
    if len(rows) > MOST:
        told.append(f"… and {len(rows) - MOST:,} more")
    return "\n".join(told)


def as_html(state: State, rows: Rows) -> str:
    """The same rows as a table, lanes in a monospaced column; escaped, and no script."""
    now = time.time_ns()
    body: list[str] = []
    for row in range(min(len(rows), MOST)):
        said = line(state, rows.node(row))
        name = (
            f"{escaped(said.node.bucket)}@{escaped(said.label)}"
            if said.label
            else f"<b>{escaped(said.node.bucket)}</b>"
        )
        step = "" if said.step is None else f"{said.step:,}"
        cells = (escaped(said.changed), step, said.loss, age(said.created_ns, now), said.size, said.run)
        numbers = (False, True, True, True, True, False)
        body.append(
            f'<tr><td><pre class="xr-graph">{escaped(rows.graph(row, 0, 20))}</pre></td><td>{name}</td>'
            + "".join(
                f'<td class="xr-n">{c}</td>' if n else f"<td>{c}</td>"
                for c, n in zip(cells, numbers, strict=True)
            )
            + "</tr>"
        )
    head = "".join(
        f"<th{' class=xr-n' if name in ('step', 'loss', 'age', 'size') else ''}>{name}</th>"
        for name in ("", "node", "changed", "step", "loss", "age", "size", "run")
    )
    more = dim(f"and {len(rows) - MOST:,} more") if len(rows) > MOST else ""
    return page(
        heading(title(state)),
        raw_table(head, body),
        more,
    )
