"""`explorer access`: keys that can do one thing for a while, what a key can do, and taking keys back."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.access_matrix import Checked, check
from explorer.cli.door import print_json, say_none, settings_of, store_json
from explorer.errors import BadInput, NotFound, nearest

if TYPE_CHECKING:
    from explorer.jobs.key_ledger import Grant
    from explorer.settings import Settings
    from explorer.storage import Store

_PRESETS = ("own-fork-rw", "write-only", "read-only")


def register(verbs: Any) -> None:
    text = "keys for jobs: scoped to buckets, expiring, taken back"
    access = verbs.add_parser("access", help=text, description=text)
    kinds = access.add_subparsers(dest="access_verb", metavar="VERB", required=True)

    grant = kinds.add_parser("grant", help="make a key for one bucket, and print it as variables")
    grant.add_argument("bucket")
    grant.add_argument("--reads", nargs="+", default=[], metavar="BUCKET", help="buckets that it may read")
    grant.add_argument("--preset", choices=_PRESETS, default=_PRESETS[0], help="default %(default)s")
    grant.add_argument("--hours", type=float, default=24.0, help="until it expires (default %(default)g)")
    grant.add_argument("--deletes", action="store_true", help="it may delete objects of its bucket")
    grant.add_argument("--output", metavar="FILE", help="write the variables there (0600), and print none")
    grant.set_defaults(func=_grant)

    kinds.add_parser("list", help="keys that were handed out from here").set_defaults(func=_list)

    text = "what a key, a run's key or a policy file can do"
    looked = kinds.add_parser("check", help=text, description=text)
    looked.add_argument("what", metavar="KEY|RUN|FILE")
    looked.add_argument("--bucket", nargs="+", default=[], metavar="BUCKET", help="ask about these too")
    looked.set_defaults(func=_check)

    revoke = kinds.add_parser("revoke", help="take a key back, now")
    revoke.add_argument("id", nargs="?", metavar="KEY|RUN")
    revoke.add_argument("--expired", action="store_true", help="all of ours that have expired")
    revoke.set_defaults(func=_revoke)


@contextmanager
def _store(args: argparse.Namespace) -> Iterator[tuple[Store, Settings]]:
    from explorer.workspace.opener import connect

    settings = settings_of(args)
    store = connect(settings)
    try:
        yield store, settings
    finally:
        store.close()


def _grant(args: argparse.Namespace) -> int:
    from explorer.access import Preset
    from explorer.jobs.granting import issue

    with _store(args) as (store, settings):
        preset = Preset(args.preset)
        for bucket in (args.bucket, *args.reads):
            store.read_bucket(bucket)  # a typo must not become a right to a bucket that is still to come
        reads = [*args.reads, *([args.bucket] if preset is Preset.READ_ONLY else [])]
        issued = issue(
            store,
            settings.data,
            run=None,
            writes=None if preset is Preset.READ_ONLY else args.bucket,
            reads=reads,
            preset=preset,
            hours=args.hours,
            deletes=args.deletes,
        )
        if issued.grant is None:
            raise BadInput("No key was made.", hint="`explorer doctor` tells more")
        told = {"store": store_json(store.info), **_grant_json(issued.grant), "warning": issued.warning}
    if issued.warning:
        print(f"warning: {issued.warning}", file=sys.stderr)
    if args.output:
        _write(Path(args.output), _lines(issued.keys))
    if args.json:
        print_json(told | ({"output": args.output} if args.output else {"environment": dict(issued.keys)}))
    elif args.output:
        print(f"{issued.grant.key} until {issued.grant.expires_at}, written to {args.output}")
    else:
        sys.stdout.write(_lines(issued.keys))
    return 0


def _list(args: argparse.Namespace) -> int:
    from explorer.jobs.key_ledger import KeyLedger

    with _store(args) as (store, settings):
        grants = sorted(KeyLedger(settings.data).grants(store.info.identity), key=lambda g: g.expires_s)
        told = {"store": store_json(store.info), "keys": [_grant_json(grant) for grant in grants]}
    if args.json:
        print_json(told)
        return 0
    from explorer.checkpoints import printable

    if not grants:
        say_none("keys were handed out from here")
    for grant in grants:
        reads = f"  reads {', '.join(grant.reads)}" if grant.reads else ""
        until = "expired" if grant.has_expired else f"until {grant.expires_at}"
        line = (
            f"{grant.key}  {until}  {grant.run or 'by hand':<24} {grant.preset} {grant.bucket or ''}{reads}"
        )
        print(printable(line.rstrip()))
    return 0


def _check(args: argparse.Namespace) -> int:
    checked = _of_file(args) if Path(args.what).is_file() else _of_key(args)
    print_json(checked.to_json()) if args.json else sys.stdout.write(str(checked))
    return 1 if checked.findings else 0


def _of_file(args: argparse.Namespace) -> Checked:
    from explorer.access import Grants, parse_policy

    try:
        text = Path(args.what).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The file cannot be read: {error}", hint="name a policy in JSON", where=args.what
        ) from error
    return check(args.what, Grants(policies=(parse_policy(text),)), args.bucket)


def _of_key(args: argparse.Namespace) -> Checked:
    from explorer.access import Grants
    from explorer.storage import Keys

    with _store(args) as (store, settings):
        grant = _named(store, settings, args.what)
        info = Keys(store).read(grant.key if grant else args.what)
        policies = tuple(policy for _, policy in info.policies)
        grants = Grants(roles=info.roles, policies=policies) if info.active else Grants()
        also = [*args.bucket, *([grant.bucket] if grant and grant.bucket else [])]
        return check(info.id, grants, also, name=info.name, active=info.active)


def _revoke(args: argparse.Namespace) -> int:
    from explorer.jobs.granting import sweep_ended, sweep_expired, take_back

    if bool(args.id) == args.expired:
        raise BadInput("Say which key.", hint="`explorer access revoke KEY`, or `--expired` for all of those")
    with _store(args) as (store, settings):
        if args.expired:
            known = sweep_ended(store, settings.data, lambda run: False)
            gone = [grant.key for grant in known] + list(sweep_expired(store, settings.data))
        else:
            grant = _named(store, settings, args.id) or _stray(store, args.id)
            take_back(store, settings.data, grant)
            gone = [grant.key]
        told = {"store": store_json(store.info), "revoked": gone}
    if args.json:
        print_json(told)
    else:
        print("\n".join(f"revoked {one}" for one in gone) or "there was nothing to revoke")
    return 0


def _named(store: Store, settings: Settings, named: str) -> Grant | None:
    """The grant of a key id or of a run."""
    from explorer.jobs.key_ledger import KeyLedger

    grants = list(KeyLedger(settings.data).grants(store.info.identity))
    return next((grant for grant in grants if named in (grant.key, grant.run)), None)


def _stray(store: Store, key_id: str) -> Grant:
    """A key that is ours by its name, though it is in no ledger of this machine.

    Raises:
        NotFound: there is none, or it was made by somebody else for something else.
    """
    from explorer.jobs.key_ledger import Grant, expiry_in
    from explorer.storage import Keys

    keys = Keys(store)
    info = keys.read(key_id)
    expires_s = expiry_in(info.name)
    if expires_s is None:
        ours = [key.id for key in keys.list() if expiry_in(key.name) is not None]
        hint = nearest(key_id, ours, "delete it where it was made")
        raise NotFound(f"`{key_id}` ({info.name}) is no key that explorer made.", hint=hint)
    arn = next((arn for name, arn in keys.list_policies() if name == info.name), None)
    return Grant(info.id, None, None, (), "", store.info.identity, expires_s, arn)


def _grant_json(grant: Grant) -> dict[str, Any]:
    told = grant.to_json()
    kept = {name: told[name] for name in ("key", "run", "bucket", "reads", "preset")}
    return kept | {"expires_at": grant.expires_at, "expired": grant.has_expired}


def _lines(keys: Any) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in keys.items())


def _write(path: Path, text: str) -> None:
    """Replace a file, readable by its owner alone from its first byte on."""
    import os

    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise BadInput(
            f"The file cannot be written: {error.strerror}.", hint="name another", where=str(path)
        ) from error
