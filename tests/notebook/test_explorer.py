import signal
import threading
import time

import pytest

import explorer
from explorer.errors import BadInput, Conflict, NameTaken, NotFound
from explorer.notebook.overrides import UnknownOverride
from tests.notebook.conftest import BASE, FORK

pytestmark = pytest.mark.xdist_group("notebook")  # one worker trains the lineage, once


def test_a_cell_that_runs_again_gets_the_same_connection(ex, trained):
    assert explorer.open(data=trained).workspace is ex.workspace


def test_its_repr_asks_nobody(ex, monkeypatch):
    def offline(*_args, **_kwargs):
        raise AssertionError("a repr must not use the network")

    monkeypatch.setattr("socket.socket.connect", offline)
    assert repr(ex).startswith("<Explorer local store: ")
    assert f"{BASE}@step-100" in repr(ex[f"{BASE}@step-100"])
    assert BASE in ex._ipython_key_completions_()


def test_addresses_complete_from_what_is_known(ex):
    found = ex._ipython_key_completions_()
    assert {BASE, FORK, f"{BASE}@step-100", f"{FORK}@step-150"} <= set(found)


def test_an_address_that_nearly_exists_names_the_one_that_does(ex):
    with pytest.raises(KeyError) as caught:
        ex[f"{BASE}@step-101"]
    assert isinstance(caught.value, NotFound)
    assert "`step-100`" in caught.value.hint


@pytest.mark.parametrize("place", [7, None, 3.5, ["a"]])
def test_what_is_no_place_is_refused_in_words(ex, place):
    with pytest.raises(BadInput) as caught:
        ex.fork(place)
    assert "ex[" in caught.value.hint


def test_a_place_may_be_given_in_any_form(ex):
    node = ex[f"{BASE}@step-100"]
    assert ex[node] == ex[node.node] == ex[node.node.address] == node
    assert {node: 1}[ex[f"{BASE}@step-100"]] == 1


def test_somebody_elses_bucket_is_found_without_being_asked_to_look(ex, trained):
    from explorer.settings import Settings
    from explorer.workspace.opener import open_workspace

    other = open_workspace(Settings(data=trained))
    other.create_bucket("nb-foreign")
    assert ex["nb-foreign"].address == "nb-foreign"
    other.delete_bucket("nb-foreign")
    other.close()


def test_a_node_knows_its_family(ex):
    node = ex[f"{BASE}@step-100"]
    assert [str(fork) for fork in node.forks if str(fork) == FORK] == [FORK]
    assert ex[f"{FORK}@step-150"].parent == node
    assert node.parent == ex[f"{BASE}@step-50"]
    assert ex[f"{BASE}@step-50"].parent is None
    assert node.step == 100


def test_fork_and_undo(ex):
    fork = ex.fork(f"{BASE}@step-50", lr=3e-3)
    assert fork.overrides == (("lr", 3e-3),)
    assert fork.bucket in ex.state.buckets
    assert fork.bucket in ex.undo()
    assert fork.bucket not in ex.state.buckets


def test_a_slip_forks_nothing(ex):
    before = set(ex.state.buckets)
    with pytest.raises(TypeError) as caught:
        ex[f"{BASE}@step-50"].fork(weight_deacy=0.1)
    assert isinstance(caught.value, UnknownOverride)
    assert "`weight_decay`" in caught.value.hint
    assert set(ex.state.buckets) == before


def test_what_is_new_on_purpose_is_taken(ex):
    fork = ex.fork(f"{BASE}@step-50", overrides={"new_thing": 1}, lr=0.5)
    assert fork.overrides == (("new_thing", 1), ("lr", 0.5))
    ex.undo()
    with pytest.raises(BadInput):
        ex.fork(f"{BASE}@step-50", overrides=[1])


def test_a_taken_name_is_refused(ex):
    with pytest.raises(NameTaken):
        ex.fork(f"{BASE}@step-50", name=FORK)


def test_a_sweep_forks_each_combination(ex):
    forks = ex.sweep(f"{BASE}@step-50", lr=[0.01, 0.03], seed=(1, 2))
    assert [dict(fork.overrides) for fork in forks] == [
        {"lr": lr, "seed": seed} for lr in (0.01, 0.03) for seed in (1, 2)
    ]
    for _ in forks:
        ex.undo()


