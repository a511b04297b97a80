import pytest

from explorer.errors import BadInput
from explorer.notebook.look import Look, arguments, changed


def test_what_is_set_is_written_and_what_is_usual_is_not():
    look = changed(Look(), {"metric": ["loss", "acc"], "smoothing": 0.9, "hidden": ["b", "a"], "lost": True})
    assert arguments(look) == "metric=['loss', 'acc'], smoothing=0.9, lost=True, hidden=['a', 'b']"
    assert arguments(Look()) == ""


@pytest.mark.parametrize(
    "told",
    [
        {"metric": "loss"},
        {"x": "tokens", "log_x": True},
        {"hidden": {"a"}, "filter": "lr>1", "sort": "-best"},
    ],
)
def test_what_is_written_makes_the_same_look(told):
    look = changed(Look(), told)
    assert changed(Look(), eval(f"dict({arguments(look)})")) == look


def test_none_is_the_usual():
    assert changed(Look(smoothing=0.5, colour_by="lr"), {"smoothing": None, "colour_by": None}) == Look()


@pytest.mark.parametrize(
    "told",
    [
        {"smoothing": 1}, {"smoothing": -0.1}, {"smoothing": "0.9"}, {"smoothing": True}, {"smoothing": float("nan")},
        {"log_y": 1}, {"x": 3}, {"metric": [1]}, {"metric": 7}, {"metric": list("abcdefg")}, {"smooting": 0.5},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_hint(told):
    with pytest.raises(BadInput) as caught:
        changed(Look(), told)
    assert caught.value.hint
