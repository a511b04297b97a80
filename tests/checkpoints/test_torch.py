"""torch.save in all its shapes, written by torch itself: the manifest says what torch says."""

from __future__ import annotations

import io

import pytest

from tests.checkpoints.shelf import Shelf
from tests.checkpoints.tables import headers, read, saved

torch = pytest.importorskip("torch", reason="torch writes the samples; it is in the extra `torch`")

from explorer.checkpoints import Manifest, find_checkpoints  # noqa: E402


def manifest_of(value: object, key: str = "model.pt", **options: object) -> Manifest:
    return Shelf({key: saved(value, **options)}).manifest()


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Sequential(torch.nn.Linear(4, 2))
    )


DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.complex64, torch.complex128, torch.uint16, torch.uint32, torch.uint64,
    torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu,
]  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict(zipped: bool):
    state = network().state_dict()
    found = manifest_of(state, _use_new_zipfile_serialization=zipped)
    assert read(found) == headers(state)
    assert found.complete
    assert not found.warnings
    assert "torch._utils._rebuild_tensor_v2" in found.refers_to


@pytest.mark.parametrize("zipped", [True, False])
def test_every_dtype(zipped: bool):
    tensors = {str(dtype): torch.zeros(2, 3, dtype=dtype) for dtype in DTYPES}
    assert read(manifest_of(tensors, _use_new_zipfile_serialization=zipped)) == headers(tensors)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol(protocol: int):
    state = network().state_dict()
    assert read(manifest_of(state, pickle_protocol=protocol)) == headers(state)


def test_a_tied_head_counts_once():
    weight = torch.zeros(10, 4)
    found = manifest_of({"embed.weight": weight, "head.weight": weight, "other": weight.clone()})
    assert found.aliases == (("head.weight", "embed.weight"),)
    assert found.parameters == 80


def test_views_are_not_ties():
    whole = torch.zeros(4, 4)
    found = manifest_of({"q": whole[:2], "k": whole[2:], "t": whole.t()})
    assert found.aliases == ()
    assert {t.name: t.shape for t in found.tensors} == {"q": (2, 4), "k": (2, 4), "t": (4, 4)}


def trained() -> tuple[torch.nn.Module, torch.optim.Optimizer, object]:
    net = network()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-4, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100)
    for _ in range(3):
        net(torch.ones(5, 3)).sum().backward()
        optimizer.step()
        schedule.step()
    return net, optimizer, schedule


def test_a_training_loop_of_ones_own():
    net, optimizer, schedule = trained()
    found = manifest_of(
        {
            "model": net.state_dict(), "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict(),
            "epoch": 2, "global_step": 40, "loss": 0.25, "config": {"lr": 3e-4, "layers": [4, 2]},
            "rng_state": torch.get_rng_state(),
        }
    )  # fmt: skip
    assert read(found) == headers(net.state_dict())
    moments = {t.name for t in found.tensors if t.part == "optimizer"}
    assert {"optimizer.state.0.exp_avg", "optimizer.state.0.exp_avg_sq"} <= moments
    assert found.step == 40
    assert found.state["epoch"] == 2
    assert found.state["loss"] == 0.25
    assert found.config["config.lr"] == 3e-4
    assert found.state["optimizer.type"] == "AdamW"
    assert found.state["optimizer.param_groups.0.weight_decay"] == 0.05
    assert found.state["optimizer.param_groups.0.initial_lr"] == 3e-4
    assert found.state["scheduler.base_lrs"] == (3e-4,)
    assert found.state["scheduler.last_epoch"] == 3
    assert str(found.state["rng"]).startswith("state ")
    assert not found.warnings


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), "SGD"),
        (lambda p: torch.optim.Adam(p, lr=0.1), "Adam (or AdamW)"),
        (lambda p: torch.optim.AdamW(p, lr=0.1), "AdamW"),
        (lambda p: torch.optim.RMSprop(p, lr=0.1), "RMSprop"),
        (lambda p: torch.optim.Adagrad(p, lr=0.1), "Adagrad"),
        (lambda p: torch.optim.Adafactor(p, lr=0.1), "Adafactor"),
    ],
)
def test_the_kind_of_an_optimizer(make: object, kind: str):
    net = network()
    optimizer = make(net.parameters())
    net(torch.ones(5, 3)).sum().backward()
    optimizer.step()
    net_file, optimizer_file = saved(net.state_dict()), saved(optimizer.state_dict())
    found = Shelf({"a/model.pt": net_file, "a/optimizer.pt": optimizer_file}).manifest()
    assert found.state["optimizer.type"] == kind
    assert found.state["optimizer.param_groups.0.lr"] == 0.1
    assert read(found) == headers(net.state_dict())


