"""YAML as trainers write it, against PyYAML; what is beyond it is refused and grows nothing."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.checkpoints.yamls import parse_yaml
from explorer.errors import BadCheckpoint
from tests.checkpoints.mutations import watched
from tests.checkpoints.shelf import Shelf

HYDRA = b"""# written by Hydra
defaults:
  - _self_
  - optimizer: adamw     # a comment
model:
  hidden: [1024, 512]
  dropout: 0.1
  act: 'gelu'
  path: "C:\\\\data\\tx"
  notes: a long text that the dumper
    folds over two lines
  block: |-
    one
      two
  empty: {}
  nothing:
  none: null
optimizer: {lr: 1e-3, betas: [0.9, 0.95], name: adamw}
items:
- a: 1
  b: yes
- - x
  - -3
- last
seed: 0x1f
big: 12345678901234567890
date: 2026-11-24
url: http://host:80/x#y
"""


def value(text: bytes) -> object:
    return parse_yaml(text, "f.yaml")[0]


def test_what_people_write():
    assert value(HYDRA) == {
        "defaults": ["_self_", {"optimizer": "adamw"}],
        "model": {
            "hidden": [1024, 512], "dropout": 0.1, "act": "gelu", "path": "C:\\data\tx",
            "notes": "a long text that the dumper folds over two lines", "block": "one\n  two", "empty": {},
            "nothing": None, "none": None,
        },
        "optimizer": {"lr": 1e-3, "betas": [0.9, 0.95], "name": "adamw"},
        "items": [{"a": 1, "b": True}, ["x", -3], "last"],
        "seed": 31, "big": 12345678901234567890, "date": "2026-11-24", "url": "http://host:80/x#y",
    }  # fmt: skip


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False), st.text(max_size=20),
    st.text("ab :#-,[]{}'\"\\\n&*!|>%@`?~.0e", max_size=12), st.text("word ", min_size=60, max_size=200),
)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc_-. :0'", min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(trees, st.sampled_from([False, None]))
def test_what_pyyaml_dumps_is_read_alike(tree: object, style: bool | None):
    text = yaml.safe_dump(tree, default_flow_style=style, allow_unicode=True, sort_keys=False)
    with suppress(UnicodeEncodeError):  # a lone surrogate
        assert alike(value(text.encode()), yaml.safe_load(text)), text


def alike(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return [*a] == [str(k) for k in b] and all(
            alike(x, y) for x, y in zip(a.values(), b.values(), strict=True)
        )
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and a == b


def test_tags_are_reported_and_nothing_is_built():
    text = b"run: !!python/object/apply:os.system ['id']\npath: !!python/object:pathlib.PosixPath\n  parts: [a]\n"
    with watched() as events:
        found = Shelf({"step-1/hparams.yaml": text, "step-1/model.pt": b"x"}).manifest()
    assert events == []
    assert found.refers_to == ("python/object/apply:os.system", "python/object:pathlib.PosixPath")
    assert found.config["run"] == ("id",)


def test_aliases_do_not_grow():
    lines = [b"a0: &a0 [x, x]"] + [
        b"a%d: &a%d [*a%d, *a%d, *a%d]" % (i, i, i - 1, i - 1, i - 1) for i in range(1, 60)
    ]
    found = value(b"\n".join(lines))
    assert isinstance(found, dict)
    assert found["a59"] == ["*a58", "*a58", "*a58"]


@pytest.mark.parametrize(
    "text",
    [
        b"a: [" * 20_000,
        b"- " * 50_000,
        b"a: 'x",
        b"a: 1\n   b: 2",
        b"\ta: 1",
        b"a: 1\n---\nb: 2",
        b"? [x]\n: y",
        b"a: \x01",
        b"\xff\xfe",
    ],
)
def test_what_no_trainer_writes_is_refused(text: bytes):
    with pytest.raises(BadCheckpoint):
        value(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", [b"a" + b" " * 200_000, b"a: " + b"x " * 100_000, b"[" + b"a:" * 90_000, b"a:\n" * 60_000]
)
def test_long_lines_are_read_once(text: bytes):
    with suppress(BadCheckpoint):  # a pattern that goes back over them would take minutes
        value(text)
