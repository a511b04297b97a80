"""Job templates: a command as a TOML array, filled in one pass. Values stay data, there is no shell.

[job]
argv = ["torchrun", "--nproc_per_node=4", "train.py", "--resume", "{restore_dir}", "{overrides...}"]
cwd = "~/code/train"            # default: the user's home
env = { RUN_NAME = "{run}" }
pass_env = ["WANDB_*"]          # inherited by name, so that no key is written down
overrides = "hydra"             # key=value | "flags": --key value | "env": only EXPLORER_OVERRIDES
grace_s = 60                    # from SIGTERM to SIGKILL
time_limit = "12h"              # when its key stops working; 7d where nothing is said
reads = ["my-dataset"]          # buckets that its key may read, besides the one it starts from
deletes = true                  # its key may delete in its own bucket (to rotate checkpoints)
scoped_key = false              # hand it the whole key of whoever starts it instead
[match]
buckets = ["my-checkpoints*"]   # whose resumes use it when none is named
[override_schema]
lr = { type = "float", min = 0 }
"""

from __future__ import annotations

import fnmatch
import itertools
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from explorer.errors import BadInput, nearest
from explorer.jobs.granting import DEFAULT_HOURS, read_hours
from explorer.jobs.overrides import Schema, schema_from_toml
from explorer.lineage.values import Overrides, Scalar, show_scalar

_HOLE = re.compile(r"\{\{|\}\}|\{([A-Za-z_.]*)\}|[{}]")
_STYLES = ("hydra", "flags", "env")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish")
_JOB_KEYS = (
    *("argv", "cwd", "env", "pass_env", "overrides", "grace_s", "shell"),
    *("time_limit", "reads", "deletes", "scoped_key"),
)
HOLES = (
    "bucket",
    "source",
    "source_bucket",
    "snapshot",
    "step",
    "endpoint",
    "run",
    "run_dir",
    "restore_dir",
    "python",
)
"""What a template can ask for; `restore_dir` is empty where nothing was prefetched."""


@dataclass(frozen=True, slots=True)
class Template:
    """A command with holes."""

    name: str
    argv: tuple[str, ...]
    cwd: str = "~"
    env: tuple[tuple[str, str], ...] = ()
    pass_env: tuple[str, ...] = ()
    style: str = "env"
    schema: Schema | None = None
    """None: every override is taken as it is."""
    grace_s: float = 30.0
    shell: bool = False
    buckets: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    """Words of a recorded command that say that this template is meant for it."""
    hours: float = DEFAULT_HOURS
    """How long its key works."""
    reads: tuple[str, ...] = ()
    deletes: bool = False
    scoped_key: bool = True
    where: str = "built in"

    def suits(self, bucket: str, recorded: Sequence[str]) -> bool:
        """Whether it is meant for this bucket, or for the command that was recorded in it."""
        named = any(fnmatch.fnmatchcase(bucket, pattern) for pattern in self.buckets)
        return named or any(program in recorded for program in self.programs)

    def command(self, values: Mapping[str, str], overrides: Overrides) -> tuple[str, ...]:
        """The argv with all holes filled; `{overrides...}` becomes whole elements of it."""
        argv: list[str] = []
        for element in self.argv:
            if element == "{overrides...}":
                argv += _override_arguments(overrides, self.style)
            else:
                script = self.shell and _is_shell(argv[-2:])  # the text behind `sh -c`, and only that
                argv.append(_fill(element, values, self.where, quote=script))
        return tuple(argv)

    def environment(self, values: Mapping[str, str]) -> dict[str, str]:
        """The variables that the template itself sets."""
        return {name: _fill(text, values, self.where) for name, text in self.env}


def read_templates(folders: Sequence[Path]) -> dict[str, Template]:
    """All templates by name; an earlier folder wins.

    Raises:
        BadInput: one of them cannot be read.
    """
    found: dict[str, Template] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, read_template(path))
    return found


def template_folders(data: Path, chosen: Path | None) -> tuple[Path, ...]:
    """Where templates are looked for: the settings' folder, the data folder, the built-in ones."""
    return (*((chosen,) if chosen else ()), data / "templates", Path(__file__).parent / "builtin")


