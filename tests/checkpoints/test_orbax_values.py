"""Values out of Orbax's compressed chunks: what its own arrays hold, however they were sharded and written."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from zlib import compress

import numpy as np
import pytest

from explorer.checkpoints import drive
from explorer.checkpoints.boxes import cells
from explorer.checkpoints.places import locate
from explorer.checkpoints.value_plan import matching, plan
from explorer.errors import BadCheckpoint
from tests.checkpoints.shelf import Shelf
from tests.checkpoints.test_statistics import compared, judged, shelf_of

ocp = pytest.importorskip("orbax.checkpoint", reason="orbax writes the samples; it is in the extra `formats`")
ts = pytest.importorskip("tensorstore", reason="tensorstore writes the samples")

WRITER = Path(__file__).with_name("orbax_writer.py")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orbax")
    done = subprocess.run(
        [sys.executable, str(WRITER), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def expected(folder: Path, scale: int) -> dict[str, np.ndarray]:
    with np.load(folder / f"expected-{scale}.npz") as arrays:
        return {f"params.{name}": arrays[name] for name in arrays.files}


@pytest.mark.parametrize("way", ["ocdbt", "files", "zarr3", "zarr3-files", "chunks"])
def test_values_are_those_that_were_saved(written: Path, way: str):
    a, b = expected(written, 1), expected(written, 3)
    left, right = (Shelf.of_folder(written / way / str(scale)) for scale in (1, 3))
    found = compared(left, right)
    assert set(found) == set(a)
    for name, told in found.items():
        if np.any(a[name]) and not told.identical:  # one content on both sides is not read
            judged(told, a[name], b[name])
    assert found["params.nothing"].equal == 6000
    assert found["params.flags"].equal == 36
    assert found["params.wide"].relative == pytest.approx(2)


def test_the_same_against_safetensors_and_written_another_way(written: Path):
    a, b = expected(written, 1), expected(written, 3)
    flat = shelf_of({name: array for name, array in a.items() if name != "params.flags"})
    for way in ("ocdbt", "files", "chunks"):
        found = compared(flat, Shelf.of_folder(written / way / "3"))
        for name, told in found.items():
            if np.any(a[name]) and not told.identical:  # one content on both sides is not read
                judged(told, a[name], b[name])
    one, other = (Shelf.of_folder(written / way / "1") for way in ("files", "zarr3"))
    assert {told.equal_share for told in compared(one, other).values()} == {1.0}


@pytest.mark.parametrize("way", ["ocdbt", "files"])
def test_the_estimate_is_what_is_read(written: Path, way: str):
    shelves = [Shelf.of_folder(written / way / str(scale)) for scale in (1, 3)]
    a, b = (shelf.manifest() for shelf in shelves)
    todo = plan(a, b, matching("*"))
    raw = sum(t.size_bytes for t in (*a.tensors, *b.tensors))
    assert todo.read_bytes < raw, "they are compressed"
    before = sum(shelf.read_bytes for shelf in shelves)
    compared(*shelves)
    located = sum(shelf.read_bytes for shelf in shelves) - before
    assert todo.read_bytes <= located < todo.read_bytes + 200_000


def test_how_many_chunks_there_are_is_told(written: Path):
    for way, pieces in (("ocdbt", 4), ("files", 4), ("chunks", 24)):
        manifest = Shelf.of_folder(written / way / "1").manifest()
        told = {tensor.name: tensor for tensor in manifest.tensors}
        assert told["params.wide"].chunks == pieces
        assert told["params.wide"].stored_bytes < 64 * 96 * 4


def test_one_description_is_not_one_content(written: Path):
    shelves = [Shelf.of_folder(written / "files" / str(scale)) for scale in (1, 3)]
    assert all(shelf.objects["params.half/.zarray"] for shelf in shelves)
    assert shelves[0].objects["params.half/.zarray"] == shelves[1].objects["params.half/.zarray"]
    todo = plan(shelves[0].manifest(), shelves[1].manifest(), matching("*half"))
    assert (len(todo.pairs), len(todo.identical)) == (1, 0)
    todo = plan(shelves[0].manifest(), shelves[0].manifest(), matching("*"))
    assert (len(todo.pairs), todo.read_bytes) == (0, 0)


def zarr_of(folder: Path, driver: str, array: np.ndarray, metadata: dict[str, object]) -> Shelf:
    """An array written by tensorstore into a checkpoint of Orbax's kind."""
    spec = {
        "driver": driver, "kvstore": {"driver": "file", "path": str(folder / "1" / "w")}, "metadata": metadata,
        "create": True, "delete_existing": True, "dtype": array.dtype.name,
    }  # fmt: skip
    store = ts.open(spec, shape=array.shape).result()
    store.write(array).result()
    shelf = Shelf.of_folder(folder)
    shelf.objects["1/_CHECKPOINT_METADATA"] = b'{"commit_timestamp_nsecs": 1}'
    return shelf


ZSTD = {"id": "zstd", "level": 1}


