from hypothesis import given
from hypothesis import strategies as st

from explorer.lineage.address import check_bucket_name
from explorer.workspace.naming import propose


def test_names_number_on_in_the_family():
    assert propose("spiral-base", (), {"spiral-base"}) == "spiral-base-f1"
    assert propose("spiral-base-f1", (), {"spiral-base", "spiral-base-f1"}) == "spiral-base-f2"


def test_names_say_what_a_fork_changes():
    assert propose("base", (("lr", 3e-5),), {"base"}) == "base-lr-3e-5"
    assert propose("base", (("lr", 3e-5),), {"base", "base-lr-3e-5"}) == "base-lr-3e-5-f1"
    assert (
        propose("base", (("optim.weight_decay", 0.1), ("seed", 7)), set()) == "base-weight-decay-0.1-seed-7"
    )


def test_points_in_a_row_are_no_bucket_name():
    assert propose("base", (("0..0", "1...2"),), set()) == "base-0-0-1-2"


names = st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True)
values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)


words = st.text(min_size=1, max_size=30) | st.text("a0.-_/", min_size=1, max_size=30)


@given(names, st.lists(st.tuples(words, values | words), max_size=4), st.sets(names))
def test_a_proposed_name_is_free_and_one_that_s3_takes(source, overrides, taken):
    name = propose(source, tuple(overrides), taken)
    assert name not in taken
    check_bucket_name(name)