def read_template(path: Path) -> Template:
    """Read one template file.

    Raises:
        BadInput: with the line or the word that is off.
    """
    where = str(path)
    try:
        told = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(
            f"The template cannot be read: {error}", hint="correct the TOML", where=where
        ) from error
    job = told.get("job", {})
    match = told.get("match", {})
    _refuse_strange(told, ("job", "match", "override_schema"), where)
    _refuse_strange(job, _JOB_KEYS, where)
    _refuse_strange(match, ("buckets", "programs"), where)
    schema = schema_from_toml(told["override_schema"], where=where) if "override_schema" in told else None
    template = Template(
        name=path.stem,
        argv=_words(job, "argv", where),
        cwd=str(job.get("cwd", "~")),
        env=tuple((str(name), str(text)) for name, text in job.get("env", {}).items()),
        pass_env=_words(job, "pass_env", where),
        style=job.get("overrides", "env"),
        schema=schema,
        grace_s=float(job.get("grace_s", 30.0)),
        shell=bool(job.get("shell", False)),
        buckets=_words(match, "buckets", where),
        programs=_words(match, "programs", where),
        hours=read_hours(job.get("time_limit", DEFAULT_HOURS), where),
        reads=_words(job, "reads", where),
        deletes=bool(job.get("deletes", False)),
        scoped_key=bool(job.get("scoped_key", True)),
        where=where,
    )
    _check(template)
    return template


def recorded_template(argv: Sequence[str], cwd: str, schema: Schema | None) -> Template:
    """The command a run was recorded with, to be run again as it is; overrides go by environment."""
    literal = tuple(element.replace("{", "{{").replace("}", "}}") for element in argv)
    return Template(
        "recorded", literal, cwd=cwd, schema=schema, shell=_is_shell(argv), where="recorded command"
    )


def _check(template: Template) -> None:
    if not template.argv:
        raise BadInput(
            "The template has no command.",
            hint='give it `argv = ["python", "train.py"]`',
            where=template.where,
        )
    if template.style not in _STYLES:
        hint = 'it is "hydra" (key=value), "flags" (--key value) or "env"'
        raise BadInput(f"`overrides = {template.style!r}` is not known.", hint=hint, where=template.where)
    if _is_shell(template.argv) and not template.shell:
        raise BadInput(
            "The template runs a shell command line.",
            hint="write the program and its arguments as elements of `argv`, or set `shell = true`",
            where=template.where,
        )
    blank = dict.fromkeys(HOLES, "")
    template.command(blank, ())
    template.environment(blank)


def _is_shell(argv: Sequence[str]) -> bool:
    """Whether it hands a text to a shell: `sh -c`, `env bash -lc`."""
    for word, following in itertools.pairwise(argv):
        if PurePath(word).name in _SHELLS and re.fullmatch(r"-[a-z]*c[a-z]*", following):
            return True
    return False


def _fill(text: str, values: Mapping[str, str], where: str, *, quote: bool = False) -> str:
    """One pass: what comes out of a value is never looked at again."""

    def filled(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        name = match[1]
        if name is None or name not in values:
            hint = nearest(name or "", values, "it can ask for " + ", ".join(f"{{{hole}}}" for hole in HOLES))
            raise BadInput(f"`{match[0]}` in `{text}` means nothing.", hint=hint, where=where)
        return shlex.quote(values[name]) if quote else values[name]

    return _HOLE.sub(filled, text)


def _override_arguments(overrides: Overrides, style: str) -> list[str]:
    if style == "hydra":
        return [f"{name}={_exact(value)}" for name, value in overrides]
    if style == "flags":
        return [word for name, value in overrides for word in (f"--{name}", _exact(value))]
    return []


def _exact(value: Scalar) -> str:
    """A value to be read back: floats keep all their digits."""
    return repr(value) if isinstance(value, float) else show_scalar(value)


def _words(table: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise BadInput(f"`{name}` must be an array of strings.", hint=f'{name} = ["one", "two"]', where=where)
    return tuple(value)


def _refuse_strange(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise BadInput(
                f"`{name}` means nothing here.",
                hint=nearest(name, known, "known are " + ", ".join(known)),
                where=where,
            )
