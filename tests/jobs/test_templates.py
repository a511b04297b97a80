"""Templates: values stay data, whatever they look like, and what cannot be meant is refused with a hint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import BadInput, NotFound
from explorer.jobs.choosing import choose_template
from explorer.jobs.record import Command, Record
from explorer.jobs.status import write_json
from explorer.jobs.templates import HOLES, Template, read_template, recorded_template

VALUES = dict.fromkeys(HOLES, "") | {"bucket": "b-1", "run": "r1", "python": "py"}


def write(folder: Path, text: str, name: str = "train") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_overrides_become_whole_elements(tmp_path: Path) -> None:
    text = '[job]\nargv = ["python", "t.py", "--out={bucket}", "{overrides...}", "{{x}}"]\noverrides = "%s"\n'
    overrides = (("lr", 3e-05), ("name", "a b; rm -rf /"), ("amp", True))
    hydra = read_template(write(tmp_path, text % "hydra")).command(VALUES, overrides)
    assert hydra == ("python", "t.py", "--out=b-1", "lr=3e-05", "name=a b; rm -rf /", "amp=true", "{x}")
    flags = read_template(write(tmp_path, text % "flags")).command(VALUES, overrides)
    assert flags[3:7] == ("--lr", "3e-05", "--name", "a b; rm -rf /")
    quiet = read_template(write(tmp_path, text % "env")).command(VALUES, overrides)
    assert quiet == ("python", "t.py", "--out=b-1", "{x}")


@given(st.text())
def test_a_value_is_never_looked_at_again(value: str) -> None:
    template = Template("t", ("{bucket}", "x{run}y", "{{run}}"))
    assert template.command(VALUES | {"bucket": value, "run": value}, ()) == (value, f"x{value}y", "{run}")


@given(st.lists(st.text(), min_size=1))
def test_a_recorded_command_is_run_as_it_was(argv: list[str]) -> None:
    assert recorded_template(argv, "/", None).command(VALUES, (("lr", 1.0),)) == tuple(argv)


@pytest.mark.parametrize(
    ("text", "said", "hinted"),
    [
        ("[job]\nargv = []", "no command", "argv"),
        ('[job]\nargv = ["sh", "-c", "train {bucket}"]', "shell", "shell = true"),
        ('[job]\nargv = ["env", "bash", "-lc", "x"]', "shell", "shell = true"),
        ('[job]\nargv = ["t", "{buket}"]', "{buket}", "bucket"),
        ('[job]\nargv = ["t", "{"]', "means nothing", "bucket"),
        ('[job]\nargv = "python t.py"', "array", "argv"),
        ('[job]\nargv = ["t"]\noverides = "hydra"', "overides", "overrides"),
        ('[job]\nargv = ["t"]\noverrides = "yaml"', "yaml", "hydra"),
        ('[job]\nargv = ["t"]\n[override_schema]\nlr = "double"', "lr", "float"),
        ("[job\n", "cannot be read", "TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str, hinted: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        read_template(path)
    assert said in str(caught.value)
    assert hinted in caught.value.hint
    assert caught.value.where == str(path)


def test_a_shell_that_was_asked_for_gets_quoted_values(tmp_path: Path) -> None:
    path = write(tmp_path, '[job]\nshell = true\nargv = ["sh", "-c", "train {bucket} | tee log", "{bucket}"]')
    argv = read_template(path).command(VALUES | {"bucket": "x; rm -rf /"}, ())
    assert argv == ("sh", "-c", "train 'x; rm -rf /' | tee log", "x; rm -rf /")


def record(argv: tuple[str, ...]) -> Record:
    return Record("r0", "b-1", None, None, {"lr": 0.1}, (), Command(argv, "/"), "2026-01-01T00:00:00Z")


def test_the_users_template_wins_over_the_built_in_one(tmp_path: Path) -> None:
    trained = record(("python", "-m", "explorer.demo.train"))
    assert choose_template(tmp_path, None, None, ("b-1",), trained).name == "demo"
    write(tmp_path / "templates", '[job]\nargv = ["mine"]\n[match]\nbuckets = ["b-*"]', "mine")
    assert choose_template(tmp_path, None, None, ("fork", "b-1"), trained).name == "mine"
    assert choose_template(tmp_path, None, "demo", ("b-1",), trained).name == "demo"
    write(tmp_path / "chosen", '[job]\nargv = ["theirs"]', "mine")
    assert choose_template(tmp_path, tmp_path / "chosen", "mine", ("b-1",), None).argv == ("theirs",)


def test_a_template_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        choose_template(tmp_path, None, "dmo", ("b-1",), None)
    assert "`demo`" in caught.value.hint


def test_a_command_that_only_the_bucket_tells_is_not_run_without_being_named(tmp_path: Path) -> None:
    foreign = record(("curl", "evil.example"))
    with pytest.raises(BadInput, match="curl") as caught:
        choose_template(tmp_path, None, None, ("b-1",), foreign)
    assert "--template recorded" in caught.value.hint
    assert choose_template(tmp_path, None, "recorded", ("b-1",), foreign).argv == ("curl", "evil.example")


def test_a_bucket_that_borrows_a_run_id_gets_nothing_for_it(tmp_path: Path) -> None:
    mine = record(("python", "clean-up.py"))
    folder = tmp_path / "runs" / mine.run
    folder.mkdir(parents=True)
    write_json(folder / "record.json", mine.to_json(local=True))
    assert choose_template(tmp_path, None, None, ("fork", "b-1"), mine).argv == ("python", "clean-up.py")
    borrowed = replace(mine, bucket="theirs")
    with pytest.raises(BadInput, match="Another machine"):
        choose_template(tmp_path, None, None, ("theirs",), borrowed)


def test_nothing_known_says_how_to_tell(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        choose_template(tmp_path, None, None, ("b-1",), None)
    assert "train.toml" in caught.value.hint
