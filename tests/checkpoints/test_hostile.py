"""Files that were made to break readers: nothing is executed, nothing crashes, nothing goes unnoticed."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.checkpoints import drive, find_checkpoints, read_parts
from tests.checkpoints.fuzz_samples import every_sample
from tests.checkpoints.mutations import read_all, state_dict, torch_zip, watched
from tests.checkpoints.shelf import Shelf, safetensors_of, tensor


def damage_of(data: bytes, key: str = "model.pt") -> str:
    found = Shelf({key: data}).manifest()
    assert not found.complete
    assert not found.tensors
    return found.damaged[0]


EVERY_SAMPLE = every_sample()


@pytest.mark.parametrize("name", EVERY_SAMPLE)
def test_the_samples_themselves_are_sound(name: str):
    shelf = Shelf({f"step-5/{key}": sample.whole for key, sample in EVERY_SAMPLE.items()})
    owner = next(
        c for c in find_checkpoints(shelf.listing()) if f"step-5/{name}" in {i.key for i in c.objects}
    )
    (part,) = [p for p in drive(read_parts(owner), shelf.fetch) if p.file == name] or [None]
    if part is None:  # nothing is read of it but by another file
        assert name.endswith(("/d/1", "zarr/0.0", "zarr/0.1", "cut/c/0"))
    else:
        assert part.damage is None
        assert not part.warnings
        assert part.tensors or part.config or part.state or part.placed


@pytest.mark.parametrize("seed", range(60))
def test_spoilt_files_execute_nothing_and_crash_nothing(seed: int):
    chance = random.Random(seed)
    for _ in range(10):
        chosen = chance.sample(sorted(EVERY_SAMPLE), 10)
        broken = {key: EVERY_SAMPLE[key].spoilt(chance) for key in chosen}
        with watched() as events:
            read_all(broken)
        assert events == []


def test_the_watch_does_see():
    with watched() as events:
        pickle.loads(b"cbuiltins\nlen\n.")
    assert events


def payload() -> bytes:
    return b"\x80\x02cposix\nsystem\nX\x0a\x00\x00\x00touch /tmp\x85R."


def test_a_zip_with_two_pickles():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", state_dict("w"))
        archive.writestr("b/data.pkl", payload())
    assert "2 files called data.pkl" in damage_of(buffer.getvalue())


def test_a_zip_whose_headers_disagree():
    data = torch_zip(state_dict("w"), {"0": bytes(16)})
    renamed = data.replace(b"archive/data.pkl", b"archive/evil.pkl", 1)
    assert "another name in its own header" in damage_of(renamed)
    at = data.index(b"PK\x03\x04")
    resized = data[: at + 18] + struct.pack("<II", 7, 7) + data[at + 26 :]
    assert "contradicts the directory" in damage_of(resized)
    encrypted = bytearray(data)
    encrypted[at + 6] |= 1
    assert "contradicts the directory" in damage_of(bytes(encrypted))
    flagged = bytearray(data)
    flagged[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in damage_of(bytes(flagged))


def test_a_zip_with_a_wrong_checksum():
    data = torch_zip(state_dict("weight"), {"0": bytes(16)})
    at = data.index(b"weight")
    assert "CRC" in damage_of(data[:at] + b"W" + data[at + 1 :])


def test_a_zip_that_unpacks_a_thousandfold():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"N0" * 40_000_000 + b".")
    tracemalloc.start()
    assert "at most" in damage_of(buffer.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()


def test_a_zip_that_says_less_than_it_unpacks():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"N0" * 100_000 + b".")
    data = bytearray(buffer.getvalue())
    for magic, field in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(magic)
        data[at + field : at + field + 4] = struct.pack("<I", 100)
    assert "more than it says" in damage_of(bytes(data))


def test_a_zip_with_offsets_beyond_everything():
    data = bytearray(torch_zip(state_dict("w"), {"0": bytes(16)}))
    at = data.rindex(b"PK\x05\x06")
    data[at + 16 : at + 20] = struct.pack("<I", 2**31)
    assert "its directory is said to lie at" in damage_of(bytes(data))
    end64 = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 46, 2**63)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, at, 1)
    full = bytes(data[:at]) + end64 + locator + bytes(data[at:])
    assert "its directory is said to lie at 9223372036854775808" in damage_of(full)


def test_a_zip_with_a_second_end_in_its_comment():
    inner = torch_zip(payload(), {})
    data = bytearray(torch_zip(state_dict("w"), {"0": bytes(16)}))
    fake = inner[inner.rindex(b"PK\x05\x06") :]
    data[-2:] = struct.pack("<H", len(fake))
    assert "two end records" in damage_of(bytes(data) + fake)


def test_a_zip_without_the_bytes_of_a_tensor():
    found = Shelf({"model.pt": torch_zip(state_dict("w"), {"0": bytes(4)})}).manifest()
    assert "not all in the file" in found.warnings[0]


def test_a_polyglot_is_neither():
    both = save({"w": np.zeros(4, np.float32)}) + torch_zip(payload(), {})
    assert "follow the last tensor" in damage_of(both, "model.safetensors")
    assert "follow the last tensor" in damage_of(both, "model.pt")


def test_a_pickle_under_the_name_of_safetensors():
    assert "not a safetensors file" in damage_of(payload(), "model.safetensors")


def test_globals_of_a_refused_pickle_are_reported():
    found = Shelf({"model.pt": torch_zip(payload()[:-1], {})}).manifest()
    assert found.refers_to == ("posix.system",)
    assert found.damaged


def test_sharded_metadata_that_leads_elsewhere_or_covers_nothing():
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    from torch.distributed.checkpoint import metadata as theirs
    from torch.distributed.checkpoint.filesystem import _StorageInfo

    size = torch.Size
    properties = theirs.TensorProperties(dtype=torch.float32)
    chunks = [theirs.ChunkStorageMetadata(size([0]), size([4]))]
    described = {
        "w": theirs.TensorStorageMetadata(properties, size([12]), chunks),
        "step": theirs.BytesStorageMetadata(),
    }
    stored = {
        theirs.MetadataIndex("w", size([0]), 0): _StorageInfo("../../other/secret", 0, 16),
        theirs.MetadataIndex("step"): _StorageInfo("../../other/secret", 0, 16),
    }
    shelf = Shelf({
        "ck/.metadata": pickle.dumps(theirs.Metadata(described, None, stored)), "ck/__0_0.distcp": b"x" * 99,
        "other/secret": b"s" * 99,
    })  # fmt: skip
    found = shelf.manifest()
    assert {want.key for wave in shelf.waves for want in wave} == {"ck/.metadata"}
    assert any("do not cover" in warning for warning in found.warnings)
    assert any("leaves the folder" in warning for warning in found.warnings)


def test_sharded_metadata_with_a_payload():
    found = Shelf({"ck/.metadata": payload(), "ck/__0_0.distcp": b"x"}).manifest()
    assert "describes no checkpoint" in found.damaged[0]


def test_a_million_tiny_tensors_are_refused_by_the_length_of_their_header():
    data = struct.pack("<Q", 60_000_000) + b"{"
    assert "60000000" in damage_of(data + b" " * 1000, "model.safetensors")


def test_many_tiny_tensors_stay_in_bounds():
    header = {f"layers.{i}.w": tensor("U8", [1], i, i + 1) for i in range(20_000)}
    data = safetensors_of(header, bytes(20_000))
    tracemalloc.start()
    found = Shelf({"model.safetensors": data}).manifest()
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()
    assert found.parameters == 20_000


def test_a_state_of_many_megabytes_is_not_fetched():
    shelf = Shelf(
        {"step-5/trainer_state.json": b" " * 20_000_000, "step-5/model.safetensors": save({"w": np.zeros(1)})}
    )
    found = shelf.manifest()
    assert shelf.read_bytes < 100_000
    assert "is read up to" in found.damaged[0]


def test_names_with_terminal_codes_reach_no_json_raw():
    hostile = "\x1b]0;x\x07\u202e[bold]"
    found = Shelf({"model.safetensors": safetensors_of({hostile: tensor("U8", [1], 0, 1)}, b"x")}).manifest()
    assert found.tensors[0].name == hostile  # values keep the truth, screens print `printable`
    assert json.dumps(found.to_json()).isprintable()


def test_keys_with_every_kind_of_oddity_are_found_and_not_followed():
    keys = [
        "../../x/model.safetensors",
        "/model.safetensors",
        "a//model.safetensors",
        "a/./model.safetensors",
        "\x1b/model.pt",
    ]
    listing = Shelf(dict.fromkeys(keys, b"123456789012")).listing()
    assert {info.key for c in find_checkpoints(listing) for info in c.objects} == set(keys)
