import random

import pytest

from explorer.metrics import csv_rows
from explorer.metrics.csv_rows import read_csv
from explorer.metrics.parsed import Whole


def read(text):
    return read_csv(text.encode() if isinstance(text, str) else text, Whole("m.csv"))


def test_sparse_rows_of_train_and_validation():
    reading = read("epoch,loss,step,val_loss\n0,1.5,0,\n0,1.25,1,\n0,,1,2.0\n")
    (part,) = reading.parts()
    assert list(part.series["loss"].values) == [1.5, 1.25]
    assert list(part.series["val_loss"].steps) == [1]
    assert reading.troubles == ()


def test_a_step_that_falls_back_is_another_process_and_a_second_header_is_none():
    reading = read("step,loss\n1,3\n2,2\nstep,loss\n1,9\n2,8\n")
    assert [list(p.series["loss"].values) for p in reading.parts()] == [[3, 2], [9, 8]]
    assert reading.troubles == ()


def test_odd_lines_are_told_with_their_offset_and_good_ones_kept():
    reading = read("\ufeffStep,loss,loss,note\n1,1.0,2.0,x\nfive,1,1,\n-1,1,1,\n2,3\n3,nan,0,\n4,1")
    (part,) = reading.parts()
    assert list(part.series["loss"].steps) == [1, 3]
    told = {t.message: t for t in reading.troubles}
    assert told["two columns named loss: the first one counts"]
    assert told["a row whose step is no step"].count == 2
    assert told["a row of 2 cells under a header of 4"].offset > 0
    assert read("a,b\n1,2\n").troubles[0].message == "no step column"
    assert read("").parts() == ()


@pytest.mark.parametrize("odd", ["", "77,nan,1\n", "oops,1,1\n", "5,1,1\n", "8,1\n", "9,1e400,\n"])
def test_a_large_file_says_the_same_as_its_rows(odd, monkeypatch):
    rng = random.Random(0)
    lines = [f"{i},{rng.random()!r},{'' if i % 3 else rng.random()}\n" for i in range(400)]
    lines.insert(200, odd)
    text = "step,loss,val_loss\n" + "".join(lines)
    slow = read(text)
    monkeypatch.setattr(csv_rows, "_FAST_FROM_BYTES", 1)
    fast = read(text)
    assert str(fast.parts()) == str(slow.parts())
    assert fast.troubles == slow.troubles
