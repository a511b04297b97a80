"""Rows of equal layers share one."""

from __future__ import annotations

from explorer.checkpoints.folding import Row, fold


def shown(*names: str, a: str = "BF16", b: str = "F8_E4M3") -> list[tuple[str, int]]:
    return [(row.name, row.count) for row in fold(Row("~", name, a, b) for name in names)]


def test_a_stack_of_layers():
    names = [f"layers.{i}.mlp.weight" for i in range(32)] + ["embed.weight"]
    assert shown(*names) == [("layers.0-31.mlp.weight", 32), ("embed.weight", 1)]


def test_gaps_are_told():
    assert shown(*(f"h.{i}.w" for i in (0, 1, 2, 5, 9, 10))) == [("h.0-2,5,9-10.w", 6)]
    ((name, count),) = shown(*(f"h.{i}.w" for i in range(0, 40, 2)))
    assert name.endswith(",….w")
    assert count == 20


def test_experts_in_layers_fold_twice_where_they_are_a_full_block():
    assert shown(*(f"layers.{i}.experts.{j}.w" for i in range(3) for j in range(4))) == [
        ("layers.0-2.experts.0-3.w", 12)
    ]
    ragged = [f"layers.{i}.experts.{j}.w" for i in range(2) for j in range(3 + i)]
    assert shown(*ragged) == [("layers.0.experts.0-2.w", 3), ("layers.1.experts.0-3.w", 4)]


def test_numbers_inside_of_words_are_names():
    assert shown("conv1.weight", "conv2.weight") == [("conv1.weight", 1), ("conv2.weight", 1)]


def test_different_changes_do_not_fold():
    rows = [
        Row("~", "h.0.w", "F32[2]", "F16[2]"),
        Row("~", "h.1.w", "F32[3]", "F16[3]"),
        Row("+", "h.2.w", "", "F16[3]"),
    ]
    assert fold(rows) == tuple(rows)


def test_renames_fold_with_both_names():
    rows = [Row("→", f"model.h.{i}.w", f"h.{i}.w", "renamed (wrapper)") for i in range(3)]
    assert fold(rows) == (Row("→", "model.h.0-2.w", "h.0-2.w", "renamed (wrapper)", 3),)
    assert fold(rows[:1]) == tuple(rows[:1])
