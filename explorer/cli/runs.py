"""`explorer resume` and `explorer runs`: start trainings from a place in the lineage, and look after them."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from explorer.cli.door import overrides_of, print_json, say_none, settings_of, store_json, workspace_of

if TYPE_CHECKING:
    from explorer.lineage.values import RunView
    from explorer.workspace.workspace import Workspace

_POLL_S = 0.2


def register(verbs: Any) -> None:
    text = "train on from a snapshot, in a new fork; at the head of a fork, in place"
    resume = verbs.add_parser("resume", help=text, description=text)
    resume.add_argument("address", help="bucket, bucket@version or bucket@name")
    resume.add_argument("--set", action="append", metavar="NAME=VALUE", help="what to change, like lr=1e-4")
    resume.add_argument("--template", metavar="NAME", help="how to start it; see the README")
    resume.add_argument("--wait", action="store_true", help="follow its log, and return when it has ended")
    resume.set_defaults(func=_resume)

    text = "the runs that this machine knows"
    runs = verbs.add_parser("runs", help=text, description=text)
    kinds = runs.add_subparsers(dest="runs_verb", metavar="VERB", required=True)
    kinds.add_parser("list", help="newest first").set_defaults(func=_list)
    log = kinds.add_parser("log", help="what a run printed")
    log.add_argument("run")
    log.add_argument("--follow", action="store_true", help="go on until it ends")
    log.set_defaults(func=_log)
    deliver = kinds.add_parser("deliver", help="send the saves of a run that never reached the store")
    deliver.add_argument("run")
    deliver.set_defaults(func=_deliver)
    stop = kinds.add_parser("stop", help="ask a run to save and end")
    stop.add_argument("run")
    stop.add_argument("--wait", action="store_true", help="return when it has ended")
    stop.set_defaults(func=_stop)


def _resume(args: argparse.Namespace) -> int:
    overrides = overrides_of(args.set)
    with workspace_of(args) as workspace:
        run = workspace.resume(workspace.resolve(args.address), args.template, overrides)
        if args.wait:
            if not args.json:
                print(f"run {run.id} writes to {run.bucket}", flush=True)
            run = _follow(workspace, run.id, echo=not args.json)
        told = {"store": store_json(workspace.state.store), **_run_json(run)}
    if args.json:
        print_json(told)
    else:
        print(f"run {run.id} {run.state} in {run.bucket}" + (f": {run.reason}" if run.reason else ""))
    return 0 if run.state in ("queued", "running", "done", "stopped") else 1


def _list(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        state = workspace.state
    runs = sorted(state.runs.values(), key=lambda run: -run.started_ns)
    if args.json:
        print_json({"store": store_json(state.store), "runs": [_run_json(run) for run in runs]})
        return 0
    from explorer.checkpoints import printable
    from explorer.lineage.values import show_overrides

    if not runs:
        say_none("runs")
    for run in runs:
        source = f"from {state.label(run.source)}" if run.source else "fresh"
        notes = "  ".join(word for word in (source, show_overrides(run.overrides), run.reason) if word)
        print(printable(f"{run.id}  {run.state:<8}{run.bucket:<28} {notes}"))
    return 0


def _log(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        if args.follow:
            _follow(workspace, args.run, echo=True)
        else:
            _echo(workspace, args.run, 0)
    return 0


def _stop(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        known = workspace.state.runs.get(args.run)
        ended = known is not None and not known.is_live
        workspace.stop(args.run)
        if args.wait or ended:
            run = _follow(workspace, args.run, echo=False)
            told = {"store": store_json(workspace.state.store), **_run_json(run)}
        else:
            told = {"store": store_json(workspace.state.store), "run": args.run, "state": "stopping"}
    said = f"run {args.run} {'has ended already: ' * ended}{told['state']}"
    print_json(told) if args.json else print(said)
    return 0


def _deliver(args: argparse.Namespace) -> int:
    from explorer.recorder.delivering import deliver
    from explorer.workspace.opener import connect

    settings = settings_of(args)
    store = connect(settings)
    try:
        done = deliver(store, settings.data, args.run)
    finally:
        store.close()
    saves = [{"step": saved.step, "address": str(saved.node)} for saved in done.saves]
    if args.json:
        print_json({"store": store_json(store.info), "run": done.run, "bucket": done.bucket, "saves": saves})
    else:
        for told in saves:
            print(f"step {told['step']}  {told['address']}")
        print(f"all of run {done.run} is in {done.bucket}")
    return 0


def _follow(workspace: Workspace, run_id: str, *, echo: bool) -> RunView:
    offset = 0
    while True:
        run = workspace.state.runs.get(run_id)
        if echo or run is None:
            offset = _echo(workspace, run_id, offset)  # of an unknown run this raises, with the nearest
        if run is None or not run.is_live:
            break
        time.sleep(_POLL_S)
    if echo:
        _echo(workspace, run_id, offset)
    return workspace.state.runs[run_id]


def _echo(workspace: Workspace, run_id: str, offset: int) -> int:
    """Print what is new in a log; on a terminal without the control sequences that a job may print."""
    while True:
        part, following = workspace.log(run_id, offset)
        if following == offset:
            sys.stdout.flush()
            return offset
        text = part.decode(errors="replace")
        if sys.stdout.isatty():
            text = "".join(c for c in text if c in "\n\t" or c.isprintable())
        sys.stdout.write(text)
        offset = following


def _run_json(run: RunView) -> dict[str, Any]:
    from explorer.cli.tree import when

    return {
        "run": run.id,
        "bucket": run.bucket,
        "source": run.source.address if run.source else None,
        "state": run.state,
        "overrides": dict(run.overrides),
        "backend": run.backend,
        "started_at": when(run.started_ns),
        "ended_at": when(run.ended_ns) if run.ended_ns else None,
        "exit_code": run.exit_code,
        "reason": run.reason,
    }
