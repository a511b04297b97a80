"""A diff to walk through: what is in it, what is left out until it is asked for, what folded rows stand for."""

from __future__ import annotations

from dataclasses import replace

from explorer.checkpoints import Checkpoint, Manifest, Side, Tensor, diff
from explorer.checkpoints.fork_diff import three_way
from explorer.checkpoints.outline import TensorRow, kind_of, members, outline, three_way_outline
from explorer.lineage.values import ObjectInfo


def side(label: str, tensors: list[Tensor], etags: dict[str, str], **config: object) -> Side:
    objects = tuple(ObjectInfo(f"step-1/{file}", 100, etag, 0) for file, etag in etags.items())
    checkpoint = Checkpoint("step-1/", "safetensors", 1, objects)
    state = {"step": 1, "lr": config.get("lr", 0.1)}
    return Side(label, objects, checkpoint, Manifest(checkpoint, 1, tuple(tensors), config, state))


def layers(file: str, count: int = 4, dtype: str = "F32", shape: tuple[int, ...] = (2, 3)) -> list[Tensor]:
    return [Tensor(f"layers.{at}.w", dtype, shape, 24, file, 24 * at) for at in range(count)]


def sections(*args, **more):
    return {section.title: section for section in outline(*args, **more)}


def test_tensors_with_equal_headers_are_there_to_be_chosen():
    shared = [Tensor("embed", "F32", (4,), 16, "shared.safetensors", 0)]
    a = side("a", layers("m.safetensors") + shared, {"m.safetensors": "x", "shared.safetensors": "s"})
    b = side("b", layers("m.safetensors") + shared, {"m.safetensors": "y", "shared.safetensors": "s"})
    (row,) = sections(diff(a, b))["tensors"].rows
    assert (row.name, row.count, kind_of(row)) == ("layers.0-3.w", 4, "unread")
    assert [member.key for member in members(row)] == [("model", f"layers.{at}.w") for at in range(4)]
    everything = sections(diff(a, b), unchanged=True)["tensors"].rows
    assert [(kind_of(row), row.name) for row in everything] == [("unread", "layers.0-3.w"), ("same", "embed")]


def test_what_has_happened_to_a_tensor_is_a_kind():
    files = {"m.safetensors": "x", "n.safetensors": "x2"}
    a = side("a", [
        Tensor("gone", "F32", (2,), 8, "m.safetensors", 0),
        Tensor("wide", "F32", (2,), 8, "m.safetensors", 8),
        Tensor("both", "F32", (2,), 8, "m.safetensors", 16),
        Tensor("typed", "F32", (2,), 8, "m.safetensors", 24),
        Tensor("away", "F32", (5,), 20, "m.safetensors", 32),
        Tensor("stays", "F32", (7,), 28, "n.safetensors", 0),
        Tensor("module.inner", "F32", (9, 9), 324, "m.safetensors", 60),
    ], files)  # fmt: skip
    b = side("b", [
        Tensor("new", "F32", (3,), 12, "m.safetensors", 0),
        Tensor("wide", "F32", (3,), 12, "m.safetensors", 12),
        Tensor("both", "BF16", (3,), 6, "m.safetensors", 24),
        Tensor("typed", "BF16", (2,), 4, "m.safetensors", 30),
        Tensor("away", "F32", (5,), 20, "n.safetensors", 28),
        Tensor("stays", "F32", (7,), 28, "n.safetensors", 0),
        Tensor("inner", "F32", (9, 9), 324, "m.safetensors", 60),
    ], {**files, "m.safetensors": "y"})  # fmt: skip
    found = sections(diff(a, b), unchanged=True)["tensors"].rows
    assert {row.name: kind_of(row) for row in found} == {
        "new": "added", "gone": "removed", "inner": "renamed", "wide": "reshaped", "both": "reshaped",
        "typed": "retyped", "away": "moved", "stays": "same",
    }  # fmt: skip
    keys = {row.name: row.key for row in found if isinstance(row, TensorRow)}
    assert keys["new"] is None
    assert keys["gone"] is None
    assert keys["inner"] == ("model", "inner")


def test_the_summary_comes_first_and_unchanged_values_on_request():
    a = side("a", layers("m"), {"m": "x", "notes.txt": "n"}, lr=0.1, depth=4)
    b = side("b", layers("m"), {"m": "y", "notes.txt": "n"}, lr=0.2, depth=4)
    told = outline(diff(a, b))
    assert told[0].title == "summary"
    assert told[0].rows[0].name == "checkpoint"
    assert "depth" not in [row.name for row in sections(diff(a, b))["config"].rows]
    everything = sections(diff(a, b), unchanged=True)
    assert [(row.mark, row.name) for row in everything["config"].rows] == [("~", "lr"), ("=", "depth")]
    assert [(row.mark, row.name) for row in everything["state"].rows] == [("~", "lr"), ("=", "step")]
    assert ("=", "step-1/notes.txt") in [(row.mark, row.name) for row in everything["objects"].rows]


def test_nothing_that_differs_is_a_summary_and_on_request_all_of_it():
    one = side("a", layers("m"), {"m": "x"}, lr=0.1)
    told = sections(diff(one, replace(one, label="b")))
    assert list(told) == ["summary"]
    assert told["summary"].note == "no difference"
    assert {"config", "state", "tensors", "objects"} <= set(
        sections(diff(one, replace(one, label="b")), unchanged=True)
    )


def test_three_places_are_told_apart():
    base = side("base", layers("m"), {"m": "x"}, lr=0.1)
    fork = side("fork", layers("m"), {"m": "y"}, lr=0.2)
    parent = side("parent", layers("m", 5), {"m": "z"}, lr=0.3)
    told = three_way_outline(three_way(base, fork, parent))
    titles = [section.title for section in told]
    assert titles[0] == "both"
    assert {(row.name, row.a, row.b) for row in told[0].rows} == {("lr", "fork 0.2", "parent 0.3")}
    assert titles.index("fork: config") < titles.index("parent: summary")


def test_many_objects_are_a_row_for_each_folder_and_kind_of_change():
    etags = {f"data/{at:05}": "old" for at in range(10_000)}
    a = side("a", layers("m"), {"m": "x", **etags, "notes": "1"})
    b = side("b", layers("m"), {"m": "y", **dict.fromkeys(etags, "new"), "notes": "2"})
    rows = sections(diff(a, b))["objects"].rows
    assert [(row.mark, row.name, row.count) for row in rows] == [
        ("~", "step-1/data/", 10_000),
        ("~", "step-1/m", 1),
        ("~", "step-1/notes", 1),
    ]
    assert (rows[0].a, rows[0].b) == ("1.0 MB", "1.0 MB")
    assert rows[0].rows[3].name == "step-1/data/00003"