@pytest.mark.parametrize("values", [{"lr": 0.1}, {"lr": "0.1"}, {}, {"lr": []}, {"lrr": [1]}])
def test_a_sweep_without_lists_forks_nothing(ex, values):
    before = set(ex.state.buckets)
    with pytest.raises(BadInput):
        ex.sweep(f"{BASE}@step-50", **values)
    assert set(ex.state.buckets) == before


def test_a_snapshot_of_a_snapshot_is_refused(ex):
    with pytest.raises(BadInput) as caught:
        ex.snapshot(f"{BASE}@step-50")
    assert BASE in caught.value.hint


def test_snapshots_are_taken_and_taken_back(ex):
    taken = ex.snapshot(BASE, "by-hand")
    assert taken.address == f"{BASE}@by-hand"
    ex.undo()
    with pytest.raises(NotFound):
        ex[f"{BASE}@by-hand"]


def test_two_snapshots_of_one_name_are_told_apart_by_version(ex):
    older, newer = ex.snapshot(BASE, "twice"), ex.snapshot(BASE, "twice")
    assert newer.address == f"{BASE}@twice"
    assert older.address == f"{BASE}@{older.version}"
    assert ex[older.address] == older
    ex.undo()
    ex.undo()


def test_checkpoints_are_listed_and_read_when_asked(ex):
    node = ex[f"{BASE}@step-100"]
    assert [view.step for view in node.checkpoints()] == [100, 50]
    checkpoint = node.checkpoint()
    assert checkpoint.config["lr"] == 0.02
    assert checkpoint.state["step"] == 100
    assert checkpoint.parameters == int(checkpoint.to_frame().query("part == 'model'")["parameters"].sum())
    assert node.checkpoint(step=50).manifest.step == 50
    with pytest.raises(NotFound) as caught:
        node.checkpoint(step=51)
    assert "100, 50" in caught.value.hint


def test_diff_shows_what_a_fork_changed(ex):
    diff = ex[f"{BASE}@step-150"].diff(f"{FORK}@step-150")
    assert bool(diff)
    frame = diff.to_frame()
    assert frame[frame["section"] == "config"][["name", "a", "b"]].values.tolist() == [["lr", "0.02", "0.1"]]
    assert "lr 0.02 → 0.1" in diff.summary
    assert "<details" in diff._repr_html_()
    assert not ex[BASE].diff(BASE)


def test_a_metric_that_nobody_has_names_those_there_are(ex):
    with pytest.raises(BadInput) as caught:
        ex.compare([BASE], metric="val_los")
    assert "val_loss" in caught.value.hint


def test_a_run_is_a_handle_that_can_be_waited_for(ex):
    run = ex[f"{BASE}@step-100"].resume(lr=0.05, steps=110).wait(60)
    assert run.status == "done"
    assert "step    110" in run.logs()
    assert "restored" in run.logs()
    assert run.logs(tail=1).startswith("step    110")
    assert ex[f"{run.node.bucket}@step-110"].parent.bucket in (run.node.bucket, BASE)
    assert run.id in [known.id for known in ex.runs]


def test_waiting_keeps_the_widgets_moving(ex):
    run = ex[f"{BASE}@step-100"].resume(steps=120)
    top, log = run.widget().children
    run.wait(60)
    until = time.monotonic() + 10
    while "step    120" not in log.value and time.monotonic() < until:
        ex.backstage.pump(look=True)
        time.sleep(0.1)
    assert "done" in top.children[1].value
    assert top.children[0].disabled, "what has ended cannot be stopped"
    assert "step    120" in log.value


def test_a_run_that_cannot_be_says_why_and_leaves_nothing(ex):
    before = set(ex.state.buckets)
    with pytest.raises(BadInput):
        ex.resume(f"{BASE}@step-50", lr=-1.0)
    assert set(ex.state.buckets) == before


def test_an_interrupt_ends_the_waiting_and_stop_ends_the_run(ex, monkeypatch):
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0.05")
    run = ex.resume(f"{BASE}@step-50", steps=5000)
    with pytest.raises(Conflict):
        ex.launch(run.node)
    threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,)).start()
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    assert run.status == "running"
    run.stop()
    assert run.wait(60).status == "stopped"


def test_prefetch_brings_a_checkpoint_here(ex):
    prefetch = ex.prefetch(f"{BASE}@step-100").wait(60)
    assert prefetch.done
    assert prefetch.progress.done_bytes == ex[f"{BASE}@step-100"].checkpoint().size_bytes
