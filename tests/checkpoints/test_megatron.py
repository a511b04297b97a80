"""A small GPT that Megatron cut over two ranks: its checkpoint says here what Megatron itself loads of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.checkpoints.shelf import Shelf
from tests.checkpoints.test_statistics import compared, judged, shelf_of

torch = pytest.importorskip("torch", reason="torch writes the samples; it is in the extra `torch`")
pytest.importorskip("megatron.core", reason="megatron-core writes the samples; it is not installed")

WRITER = Path(__file__).with_name("megatron_writer.py")
RANKS = 2


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("megatron")
    ranks = [
        subprocess.Popen(
            [sys.executable, str(WRITER), str(folder), str(rank), str(RANKS)],
            stdout=subprocess.DEVNULL,
            stderr=(folder / f"{rank}.log").open("w"),
        )
        for rank in range(RANKS)
    ]
    try:
        codes = [process.wait(timeout=300) for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert codes == [0] * RANKS, (folder / "0.log").read_text()[-2000:]
    return folder


def loaded(folder: Path, step: int) -> dict[str, np.ndarray]:
    """What the ranks loaded, put together by the places that Megatron tells."""
    whole: dict[str, np.ndarray] = {}
    for rank in range(RANKS):
        told = torch.load(folder / f"expected-{step}-{rank}.pt", weights_only=False)
        for key, shape, offsets, local in told.values():
            array = whole.setdefault(key, np.full(shape, np.nan, "f4"))
            piece = local.detach().numpy().reshape((1,) * (len(shape) - local.dim()) + tuple(local.shape))
            where = tuple(slice(at, at + size) for at, size in zip(offsets, piece.shape, strict=True))
            array[where] = piece
    assert not any(np.isnan(array).any() for array in whole.values())
    return whole


def test_the_manifest_is_what_megatron_loads(written: Path):
    shelf = Shelf.of_folder(written / "5")
    manifest, expected = shelf.manifest(), loaded(written, 5)
    assert (manifest.checkpoint.format, manifest.step, manifest.framework) == ("megatron", 5, "PyTorch")
    assert {t.name: t.shape for t in manifest.tensors} == {name: a.shape for name, a in expected.items()}
    assert {t.dtype for t in manifest.tensors} == {"F32"}
    assert manifest.parameters == sum(array.size for array in expected.values())
    cut = {t.name: t.chunks for t in manifest.tensors}
    assert cut["embedding.word_embeddings.weight"] == RANKS
    assert cut["decoder.layers.mlp.linear_fc1.weight"] == 2 * RANKS
    assert manifest.config["args.lr"] == pytest.approx(1e-3)
    assert manifest.state == {"step": 5}
    assert manifest.complete
    assert not manifest.warnings


def test_values_are_those_that_megatron_loads(written: Path):
    a, b = loaded(written, 5), loaded(written, 9)
    left, right = (Shelf.of_folder(written / str(step)) for step in (5, 9))
    for found in (compared(left, right), compared(left, shelf_of(b))):
        assert set(found) == set(a)
        for name, told in found.items():
            if np.any(a[name]):
                judged(told, a[name], b[name])
            else:
                assert told.equal == told.elements


def test_a_ranks_file_that_is_missing_is_named(written: Path):
    shelf = Shelf.of_folder(written / "5")
    del shelf.objects["iter_0000005/__1_0.distcp"]
    assert shelf.manifest().missing == ("__1_0.distcp",)
