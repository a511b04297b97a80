"""What is said of the selected curve, and finding names by their letters."""

from dataclasses import replace

import pytest
from textual.fuzzy import FuzzySearch

from explorer.metrics import Best, Comparison, Parted
from explorer.tui.charts.signs import ASCII, UNICODE
from explorer.tui.screens.compare.telling import told
from explorer.tui.screens.pick import find
from explorer.tui.theme import DARK, Palette, missing_colours
from tests.tui.charts.curves import CHILD, PARENT

PALETTE = Palette({**DARK.to_color_system().generate(), **missing_colours(DARK), **DARK.variables})
FORK = replace(
    CHILD,
    overrides=(("lr", 1e-4),),
    best=Best(40.0, 1.5, True),
    mean_delta=-2.0,
    parted=Parted(50.0, 60.0, 72.0),
)


def said(curve, width=300, signs=UNICODE, baseline="parent"):
    comparison = Comparison("loss", "step", (PARENT, curve), baseline=baseline)
    return "".join(text for text, _ in told(comparison, curve, 1, width, signs, PALETTE))


def test_the_three_answers_the_best_and_the_difference():
    assert said(FORK) == (
        " b fork  lr 0.0001  forked at 50 · bit-identical to 60 · clearly apart from 72"
        " · best 1.5000 at step 40, inherited · −5.000 to its parent, −2.000 on average"
    )


@pytest.mark.parametrize(
    ("parted", "fact"),
    [
        (Parted(50.0, 50.0, None), "differs from its first step · nowhere clearly apart"),
        (Parted(50.0, None, None), "no step in common with its parent since"),
    ],
)
def test_where_it_parted_in_other_cases(parted, fact):
    assert fact in said(replace(FORK, parted=parted))


def test_a_guess_is_said_to_be_one_and_a_baseline_is_named():
    assert "forked at 50 (a guess)" in said(replace(FORK, inferred=True))
    assert "−5.000 to main" in said(FORK, baseline="main")


def test_facts_that_do_not_fit_are_left_out_whole():
    whole = said(FORK)
    for width in range(40, len(whole) + 1):
        some = said(FORK, width)
        assert len(some) <= width
        assert whole == some or whole[len(some) :].startswith(" · ") or whole.startswith(some)
    assert said(FORK, signs=ASCII).isascii()


NAMES = ("loss", "val_loss", "val_accuracy", "eval/loss", "lr", "grad_norm")


@pytest.mark.parametrize(
    ("typed", "first"),
    [("loss", "loss"), ("vl", "val_loss"), ("acc", "val_accuracy"), ("gn", "grad_norm"), ("LR", "lr")],
)
def test_a_few_letters_find_a_name(typed, first):
    found = find(NAMES, typed, FuzzySearch())
    assert found[0].name == first
    assert [first[at].lower() for at in found[0].letters] == list(typed.lower())


def test_no_letters_find_all_and_strange_ones_none():
    assert [f.name for f in find(NAMES, "", FuzzySearch())] == list(NAMES)
    assert find(NAMES, "xyz", FuzzySearch()) == []
