"""Train on from a node: what it would take is checked first, only then is anything created."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import Conflict, ExplorerError, NotFound, ResumeFailed
from explorer.lineage.address import Node
from explorer.lineage.events import OverridesRead
from explorer.lineage.fork_note import FORK_NOTE, read_fork_note, write_fork_note
from explorer.lineage.values import Overrides, RunView
from explorer.workspace.caching import Caching
from explorer.workspace.core import Core
from explorer.workspace.runs import Runs

if TYPE_CHECKING:
    from explorer.jobs.granting import Issued
    from explorer.jobs.preflight import Start
    from explorer.jobs.record import Record
    from explorer.jobs.templates import Template

Fork = Callable[[Node, str | None, Overrides], Node]


class Resuming:
    """Starts runs: in a new fork (`resume`) or in place (`launch`)."""

    def __init__(self, core: Core, runs: Runs, fork: Fork, caching: Caching) -> None:
        self._core = core
        self._runs = runs
        self._fork = fork
        self._caching = caching

    def resume(self, node: Node, template: str | None = None, overrides: Overrides = ()) -> RunView:
        """Train on from a node: in a new fork, or in place at the head of a fork that nobody writes to.

        The source is pinned to a snapshot version and found complete, the template and the overrides are
        checked; only then is anything created. Costs a listing, a few small reads, a fork and 50 ms.

        Raises:
            NotFound, BadCheckpoint: there is nothing complete to start from.
            BadInput: nothing tells how to start it; an override that is not known.
            ResumeFailed: the command could not be started.
        """
        from explorer.jobs.overrides import check_overrides

        bucket = self._core.state.bucket(node.bucket)
        in_place = node.is_head and bucket.parent is not None and not self._runs.is_written(node.bucket)
        pinned = self._pinned(node)
        start = self._check(pinned or node)
        chosen = self._template(template, node.bucket, start.record)
        allowed = check_overrides(overrides, chosen.schema, where=chosen.where)
        declared = self._declared(start, node.bucket) | dict(allowed)
        self._rehearse(node.bucket, start, chosen, allowed)
        if in_place:
            target = node
            if allowed:
                self._note(node.bucket, allowed)
        else:
            target = self._fork(pinned or node, None, overrides)
            if pinned is None:  # a head without a snapshot: the fork has frozen it
                origin = self._core.state.bucket(target.bucket).parent
                start = replace(start, node=origin) if origin is not None else start
        return self._start(target.bucket, start, chosen, tuple(declared.items()))

    def launch(self, bucket: str, template: str | None = None, overrides: Overrides = ()) -> RunView:
        """Train in a bucket in place: on from its newest snapshot, or from nothing where it has none.

        Raises:
            Conflict: somebody is writing to it.
            And what `resume` raises.
        """
        from explorer.jobs.overrides import check_overrides

        if self._runs.is_written(bucket):
            raise Conflict(f"`{bucket}` has a writer already.", hint="`explorer runs list` shows it")
        pinned = self._pinned(Node(bucket))
        start = self._check(pinned) if pinned is not None else None
        chosen = self._template(template, bucket, start.record if start else None)
        allowed = check_overrides(overrides, chosen.schema, where=chosen.where)
        declared = (self._declared(start, bucket) if start else {}) | dict(allowed)
        self._rehearse(bucket, start, chosen, allowed)
        return self._start(bucket, start, chosen, tuple(declared.items()))

    def _pinned(self, node: Node) -> Node | None:
        """The snapshot that a node means to start from; a head means its newest, or its fork point."""
        if not node.is_head:
            return node
        bucket = self._core.state.bucket(node.bucket)
        snapshots = bucket.snapshots or self._core.store.list_snapshots(node.bucket)
        return snapshots[-1].node if snapshots else bucket.parent

    def _check(self, node: Node) -> Start:
        from explorer.jobs.preflight import check_start
        from explorer.workspace.unpickling import digest_in_child

        return check_start(self._core.store, node, engine=digest_in_child)

    def _template(self, named: str | None, bucket: str, record: Record | None) -> Template:
        from explorer.jobs.choosing import choose_template

        settings = self._core.settings
        lineage = [bucket]
        buckets = self._core.state.buckets
        while (found := buckets.get(lineage[-1])) is not None and found.parent is not None:
            lineage.append(found.parent.bucket)
        return choose_template(settings.data, settings.templates, named, lineage, record)

    def _declared(self, start: Start, bucket: str) -> dict[str, Any]:
        """What was overridden on the way here: by the run that saved, and by every fork made since."""
        record = start.record
        told = dict(record.overrides) if record else {}
        forks: list[dict[str, Any]] = []
        node: Node | None = Node(bucket)
        while node is not None and not (record and node.bucket == record.bucket):
            forks.append(self._read_note(node))
            found = self._core.state.buckets.get(node.bucket)
            node = found.parent if found is not None else None
        for declared in reversed(forks):
            told |= declared
        return told

    def _note(self, bucket: str, overrides: Overrides) -> None:
        """Write down what a resume in place changes, as a fork does: for the tree and for descendants."""
        known = self._core.state.bucket(bucket)
        merged = tuple((self._read_note(known.head) | dict(overrides)).items())
        note = write_fork_note(bucket, known.parent, merged, datetime.now(UTC))
        self._core.store.write(bucket, FORK_NOTE, note)
        self._core.emit(OverridesRead(bucket, known.created_ns, merged))

    def _read_note(self, node: Node) -> dict[str, Any]:
        try:
            return dict(read_fork_note(self._core.store.read_object(node, FORK_NOTE)[0], node.bucket))
        except NotFound:
            return {}

    def _rehearse(self, bucket: str, start: Start | None, template: Template, overrides: Overrides) -> None:
        """Find out what would keep the job from starting, before anything is created for it."""
        from explorer.jobs.launching import prepare
        from explorer.jobs.local import LocalBackend

        store, data = self._core.store, self._core.data
        job = prepare(
            store, data, run_id="r", bucket=bucket, start=start, template=template, overrides=overrides
        )
        for problem in LocalBackend(data).check(job.spec):
            raise ResumeFailed(problem.message, hint=problem.hint, where=template.where)

    def _start(self, bucket: str, start: Start | None, template: Template, overrides: Overrides) -> RunView:
        from explorer.jobs.granting import take_back
        from explorer.jobs.launching import prepare
        from explorer.jobs.local import LocalBackend
        from explorer.jobs.spec import new_run_id, runs_folder

        run_id = new_run_id()
        view = self._prefetched(start, runs_folder(self._core.data) / run_id / "restore") if start else None
        issued = self._issue(run_id, bucket, start, template)
        backend = LocalBackend(self._core.data)
        try:
            job = prepare(
                self._core.store,
                self._core.data,
                run_id=run_id,
                bucket=bucket,
                start=start,
                template=template,
                overrides=overrides,
                restore_dir=view,
                issued=issued,
            )
            backend.submit(backend.render(job.spec), job.keys, job.passed)
        except BaseException:
            if issued is not None and issued.grant is not None:
                with suppress(ExplorerError):  # a sweep will, of what this one cannot
                    take_back(self._core.store, self._core.data, issued.grant)
            raise
        finally:
            self._runs.look()
        if issued is not None and issued.warning is not None:
            refused = ResumeFailed(f"{run_id}: {issued.warning}", hint="`explorer access check` tells more")
            self._core.fail(Node(bucket), refused)
        return self._core.state.runs[run_id]

    def _issue(self, run_id: str, bucket: str, start: Start | None, template: Template) -> Issued | None:
        """A key for this run alone: its own bucket, what it starts from, and what its template reads."""
        from explorer.jobs.granting import issue_or_own

        if not template.scoped_key:
            return None
        source = (start.node.bucket,) if start else ()
        return issue_or_own(
            self._core.store,
            self._core.data,
            run=run_id,
            writes=bucket,
            reads=(*source, *template.reads),
            hours=template.hours,
            deletes=template.deletes,
        )

    def _prefetched(self, start: Start, folder: Path) -> Path | None:
        """The checkpoint's files from this disk; None where they are not all here, which is no error."""
        try:
            if not self._caching.cached(start.node):
                return None
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._caching.view(start.node, folder)
            return folder
        except ExplorerError:
            return None
