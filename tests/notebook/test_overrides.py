import pytest

from explorer.errors import BadInput
from explorer.notebook.overrides import UnknownOverride, check, names_in, parse

KNOWN = names_in({"lr": 1, "optimizer.betas": 2, "weight_decay": 0})


def test_a_slip_says_what_to_check():
    with pytest.raises(UnknownOverride) as caught:
        check({"weight_deacy": 0.1}, KNOWN)
    assert isinstance(caught.value, TypeError)
    assert "did you mean `weight_decay`?" in caught.value.hint
    assert "overrides={'weight_deacy': …}" in caught.value.hint


def test_a_slip_of_an_argument_is_found_too():
    with pytest.raises(UnknownOverride) as caught:
        check({"tempalte": "train"}, KNOWN)
    assert "`template`" in caught.value.hint


def test_the_last_part_of_a_path_will_do():
    assert check({"betas": 0.9, "optimizer.betas": 0.8}, KNOWN) == (("betas", 0.9), ("optimizer.betas", 0.8))


def test_where_nothing_is_known_everything_is_taken():
    assert check({"anything": None}, ()) == (("anything", None),)


def test_numbers_of_numpy_become_plain():
    import numpy as np

    told = dict(check({"lr": np.float32(0.5), "seed": np.int64(7)}, ()))
    assert {name: (type(value), value) for name, value in told.items()} == {
        "lr": (float, 0.5),
        "seed": (int, 7),
    }


@pytest.mark.parametrize("value", [[1e-4, 3e-5], {"a": 1}, object()])
def test_what_is_no_single_value_is_refused(value):
    with pytest.raises(BadInput) as caught:
        check({"lr": value}, ())
    assert "sweep" in caught.value.hint


def test_typed_changes():
    assert parse("lr=3e-5, seed=7 name='a b' on=true") == {"lr": 3e-5, "seed": 7, "name": "a b", "on": True}
    assert parse("") == {}


@pytest.mark.parametrize("text", ["lr", "=3", "a='b"])
def test_typed_nonsense_says_how_to_write_it(text):
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert "lr=3e-5" in caught.value.hint