@pytest.mark.parametrize(
    ("driver", "metadata"),
    [
        ("zarr", {"chunks": [30, 20], "order": "F", "compressor": ZSTD}),
        ("zarr", {"chunks": [7, 50], "compressor": None, "dimension_separator": "/"}),
        ("zarr", {"chunks": [100, 3], "compressor": {"id": "zlib", "level": 1}, "dtype": ">f4"}),
        ("zarr", {"chunks": [64, 64], "compressor": {"id": "bz2", "level": 1}, "fill_value": 1.5, "dtype": "<f4"}),
        ("zarr3", {"codecs": [{"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip", "configuration": {"level": 3}}, {"name": "crc32c"}]}),
        ("zarr3", {"chunk_key_encoding": {"name": "v2"}, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}),
        ("zarr3", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [60, 40]}}, "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [15, 20], "index_location": "start", "codecs": [{"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes", "configuration": {"endian": "little"}}, {"name": "zstd", "configuration": {"level": 1}}], "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]}}]}),
    ],
    ids=str,
)  # fmt: skip
def test_other_codecs_orders_and_fills(tmp_path: Path, driver: str, metadata: dict[str, object]):
    if driver == "zarr3":
        usual = {"name": "regular", "configuration": {"chunk_shape": [16, 33]}}
        metadata = {"chunk_grid": usual, "data_type": "float32", "fill_value": 1.5, **metadata}
    chance = np.random.default_rng(8)
    array = chance.normal(size=(120, 90)).astype("f4")
    array[:64, :70] = 1.5  # whole chunks of the fill value: tensorstore leaves them out
    other = chance.normal(size=(120, 90)).astype("f4")
    left = zarr_of(tmp_path / "a", driver, array, metadata)
    right = shelf_of({"w": other})
    judged(compared(left, right)["w"], array, other)
    plain = {"chunks": [50, 40], "compressor": ZSTD}
    judged(compared(left, zarr_of(tmp_path / "b", "zarr", other, plain))["w"], array, other)


def refusal(shelf: Shelf) -> str:
    manifest = shelf.manifest()
    (told,) = drive(locate(manifest.tensors, manifest.checkpoint), shelf.fetch)
    assert isinstance(told, BadCheckpoint)
    assert told.hint
    return told.message


def by_hand(chunk: bytes | None, **described: object) -> Shelf:
    usual = {"shape": [100], "chunks": [100], "dtype": "<f4", "zarr_format": 2, "fill_value": None}
    body = usual | {"compressor": None, "order": "C", "filters": None} | described
    objects = {"1/_CHECKPOINT_METADATA": b"{}", "1/w/.zarray": json.dumps(body).encode()}
    return Shelf(objects | ({"1/w/0": chunk} if chunk is not None else {}))


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ({"compressor": {"id": "blosc", "cname": "lz4"}}, "`blosc`"),
        ({"filters": [{"id": "delta"}]}, "filters"),
        ({"chunks": [2**30], "shape": [2**30]}, "at most"),
        ({"chunks": [1], "shape": [2**40]}, "chunks, at most"),
        ({"chunks": [2**20], "shape": [2**35]}, "cannot unpack to"),
        ({"chunks": [0]}, "makes no sense"),
        ({"chunks": [10, 10]}, "makes no sense"),
        ({"dtype": "<c8"}, "complex"),
    ],
)
def test_what_is_not_read_is_refused_by_name(described: dict[str, object], why: str):
    assert why in refusal(by_hand(bytes(400), **described))


@pytest.mark.parametrize(
    ("chunk", "packed", "why"),
    [
        (bytes(399), None, "399 bytes instead of 400"),
        (compress(bytes(10_000_000)), "zlib", "more than 400"),
        (compress(bytes(400))[:-8], "zlib", "instead of 400|incomplete|cut"),
        (b"not compressed", "zstd", "damaged"),
        (None, None, "filled with"),
    ],
)
def test_damaged_chunks_are_refused_and_bombs_do_not_go_off(
    chunk: bytes | None, packed: str | None, why: str
):
    fill = None if chunk is not None else {"odd": 1}
    shelf = by_hand(chunk, compressor={"id": packed} if packed else None, fill_value=fill)
    tracemalloc.start()
    try:
        with pytest.raises(BadCheckpoint, match=why):
            compared(shelf, shelf_of({"w": np.ones(100, "f4")}))
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


def test_cells_are_whole_chunks_that_cover_everything_once(written: Path):
    shelf = Shelf.of_folder(written / "chunks" / "1")
    manifest = shelf.manifest()
    wide = next(t for t in manifest.tensors if t.name == "params.deep")
    (boxes,) = drive(locate([wide], manifest.checkpoint), shelf.fetch)
    assert not isinstance(boxes, BadCheckpoint)
    seen = np.zeros(wide.shape, "u1")
    for region in cells(wide.shape, boxes, boxes):
        seen[tuple(slice(*span) for span in region)] += 1
        assert all(low % step == 0 for (low, _), step in zip(region, boxes[0].step, strict=True))
    assert seen.min() == seen.max() == 1
