"""Values compared region by region, against numpy on the whole; what lies oddly, against the library that wrote it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from explorer.checkpoints import Manifest, Tensor, drive
from explorer.checkpoints.boxes import REGION_ELEMENTS, aligned, cells, gathered, regions, wanted
from explorer.checkpoints.elements import doubles, stored
from explorer.checkpoints.ggml_blocks import BLOCKS, dequantised
from explorer.checkpoints.places import locate
from explorer.checkpoints.statistics import Statistics, Sums, together
from explorer.checkpoints.value_plan import matching, plan, unit_of, why_not
from explorer.errors import BadCheckpoint
from tests.checkpoints.shelf import Shelf, safetensors_of, tensor

Arrays = dict[str, "np.ndarray"]
_NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int8": "I8", "uint16": "U16"}


def shelf_of(arrays: Arrays, dtypes: dict[str, str] | None = None) -> Shelf:
    """A safetensors checkpoint, written by hand: any dtype may be claimed."""
    header, data = {}, b""
    for name, array in arrays.items():
        raw = array.tobytes()
        dtype = (dtypes or {}).get(name) or _NAMES[str(array.dtype)]
        header[name] = tensor(dtype, list(array.shape), len(data), len(data) + len(raw))
        data += raw
    return Shelf({"step-1/model.safetensors": safetensors_of(header, data)})


def compared(a: Shelf, b: Shelf) -> dict[str, Statistics]:
    """What the workspace does, without threads: locate, cut, gather, add."""
    manifests = [shelf.manifest() for shelf in (a, b)]
    todo = plan(*manifests, matching("*"))
    assert not todo.refused
    found = {right.name: Statistics.of_identical(right) for _, right in todo.identical}
    places = [
        drive(locate([pair[at] for pair in todo.pairs], m.checkpoint), s.fetch)
        for at, (m, s) in enumerate(zip(manifests, (a, b), strict=True))
    ]
    for pair, *sides in zip(todo.pairs, *places, strict=True):
        for side in sides:
            if isinstance(side, BadCheckpoint):
                raise side
        shape, *boxes = aligned(pair[0].shape, *sides)
        sums = Sums(*pair)
        for region in cells(shape, *boxes, unit_of(*pair)):
            elements = []
            for shelf, side, one in zip((a, b), boxes, pair, strict=True):
                wants = tuple(w for box in side if (w := wanted(box, region, one.dtype)) is not None)
                elements.append(gathered(side, region, shelf.fetch(wants), one.dtype))
            sums.add(*elements)
        found[pair[1].name] = sums.statistics()
    return found


def judged(told: Statistics, a: np.ndarray, b: np.ndarray) -> None:
    x, y = a.astype("f8").reshape(-1), b.astype("f8").reshape(-1)
    assert told.elements == x.size
    assert told.norm_a == pytest.approx(np.linalg.norm(x))
    assert told.norm_b == pytest.approx(np.linalg.norm(y))
    assert told.delta_norm == pytest.approx(np.linalg.norm(y - x))
    assert told.relative == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x))
    assert told.max_delta == pytest.approx(np.abs(y - x).max())
    assert told.cosine == pytest.approx(float(x @ y / np.linalg.norm(x) / np.linalg.norm(y)))
    assert told.equal == int((x == y).sum())


@pytest.mark.parametrize("dtype", list(_NAMES))
def test_agrees_with_numpy(dtype: str):
    chance = np.random.default_rng(0)
    a = (chance.normal(size=(5, 500_000)) * 20 + 50).astype(dtype)
    b = a.copy()
    b[:, ::7] += 3
    judged(compared(shelf_of({"w": a}), shelf_of({"w": b}))["w"], a, b)


def test_tensors_add_up_to_what_they_are_as_one_vector():
    chance = np.random.default_rng(1)
    a = {name: chance.normal(size=100) for name in "xyz"}
    b = {name: array + chance.normal(size=100) for name, array in a.items()}
    found = compared(shelf_of(a), shelf_of(b))
    whole = together("all", list(found.values()))
    judged(whole, np.concatenate(list(a.values())), np.concatenate(list(b.values())))


def test_nan_and_infinities_are_counted_apart():
    a = np.array([1, np.nan, np.inf, 4], "f4")
    b = np.array([1, np.nan, 3, 5], "f4")
    told = compared(shelf_of({"w": a}), shelf_of({"w": b}))["w"]
    assert (told.non_finite_a, told.non_finite_b, told.equal, told.max_delta) == (2, 1, 2, 1)
    assert told.to_json()["cosine"] == pytest.approx(21 / np.sqrt(17 * 26))


def test_large_integers_are_compared_exactly():
    a = np.array([2**60], "i8")
    assert compared(shelf_of({"w": a}), shelf_of({"w": a + 1}))["w"].equal == 0


def test_zeros_have_no_direction():
    zeros = np.zeros(4, "f4")
    told = compared(shelf_of({"w": zeros}), shelf_of({"w": zeros, "more": zeros}))["w"]
    assert told.relative == 0
    assert told.to_json()["cosine"] is None


def test_one_content_on_both_sides_is_not_read():
    shelf = shelf_of({"w": np.ones(1000, "f4"), "v": np.zeros(3, "f4")})
    manifest = shelf.manifest()
    shelf.read_bytes = 0
    todo = plan(manifest, shelf.manifest(), matching("*"))
    assert (todo.pairs, todo.read_bytes, len(todo.identical)) == ((), 0, 2)
    told = Statistics.of_identical(todo.identical[0][1])
    assert (told.relative, told.equal_share, told.to_json()["norm_a"]) == (0, 1, None)


def test_small_floats_are_what_their_own_libraries_say():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is the judge")
    codes = np.arange(256, dtype="u1")
    for ours, theirs in (
        ("F8_E4M3", ml_dtypes.float8_e4m3fn),
        ("F8_E5M2", ml_dtypes.float8_e5m2),
        ("F8_E4M3FNUZ", ml_dtypes.float8_e4m3fnuz),
        ("F8_E5M2FNUZ", ml_dtypes.float8_e5m2fnuz),
        ("F8_E8M0", ml_dtypes.float8_e8m0fnu),
    ):
        with np.errstate(invalid="ignore"):
            expected = codes.view(theirs).astype("f8")
        np.testing.assert_array_equal(doubles(stored(codes.tobytes(), ours), ours), expected)
    halves = np.random.default_rng(0).normal(size=1000).astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(doubles(stored(halves.tobytes(), "BF16"), "BF16"), halves.astype("f8"))


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_quantised_blocks_are_what_ggml_says(kind: str):
    quants = pytest.importorskip("gguf.quants", reason="gguf is the judge")
    from gguf import GGMLQuantizationType

    raw = np.random.default_rng(3).integers(0, 256, (40, BLOCKS[kind][1]), dtype="u1")
    with np.errstate(all="ignore"):
        expected = quants.dequantize(raw, GGMLQuantizationType[kind])
    np.testing.assert_array_equal(dequantised(raw.tobytes(), kind), expected.astype("f8").reshape(-1))


def test_a_quantised_export_is_compared_with_its_original(tmp_path: Path):
    gguf = pytest.importorskip("gguf", reason="gguf writes the sample")
    quants = pytest.importorskip("gguf.quants")
    original = np.random.default_rng(4).normal(size=(64, 25_600)).astype("f4")
    packed = quants.quantize(original, gguf.GGMLQuantizationType.Q8_0)
    writer = gguf.GGUFWriter(str(tmp_path / "m.gguf"), "llama")
    writer.add_tensor("w", packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    told = compared(shelf_of({"w": original}), Shelf.of_folder(tmp_path))["w"]
    judged(told, original, quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0))
    assert 0.001 < told.relative < 0.01


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_of_torch_are_read_where_they_lie(legacy: bool):
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    storage = torch.arange(5000.0)
    image = torch.randn(64, 3, 9, 7).to(memory_format=torch.channels_last)
    state = {
        "plain": torch.arange(50_000.0),
        "view": storage[3:1000],
        "every third": storage[::3],
        "turned": torch.arange(6000.0).reshape(60, 100).t(),
        "channels last": image,
        "repeated": torch.arange(5.0).reshape(5, 1).expand(5, 4),
        "scalar": torch.tensor(2.5),
        "half": torch.randn(33).to(torch.bfloat16),
    }
    changed = {name: (value.float() * 1.5).contiguous() for name, value in state.items()}
    shelves = []
    for content in (state, changed):
        buffer = io.BytesIO()
        torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
        shelves.append(Shelf({"x/m.pt": buffer.getvalue()}))
    found = compared(*shelves)
    assert set(found) == set(state)
    for name, told in found.items():
        judged(told, state[name].double().numpy(), changed[name].double().numpy())


@pytest.fixture
def sharded(tmp_path: Path) -> Callable[[str, Arrays, int, int], Shelf]:
    """A checkpoint of torch's own sharded format, each tensor cut into pieces along a dimension."""
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    import torch.distributed.checkpoint as dcp
    from torch.distributed._shard.sharded_tensor import Shard, ShardedTensor, ShardMetadata
    from torch.distributed._shard.sharded_tensor.metadata import ShardedTensorMetadata, TensorProperties

    def write(name: str, arrays: Arrays, ranks: int, axis: int) -> Shelf:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{tmp_path}/{name}.init", rank=0, world_size=1
        )
        try:
            state = {}
            for key, array in arrays.items():
                whole = torch.from_numpy(array)
                shards, offset = [], 0
                for part in torch.tensor_split(whole, ranks, axis):
                    at = [offset if d == axis else 0 for d in range(whole.dim())]
                    told = ShardMetadata(at, list(part.shape), "rank:0/cpu")
                    shards.append(Shard(part.contiguous(), told))
                    offset += part.shape[axis]
                properties = TensorProperties(dtype=whole.dtype)
                metadata = ShardedTensorMetadata([s.metadata for s in shards], whole.shape, properties)
                state[key] = ShardedTensor._init_from_local_shards_and_global_metadata(shards, metadata)
            dcp.save(state, checkpoint_id=str(tmp_path / name / "step-70"))
        finally:
            torch.distributed.destroy_process_group()
        return Shelf.of_folder(tmp_path / name)

    return write


