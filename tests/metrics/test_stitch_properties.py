"""Lineages with restarts, overlaps and lags: the fast way says what the slow way says."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.metrics.stitch import chains, stitch
from explorer.metrics.writers import bits
from tests.metrics.lineages import attempt, branch, points, stitch_slowly

STEPS = st.integers(0, 30).map(float)
VALUES = st.floats(-2, 2, width=16) | st.sampled_from([math.nan, math.inf])
ROWS = st.dictionaries(st.sampled_from(["loss", "val_loss"]), st.dictionaries(STEPS, VALUES, min_size=1))
BASES = st.none() | STEPS


@st.composite
def lineages(draw):
    """One to three buckets, each with up to three attempts one after the other; no walls, so one writer."""
    made = []
    for depth in range(draw(st.integers(1, 3))):
        attempts = [
            attempt(
                draw(ROWS),
                id=str(n),
                bucket=f"b{depth}",
                started_s=float(n),
                restored_step=draw(BASES),
                fresh=draw(st.sampled_from([False] * 9 + [True])),
            )
            for n in range(draw(st.integers(0, 3)))
        ]
        attempts = [a if a.restored_step is None or not a.fresh else attempt({}, id=a.id) for a in attempts]
        made.append(branch(f"b{depth}", *draw(st.permutations(attempts)), fork_step=draw(STEPS)))
    return tuple(made)


def same(a, b):
    return [(s, bits(v)) for s, v in a] == [(s, bits(v)) for s, v in b]


@settings(max_examples=150, deadline=None)
@given(lineages(), st.sampled_from(["loss", "val_loss"]))
def test_the_fast_way_equals_the_slow_way(lineage, metric):
    (chain,) = chains(lineage)
    line = stitch(chain, metric)
    assert same(points(line.series), stitch_slowly(lineage, metric))


@settings(max_examples=150, deadline=None)
@given(lineages())
def test_steps_rise_and_the_inherited_part_ends_at_the_fork(lineage):
    (chain,) = chains(lineage)
    line = stitch(chain, "loss")
    steps = list(line.series.steps)
    assert steps == sorted(set(steps))
    if line.fork_step is None:
        assert line.own_at == 0
    else:
        assert all(s <= line.fork_step for s in steps[: line.own_at])
        assert all(s > line.fork_step for s in steps[line.own_at :])


@settings(max_examples=150, deadline=None)
@given(lineages())
def test_every_own_row_is_live_discarded_or_below_its_base(lineage):
    (chain,) = chains(lineage)
    line = stitch(chain, "loss")
    own = sum(len(a.series.get("loss", ())) for a in lineage[-1].attempts)
    live = len(line.series) - line.own_at
    lost = sum(map(len, line.discarded))
    assert live + lost <= own
    assert line.relogged <= own - live - lost
