"""The opcode interpreter against the C unpickler, and against pickles that were made to do harm."""

from __future__ import annotations

import collections
import json
import pickle
import pickletools
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.checkpoints import dcp
from explorer.checkpoints.inert import BadPickle, Call, Global, as_mapping, plain_tree
from explorer.checkpoints.pickles import load
from explorer.checkpoints.stand_ins import load_fast

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20), st.binary(max_size=20),
    st.integers(-(2**600), 2**600),
)  # fmt: skip
keys = st.one_of(st.text(max_size=10), st.integers(), st.tuples(st.text(max_size=3), st.integers()))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.tuples(inner, inner), st.tuples(inner, inner, inner, inner),
        st.dictionaries(keys, inner, max_size=5),
    ),
    max_leaves=25,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(values, st.integers(0, 5))
def test_plain_data_is_what_the_c_unpickler_reads(value: Any, protocol: int):
    data = pickle.dumps(value, protocol)
    loaded = load(data)
    assert loaded.end == len(data)
    if loaded.refers_to:  # protocols 0-2 write bytes as a call
        assert protocol < 3
        assert set(loaded.refers_to) <= {"_codecs.encode", "__builtin__.bytes"}
    else:
        assert loaded.value == pickle.loads(data) == load_fast(data).value == value


@pytest.mark.parametrize("protocol", range(6))
def test_objects_become_calls_with_the_globals_that_pickletools_sees(protocol: int):
    value = collections.OrderedDict(a=Path("x/y"), b=collections.Counter("aab"), c=complex(1, 2), d={1, 2})
    data = pickle.dumps(value, protocol)
    loaded = load(data)
    entries = as_mapping(loaded.value)
    assert entries is not None
    assert list(entries) == ["a", "b", "c", "d"]
    if protocol < 4:
        named = {arg.replace(" ", ".") for op, arg, _ in pickletools.genops(data) if op.name == "GLOBAL"}
        assert set(loaded.refers_to) == named
    assert "collections.OrderedDict" in loaded.refers_to
    assert isinstance(plain_tree(loaded.value), dict)