def test_pieces_of_a_sharded_checkpoint_are_put_together(sharded):
    chance = np.random.default_rng(5)
    a = {"layers.0.w": chance.normal(size=(96, 50)).astype("f4"), "b": chance.normal(size=12)}
    b = {name: array * 0.5 + 1 for name, array in a.items()}
    left, right = (
        sharded("a", {"layers.0.w": a["layers.0.w"]}, 3, 0),
        sharded("b", {"layers.0.w": b["layers.0.w"]}, 5, 1),
    )
    assert left.manifest().tensors[0].chunks == 3
    assert right.manifest().tensors[0].chunks == 5
    judged(compared(left, right)["layers.0.w"], a["layers.0.w"], b["layers.0.w"])


def test_a_piece_that_is_missing_is_a_refusal(sharded):
    shelf = sharded("a", {"w": np.ones((6, 4), "f4")}, 2, 0)
    manifest = shelf.manifest()
    (data,) = (value for key, value in shelf.objects.items() if key.endswith(".distcp"))
    shelf.objects = {k: (v[: len(v) // 3] if v is data else v) for k, v in shelf.objects.items()}
    cut = shelf.manifest()
    (told,) = drive(locate(cut.tensors, cut.checkpoint), shelf.fetch)
    assert isinstance(told, BadCheckpoint)
    assert told.hint
    assert manifest.tensors == cut.tensors


def test_regions_are_bounded_and_cover_everything_once():
    for shape in ((3, 2_500_000), (7, 1000, 1000), (5,), (), (2, 3, 4)):
        seen = np.zeros(shape, "u1")
        for region in regions(shape):
            where = tuple(slice(*span) for span in region)
            assert seen[where].size <= REGION_ELEMENTS
            seen[where] += 1
        assert seen.min() == seen.max() == 1


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        (Tensor("w", "IQ2_S", (256,), 82, "m", 0), Tensor("w", "F32", (256,), 1024, "m", 0), "IQ2_S packs"),
        (Tensor("w", "C64", (4,), 32, "m", 0), Tensor("w", "C64", (4,), 32, "m", 0), "complex"),
        (Tensor("w", "F32", (4,), 16, "m"), Tensor("w", "F32", (4,), 16, "m", 0), "compressed"),
        (Tensor("w", "F32", (4,), 16, "m", 0), Tensor("w", "F32", (2, 2), 16, "m", 0), "another shape"),
        (
            Tensor("w", "F32", (10**6, 64), 256 * 10**6, "m", 0, strides=(1, 10**6)),
            Tensor("w", "F32", (10**6, 64), 256 * 10**6, "m", 0),
            "too large to turn around",
        ),
    ],
)
def test_what_cannot_be_compared_says_why(a: Tensor, b: Tensor, why: str):
    assert why in (why_not(a, b) or "")


def test_a_manifest_that_was_kept_knows_its_strides():
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    from explorer.checkpoints import part_from_json, part_to_json, read_parts

    buffer = io.BytesIO()
    torch.save({"turned": torch.arange(12.0).reshape(3, 4).t()}, buffer)
    shelf = Shelf({"x/m.pt": buffer.getvalue()})
    manifest: Manifest = shelf.manifest()
    (part,) = drive(read_parts(manifest.checkpoint), shelf.fetch)
    assert part.tensors[0].strides == (1, 4)
    assert part_from_json(part_to_json(part)) == part
