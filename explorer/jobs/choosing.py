"""Which template resumes a checkpoint, when nobody named one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.errors import BadInput, NotFound, nearest
from explorer.jobs.overrides import schema_from_config
from explorer.jobs.record import Record, read_local_record
from explorer.jobs.templates import Template, read_templates, recorded_template, template_folders

RECORDED = "recorded"
"""Named as a template it means: run what the bucket says was run, I have looked at it."""


def choose_template(
    data: Path, folder: Path | None, named: str | None, lineage: Sequence[str], record: Record | None
) -> Template:
    """The template that was named; else one that suits; else the command this machine recorded itself.

    `lineage` is the bucket and its ancestors: a template made for one of them serves its forks too. A
    command that only the bucket tells is not run without being named: it may be anybody's.

    Raises:
        NotFound: there is no template of this name.
        BadInput: nothing tells how to start this training; a template that cannot be read.
    """
    known = read_templates(template_folders(data, folder))
    if named is not None and named != RECORDED:
        if named not in known:
            hint = nearest(named, known, "there are " + ", ".join(f"`{name}`" for name in known))
            raise NotFound(f"There is no template `{named}`.", hint=hint, where=str(data / "templates"))
        return known[named]
    command = record.command.argv if record and record.command else ()
    if named is None:
        for template in known.values():
            if any(template.suits(bucket, command) for bucket in lineage):
                return template
    return _recorded(data, record, lineage, trusted=named == RECORDED, known=known)


def _recorded(
    data: Path,
    record: Record | None,
    lineage: Sequence[str],
    *,
    trusted: bool,
    known: Mapping[str, Template],
) -> Template:
    if record is not None:
        here = read_local_record(data, record.run)
        if here is not None and here.bucket not in lineage:
            here = None  # a bucket that borrows the id of another bucket's run gets nothing for it
        told = record if trusted else here
        if told is not None and told.command is not None:
            schema = schema_from_config(told.config) if told.config else None
            return recorded_template(told.command.argv, told.command.cwd, schema)
        if record.command is not None:
            raise BadInput(
                f"Another machine trained this, by `{shlex.join(record.command.argv)}` as the bucket says.",
                hint="if you trust it, `--template recorded` runs it here; or write a template of your own",
                where=record.bucket,
            )
    raise BadInput(
        "Nothing tells how to start this training.",
        hint=f"write {data / 'templates'}/train.toml with `[job]` and `argv = [...]`, then `--template train`"
        f" (there are {', '.join(known)})",
    )
