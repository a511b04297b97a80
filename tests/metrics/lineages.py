"""Lineages for tests: attempts in few words, and the slow, obvious way to stitch them."""

import math
from array import array

from explorer.lineage.address import Node
from explorer.metrics.series import Attempt, Series
from explorer.metrics.stitch import Branch


def series(rows):
    """`{step: value}` or `{step: (value, wall)}` as a Series."""
    rows = {s: v if isinstance(v, tuple) else (v, math.nan) for s, v in rows.items()}
    steps = sorted(rows)
    return Series(
        array("d", steps), array("d", [rows[s][0] for s in steps]), array("d", [rows[s][1] for s in steps])
    )


def attempt(rows, *, id="a", bucket="root", metric="loss", **told):
    """`rows` of one metric, or `{metric: rows}`."""
    if rows and isinstance(next(iter(rows)), str):
        return Attempt(id, bucket, {name: series(r) for name, r in rows.items()}, **told)
    return Attempt(id, bucket, {metric: series(rows)} if rows else {}, **told)


def branch(name, *attempts, fork_step=None, version=None):
    return Branch(Node(name, version), tuple(attempts), fork_step)


def dense(first, last, value=0.0, every=1):
    """Rows at each step from first to last inclusive, telling writer and step apart."""
    return {float(s): value + s / 1000 for s in range(first, last + 1, every)}


def points(series):
    return list(zip(series.steps, series.values, strict=True))


def stitch_slowly(lineage, metric):
    """What a reader of the rules would do by hand: live rows as a dict, each attempt in turn."""
    live = {}
    for depth, branch in enumerate(lineage):
        logging = [a for a in sorted(branch.attempts, key=lambda a: a.order) if a.series]
        fork = None
        if depth:
            told = [a.restored_step for a in logging or branch.attempts if a.restored_step is not None]
            fork = min(told) if told else branch.fork_step
            if any(a.fresh for a in logging or branch.attempts):
                fork = -math.inf
        if fork is not None:
            live = {s: v for s, v in live.items() if s <= fork}
        for number, attempt in enumerate(logging):
            rows = attempt.series.get(metric)
            own = list(zip(rows.steps, rows.values, strict=True)) if rows else []
            base = -math.inf if attempt.fresh else attempt.restored_step
            if base is None and number == 0 and fork is not None:
                base = fork
            if base is not None:
                live = {s: v for s, v in live.items() if s <= base}
                own = [(s, v) for s, v in own if s > base]
            else:
                first = attempt.first_step
                if fork is not None:
                    own = [(s, v) for s, v in own if s > fork]
                    live = {s: v for s, v in live.items() if s < first or s <= fork}
                else:
                    live = {s: v for s, v in live.items() if s < first}
            live |= dict(own)
    return sorted(live.items())
