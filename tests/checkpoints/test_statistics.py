"""Values compared piece by piece, against numpy on the whole."""

from __future__ import annotations

import io

import numpy as np
import pytest

from explorer.checkpoints import Checkpoint, Manifest, Tensor, drive
from explorer.checkpoints.statistics import (
    Statistics,
    Sums,
    check_readable,
    cost_bytes,
    decoded,
    locate,
    pieces,
)
from explorer.errors import BadInput
from tests.checkpoints.shelf import Shelf


def compared(a: bytes, b: bytes, dtype_a: str, dtype_b: str, count: int) -> Statistics:
    left = Tensor("w", dtype_a, (count,), len(a), "m", 0)
    right = Tensor("w", dtype_b, (count,), len(b), "m", 0)
    check_readable(left, right)
    sums = Sums(left, right)
    checkpoint = Checkpoint("", "safetensors", None, ())
    places = [drive(locate(tensor, checkpoint), lambda wants: ()) for tensor in (left, right)]
    for one, other in pieces(left, right, *places):
        sums.add(
            a[one.start : one.start + (one.length or 0)], b[other.start : other.start + (other.length or 0)]
        )
    return sums.statistics()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int8", "uint16"])
def test_agrees_with_numpy(dtype: str):
    names = {
        "float64": "F64",
        "float32": "F32",
        "float16": "F16",
        "int64": "I64",
        "int8": "I8",
        "uint16": "U16",
    }
    chance = np.random.default_rng(0)
    a = (chance.normal(size=2_500_000) * 20 + 50).astype(dtype)
    b = a.copy()
    b[::7] += 3
    told = compared(a.tobytes(), b.tobytes(), names[dtype], names[dtype], a.size)
    x, y = a.astype("f8"), b.astype("f8")
    assert told.norm_a == pytest.approx(np.linalg.norm(x))
    assert told.delta_norm == pytest.approx(np.linalg.norm(y - x))
    assert told.relative == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x))
    assert told.max_delta == pytest.approx(np.abs(y - x).max())
    assert told.cosine == pytest.approx(float(x @ y / np.linalg.norm(x) / np.linalg.norm(y)))
    assert told.equal == int((a == b).sum())


def test_nan_and_infinities_are_counted_apart():
    a = np.array([1, np.nan, np.inf, 4], "f4")
    b = np.array([1, np.nan, 3, 5], "f4")
    told = compared(a.tobytes(), b.tobytes(), "F32", "F32", 4)
    assert (told.non_finite_a, told.non_finite_b, told.equal, told.max_delta) == (2, 1, 2, 1)
    assert told.to_json()["cosine"] == pytest.approx(21 / np.sqrt(17 * 26))


def test_large_integers_are_compared_exactly():
    a = np.array([2**60], "i8")
    told = compared(a.tobytes(), (a + 1).tobytes(), "I64", "I64", 1)
    assert told.equal == 0


def test_zeros_have_no_direction():
    told = compared(bytes(16), bytes(16), "F32", "F32", 4)
    assert told.relative == 0
    assert told.to_json()["cosine"] is None


def test_eight_and_sixteen_bit_floats_are_what_torch_says():
    torch = pytest.importorskip("torch", reason="torch is the judge; it is in the extra `torch`")
    codes = torch.arange(256, dtype=torch.uint8)
    for ours, theirs in (("F8_E4M3", torch.float8_e4m3fn), ("F8_E5M2", torch.float8_e5m2)):
        expected = codes.view(theirs).to(torch.float64).numpy()
        np.testing.assert_array_equal(decoded(bytes(range(256)), ours), expected)
    halves = torch.randn(1000).to(torch.bfloat16)
    np.testing.assert_array_equal(
        decoded(halves.view(torch.uint8).numpy().tobytes(), "BF16"), halves.double().numpy()
    )


def test_tensors_in_an_archive_are_found():
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    state = {"a": torch.arange(50_000.0), "b": torch.arange(7), "v": torch.arange(10.0)[3:]}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    shelf = Shelf({"x/m.pt": buffer.getvalue()})
    manifest: Manifest = shelf.manifest()
    for tensor in manifest.tensors:
        where = drive(locate(tensor, manifest.checkpoint), shelf.fetch)
        (raw,) = shelf.fetch((where,))
        assert raw == state[tensor.name].numpy().tobytes()
    assert cost_bytes((t, t) for t in manifest.tensors) == 2 * sum(t.size_bytes for t in manifest.tensors)


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        (Tensor("w", "Q4_0", (4,), 4, "m", 0), Tensor("w", "F32", (4,), 16, "m", 0), "Q4_0"),
        (Tensor("w", "F32", (4,), 16, "m"), Tensor("w", "F32", (4,), 16, "m", 0), "one stretch"),
        (Tensor("w", "F32", (4,), 16, "m", 0), Tensor("w", "F32", (2, 2), 16, "m", 0), "another shape"),
    ],
)
def test_what_cannot_be_compared_says_why(a: Tensor, b: Tensor, why: str):
    with pytest.raises(BadInput, match=why):
        check_readable(a, b)
