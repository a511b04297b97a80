"""Comparisons by hand, for tests of what draws them."""

from array import array

from explorer.lineage.address import Node
from explorer.metrics.comparison import Best, Comparison, NodeCurve


def curve(name, steps, values, own_at=0, **more):
    x = array("d", map(float, steps))
    fork = x[own_at - 1] if own_at else None
    told = {"fork_step": fork, "fork_x": fork, "last": values[-1], **more}
    return NodeCurve(Node(name), name, told.pop("overrides", ()), x, array("d", values), x, own_at, **told)


def best(x, value, inherited=False):
    return Best(float(x), value, inherited)


def together(*curves, metric="loss", **more):
    return Comparison(metric, "step", curves, **more)


BASE = curve("base", (1, 2, 3, 4), (4.0, 3.0, 2.0, 1.0), hyperparameters=(("lr", 1e-3), ("seed", 1)))
FORK = curve(
    "fork",
    (1, 2, 3),
    (4.0, 3.0, 9.0),
    own_at=2,
    overrides=(("lr", 3e-5),),
    hyperparameters=(("lr", 3e-5), ("seed", 1)),
)
OTHER = curve("other", (1, 2, 5), (4.0, 3.0, 8.0), own_at=2, hyperparameters=(("lr", 3e-5), ("seed", 2)))
