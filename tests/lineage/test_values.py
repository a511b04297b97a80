import pytest

from explorer.lineage.values import Snapshot, parse_scalar, show_overrides, show_scalar, step_in


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step-100", 100),
        ("step-000100", 100),
        ("checkpoint-500", 500),
        ("global_step1200", 1200),
        ("checkpoints/step-000040/", 40),
        ("epoch-3", None),
        ("stepping-stone", None),
        ("footstep-5", None),
        ("before step 7", None),
        ("iter_0000200", 200),
    ],
)
def test_steps_in_names(name, step):
    assert step_in(name) == step


def test_a_snapshot_tells_its_step_and_time():
    snapshot = Snapshot("b", "1751631910140685342", "step-7")
    assert (snapshot.step, snapshot.created_ns) == (7, 1751631910140685342)
    assert Snapshot("b", "17").step is None


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("1e-4", 1e-4, "0.0001"),
        ("3e-5", 3e-5, "3e-5"),
        ("256", 256, "256"),
        ("true", True, "true"),
        ("null", None, "null"),
        ("cosine", "cosine", "cosine"),
        ("1_000", 1000, "1000"),
        ("0.1", 0.1, "0.1"),
        ("1e+20", 1e20, "1e20"),
    ],
)
def test_scalars_as_typed_and_as_shown(text, value, shown):
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)
    assert show_scalar(value) == shown


def test_overrides_in_one_line():
    assert show_overrides((("lr", 3e-5), ("seed", 7))) == "lr 3e-5  seed 7"