def test_a_whole_module_is_read_without_its_classes():
    net = network()
    found = manifest_of(net)
    assert read(found) == headers(net.state_dict())
    assert "torch.nn.modules.linear.Linear" in found.refers_to


def test_parameters_meta_tensors_and_subclasses():
    net = torch.nn.Linear(3, 2, device="meta")
    found = manifest_of(
        {
            "p": torch.nn.Parameter(torch.zeros(2)),
            "m": net.weight.detach(),
            "b": torch.nn.Buffer(torch.zeros(3)),
        }
    )
    assert {t.name: t.shape for t in found.tensors} == {"p": (2,), "m": (2, 3), "b": (3,)}


def test_a_large_file_costs_two_reads():
    state = {f"layers.{i}.weight": torch.zeros(512, 512) for i in range(100)}
    shelf = Shelf({"model.pt": saved(state)})
    found = shelf.manifest()
    assert read(found) == headers(state)
    assert [len(wave) for wave in shelf.waves] == [2]
    assert shelf.read_bytes <= 128 * 1024


def test_many_tensors_need_one_wave_more():
    state = {f"layers.{i}.self_attention.query_key_value.weight": torch.zeros(3) for i in range(3000)}
    shelf = Shelf({"model.pt": saved(state)})
    assert read(shelf.manifest()) == headers(state)
    assert len(shelf.waves) <= 3


@pytest.mark.parametrize("zipped", [True, False])
def test_a_cut_file_is_damaged(zipped: bool):
    data = saved({"w": torch.zeros(100_000)}, _use_new_zipfile_serialization=zipped)
    found = Shelf({"model.pt": data[:-1000]}).manifest()
    assert not found.complete
    assert found.damaged


def test_legacy_tensors_lie_where_it_says():
    state = {"a": torch.arange(7.0), "b": torch.arange(5), "v": torch.arange(10.0)[4:8]}
    data = saved(state, _use_new_zipfile_serialization=False)
    for found in Shelf({"m.pth": data}).manifest().tensors:
        assert found.start is not None
        stretch = data[found.start : found.start + found.size_bytes]
        assert stretch == state[found.name].contiguous().numpy().tobytes()


def test_torchscript_is_named_and_not_run():
    scripted = torch.jit.script(torch.nn.Linear(3, 2))
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    found = Shelf({"model.pt": buffer.getvalue()}).manifest()
    assert {t.shape for t in found.tensors} == {(2, 3), (2,)}


def test_random_states_compare_by_what_is_in_them():
    def state(seed: int) -> object:
        torch.manual_seed(seed)
        objects = {
            "checkpoint-1/rng_state.pth": saved(
                {"cpu": torch.get_rng_state(), "python": (3, (1, 2, 3), None)}
            ),
            "checkpoint-1/model.safetensors.pt": saved({"w": torch.zeros(1)}),
        }
        return Shelf(objects).manifest().state["rng"]

    assert state(1) == state(1)
    assert state(1) != state(2)


def test_flat_files_are_a_checkpoint_each():
    net = saved(network().state_dict())
    found = find_checkpoints(Shelf({"w/model_step100.pt": net, "w/model_step200.pt": net}).listing())
    assert [c.step for c in found] == [200, 100]
