import time

import pytest

from explorer.lineage.address import Node
from explorer.lineage.events import FactsRead
from explorer.lineage.values import Facts


@pytest.fixture
def node(workspace, name):
    workspace.create_bucket(name)
    store = workspace._core.store
    for step in (1, 2):
        store.write(name, f"checkpoints/step-{step:06}/model.safetensors", b"\x02\0\0\0\0\0\0\0{}")
        store.write(name, f"checkpoints/step-{step:06}/training_state.json", b'{"step": %d}' % step)
    store.write(name, "runs/r1/run.json", b'{"run": "r1", "bucket": "%s", "source": null}' % name.encode())
    store.write(name, "runs/r1/metrics.jsonl", b'{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 1.5}\n')
    return workspace.snapshot(name, "step-2")


def wait(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def test_what_is_on_screen_is_read(workspace, node):
    workspace.want([node, Node(node.bucket)])
    wait(lambda: node in workspace.state.facts and node.bucket in workspace.state.curves)
    facts = workspace.state.facts[node]
    assert (facts.step, facts.checkpoint, facts.objects) == (2, "checkpoints/step-000002/", 6)
    assert facts.size_bytes == 10 + len('{"step": 2}')
    curve = workspace.state.curves[node.bucket]
    assert (curve.metric, curve.steps, curve.values) == ("loss", (1, 2), (2.5, 1.5))


def test_a_snapshot_is_read_once(workspace, node):
    workspace._core.emit(FactsRead(node, Facts(step=77)))
    workspace.want([node, Node(node.bucket)])
    wait(lambda: Node(node.bucket) in workspace.state.facts)
    assert workspace.state.facts[node].step == 77


def test_a_snapshot_adds_to_a_head_that_is_read_again(workspace, node):
    head = Node(node.bucket)
    workspace.want([head])
    wait(lambda: head in workspace.state.facts)
    workspace._core.store.write(node.bucket, "checkpoints/step-000003/training_state.json", b'{"step": 3}')
    workspace._core.store.take_snapshot(node.bucket, "step-3")
    workspace.refresh()
    workspace.want([head])
    wait(lambda: workspace.state.facts[head].objects == 7)


def test_what_cannot_be_read_is_painted_on_its_row_and_nowhere_else(workspace, node):
    """A version in a bucket that is deleted meanwhile says nothing; the thread goes on to the next wish."""
    store = workspace._core.store
    gone = workspace.fork(node)
    store.delete_bucket(gone.bucket, force=True)
    workspace.want([gone, node])
    wait(lambda: node in workspace.state.facts)
    assert gone not in workspace.state.facts
    assert gone not in workspace.state.failures


def test_the_cursor_comes_first_and_drops_nothing(workspace, node):
    head = Node(node.bucket)
    workspace.want([head])
    workspace.focus(node)
    wait(lambda: {node, head} <= set(workspace.state.facts))