class Evil:
    def __reduce__(self) -> Any:
        import os

        return os.system, ("touch /tmp/should-never-appear",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_payload_is_named_and_does_not_run(protocol: int, tmp_path: Path):
    marker = tmp_path / "marker"

    class Payload:
        def __reduce__(self) -> Any:
            return exec, (f"open({str(marker)!r}, 'w')",)

    loaded = load(pickle.dumps({"w": Payload(), "e": Evil()}, protocol))
    assert not marker.exists()
    assert {name.rpartition(".")[2] for name in loaded.refers_to} == {"exec", "system"}
    call = loaded.value["w"]
    assert isinstance(call, Call)
    assert isinstance(call.callee, Global)


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


PAYLOADS = {
    "REDUCE": b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.",
    "INST": b"(S'id'\niposix\nsystem\n.",
    "OBJ": b"(cposix\nsystem\nS'id'\no.",
    "NEWOBJ": b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85\x81.",
    "NEWOBJ_EX": b"\x80\x04" + short("posix") + short("system") + b"\x93" + short("id") + b"\x85}\x92.",
    "STACK_GLOBAL from memo": b"\x80\x04" + short("posix") + b"\x94" + short("system") + b"\x94h\x00h\x01\x93" + short("id") + b"\x85R.",
    "BUILD": b"\x80\x02c__main__\nX\n)\x81}X\x0c\x00\x00\x00__setstate__cposix\nsystem\nsX\x02\x00\x00\x00id\x85b.",
    "BUILD on a global": b"\x80\x02cposix\nsystem\n}X\x01\x00\x00\x00aK\x01sb.",
    "nested": b"\x80\x02ctorch\nload\ncpathlib\nPath\nX\x01\x00\x00\x00x\x85R\x85Rcposix\nsystem\n.",
}  # fmt: skip


@pytest.mark.parametrize("data", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_every_way_to_call(data: bytes):
    assert "posix.system" in load(data).refers_to


def test_extensions_are_named():
    assert load(b"\x80\x02\x82\x05.").refers_to == ("copyreg.extension 5",)


def test_a_payload_before_a_cut_is_still_named():
    with pytest.raises(BadPickle) as refused:
        load(PAYLOADS["REDUCE"][:-1])
    assert refused.value.cut
    assert refused.value.refers_to == ("posix.system",)


def test_every_prefix_is_refused_as_cut_or_damaged():
    data = pickle.dumps({"a": [1, 2.5, "x" * 300, 2**80], "b": Evil()}, 4)
    for length in range(len(data)):
        with pytest.raises(BadPickle):
            load(data[:length])


def doubled(times: int) -> bytes:
    """A list of twice the list before, `times` over: 2**times leaves in a few bytes."""
    return b"\x80\x02]" + b"".join(b"q\x00]h\x00ah\x00a" for _ in range(times)) + b"."


BOMBS = {
    "no opcode": b"\x80\x02\xff.",
    "from the future": b"\x80\x09.",
    "BINBYTES8 2**60": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".",
    "BINUNICODE8 2**63": b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b".",
    "LONG4 2**31": b"\x80\x02\x8b" + struct.pack("<I", 2**31) + b".",
    "a mark missing": b"\x80\x02t.",
    "an empty stack": b"\x80\x02.",
    "memo never put": b"\x80\x02h\x07.",
    "SETITEMS on a number": b"\x80\x02K\x01(K\x01K\x02u.",
    "odd SETITEMS": b"\x80\x02}(K\x01u.",
    "a line without end": b"c" + b"x" * 200_000,
    "many opcodes": b"\x80\x02" + b"N0" * 1_600_000 + b".",
    "a stack without end": b"\x80\x02" + b"}" * 1_500_000 + b".",
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused(data: bytes):
    with pytest.raises(BadPickle) as refused:
        load(data)
    assert refused.value.hint


HARMLESS = {
    "exponential": doubled(60),
    "memo at 2**32-1": b"\x80\x02}r\xff\xff\xff\xff.",
    "contains itself": b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
    "a list in itself": b"\x80\x02]q\x00h\x00a.",
    "a key that is a list": b"\x80\x02}]K\x01s.",
    "a deep tuple as key": b"\x80\x02}K\x01" + b"\x85" * 100_000 + b"K\x01s.",
    "a wide shared key": b"\x80\x02}K\x01" + b"q\x00h\x00\x86" * 60 + b"K\x01s.",
    "deep": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "LONG of 1 MB": b"\x80\x02\x8b" + struct.pack("<I", 1_000_000) + b"\x7f" * 1_000_000 + b".",
    "LONG1 negative": b"\x80\x02\x8a\x01\xff.",
    "digits": b"I" + b"9" * 3000 + b"\n.",
}


@pytest.mark.parametrize("data", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_looks_like_a_bomb_is_data_and_shows_in_bounds(data: bytes):
    value = load(data).value
    assert len(json.dumps(plain_tree(value))) < 2_000_000


def test_building_on_something_shared_changes_nothing_for_later_loads():
    load(b"\x80\x02ctorch\nSize\n}X\x01\x00\x00\x00aK\x01sb.")
    load_both = (load, load_fast)
    for engine in load_both:
        assert plain_tree(engine(b"\x80\x02ctorch\nSize\nK\x01K\x02\x86\x85R.").value) == [1, 2]


@pytest.mark.parametrize("data", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_the_fast_engine_calls_nothing_either(data: bytes, capfd: pytest.CaptureFixture[str]):
    with suppress(BadPickle):
        assert "posix.system" in load_fast(data).refers_to
    out, err = capfd.readouterr()
    assert "uid=" not in out + err


def test_both_engines_give_one_digest():
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    from torch.distributed.checkpoint import metadata as theirs
    from torch.distributed.checkpoint.filesystem import _StorageInfo

    size = torch.Size
    described: dict[str, Any] = {"step": theirs.BytesStorageMetadata()}
    stored: dict[Any, Any] = {theirs.MetadataIndex("step"): _StorageInfo("__0_0.distcp", 0, 900)}
    for index, dtype in enumerate((torch.float32, torch.bfloat16, torch.int64, torch.float8_e4m3fn)):
        name = f"layers.{index}.weight"
        chunks = [theirs.ChunkStorageMetadata(size([rank * 4, 0]), size([4, 3])) for rank in range(3)]
        properties = theirs.TensorProperties(dtype=dtype)
        described[name] = theirs.TensorStorageMetadata(properties, size([12, 3]), chunks)
        for rank in range(3):
            at = theirs.MetadataIndex(name, size([rank * 4, 0]), rank)
            stored[at] = _StorageInfo(f"__{rank}_0.distcp", index * 100, 100)
    for protocol in (2, 4, 5):
        data = pickle.dumps(theirs.Metadata(described, None, stored), protocol)
        careful, fast = dcp.digest(load(data)), dcp.digest(load_fast(data))
        assert careful == fast
        assert careful == dcp.Digest.from_json(json.loads(json.dumps(careful.to_json())))
        assert [t[1:4] for t in careful.tensors] == [
            (d, (12, 3), 3) for d in ("F32", "BF16", "I64", "F8_E4M3")
        ]
        assert careful.files == ("__0_0.distcp", "__1_0.distcp", "__2_0.distcp")
        assert careful.scalars == (("step", "__0_0.distcp", 0, 900),)
        assert not careful.warnings
