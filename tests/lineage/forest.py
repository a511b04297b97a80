"""Lineages for tests: made of real values, by hand or by hypothesis."""

from hypothesis import strategies as st
from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.values import Bucket, Snapshot

T0 = 1_751_631_910_000_000_000


def bucket(name, *versions, parent=None, born=0):
    snapshots = tuple(Snapshot(name, str(T0 + v), f"step-{v}") for v in versions)
    origin = Node(parent[0], str(T0 + parent[1])) if parent else None
    return Bucket(name, T0 + born, origin, True, snapshots)


def lineage(*buckets):
    return Map({b.name: b for b in buckets})


@st.composite
def forests(draw):
    """Grown as people grow them: at each tick a bucket takes a snapshot, is forked, or a new root is made."""
    grown: dict[str, dict] = {"root": {"versions": [], "parent": None, "born": 0}}
    for tick in range(1, draw(st.integers(1, 40))):
        names = sorted(grown)
        name = draw(st.sampled_from(names))
        act = draw(st.sampled_from(["snapshot", "snapshot", "fork", "root"]))
        if act == "snapshot":
            grown[name]["versions"].append(tick)
        elif act == "fork" and grown[name]["versions"]:
            at = draw(st.sampled_from(grown[name]["versions"]))
            grown[f"f{tick}"] = {"versions": [], "parent": (name, at), "born": tick}
        elif act == "root":
            grown[f"r{tick}"] = {"versions": [], "parent": None, "born": tick}
    return lineage(*(bucket(n, *b["versions"], parent=b["parent"], born=b["born"]) for n, b in grown.items()))
