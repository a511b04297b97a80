"""Keys for jobs: made just before a job starts, on its own fork, for a while; taken back when it ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from explorer.access import BucketRole, Preset, Role, Window, job_policy
from explorer.errors import BadInput, NotAllowed, Unreachable
from explorer.jobs.key_ledger import Grant, KeyLedger, expiry_in, key_name
from explorer.lineage.address import Node
from explorer.storage import Keys, MintedKey, Store, open_store

DEFAULT_HOURS = 7 * 24.0
_SETTLE_S = 20.0


@dataclass(frozen=True, slots=True)
class Issued:
    """What a job is handed: `keys` are the `AWS_*` variables that reach the store, secrets included."""

    keys: Mapping[str, str] = field(repr=False)
    grant: Grant | None
    """None where no key could be made, and `keys` are those of whoever starts the job."""
    warning: str | None = None
    """What the key lacks of its limits, in words for a screen."""


def issue(
    store: Store,
    data: Path,
    *,
    run: str | None,
    writes: str | None,
    reads: Sequence[str] = (),
    preset: Preset = Preset.OWN_FORK,
    hours: float = DEFAULT_HOURS,
    deletes: bool = False,
) -> Issued:
    """Make a key that can do what the preset says, and nothing after `hours`; it is in the ledger by then.

    Three requests, about 10 ms on the local store. Where the store takes no policy, the key gets a role on
    each bucket, which ends only when the key is swept.

    Raises:
        NotAllowed: no keys can be made with the key in use, or at this endpoint.
        BadInput: a policy that cannot be meant. Unreachable: nobody makes keys at the moment.
    """
    keys = Keys(store)
    now = int(time.time())
    expires_s = now + max(int(hours * 3600), 1)
    window = Window.lasting(hours, now=datetime.fromtimestamp(now, UTC))
    reads = tuple(dict.fromkeys(bucket for bucket in reads if bucket != writes))
    policy = job_policy(preset, window, writes=writes, reads=reads, deletes=deletes)
    name = key_name(run or f"grant{secrets.token_hex(4)}", expires_s)
    key = keys.create(name)
    ledger = KeyLedger(data)
    grant = Grant(
        key.id, run, writes, reads, preset.value, store.info.identity, expires_s, None, created_s=now
    )
    ledger.add(grant)  # before it can do anything: a crash from here on leaves what a sweep finds
    told = _variables(store, key)
    try:
        try:
            arn = keys.create_policy(name, policy, f"{preset.value} until {grant.expires_at}")
            ledger.add(grant := replace(grant, policy=arn))
            keys.attach(arn, key.id)
            _settle(store, key, writes or reads[0], preset)
            return Issued(told, grant)
        except NotAllowed as refused:
            keys.set_roles(key.id, _roles(preset, writes, reads))
            warning = (
                f"this store took no policy ({refused.message.rstrip('.')}): the key is bound to its buckets "
                f"by roles, does not expire by itself, and is taken back when the run has ended"
            )
            return Issued(told, grant, warning)
    except BaseException:
        take_back(store, data, grant)
        raise


def issue_or_own(store: Store, data: Path, **asked: object) -> Issued:
    """A scoped key, or, where none can be made, the caller's own with a warning that says so."""
    try:
        return issue(store, data, **asked)  # type: ignore[arg-type]
    except (NotAllowed, Unreachable) as refused:
        warning = (
            f"the job has the full key of whoever started it, which does not expire: "
            f"{refused.message.rstrip('.')}"
        )
        return Issued(store.environment(), None, warning)


def take_back(store: Store, data: Path, grant: Grant) -> None:
    """Make a key worthless, and forget it. What is gone already is no error.

    Raises:
        NotAllowed, Unreachable: it stays in the ledger, for the next sweep.
    """
    Keys(store).delete(grant.key, grant.policy)
    KeyLedger(data).remove(grant.key)


def sweep_ended(store: Store, data: Path, has_ended: Callable[[str], bool | None]) -> tuple[Grant, ...]:
    """Take back the keys of runs that have ended, and all that have expired; returns those.

    `has_ended` says None of a run that it does not know: that key was for a run that never came to be.
    Costs a listing of the ledger's folder where there is nothing to do.
    """
    taken = []
    for grant in KeyLedger(data).grants(store.info.identity):
        ended = has_ended(grant.run) if grant.run is not None else False
        if grant.has_expired or ended or (ended is None and not grant.is_new):
            take_back(store, data, grant)
            taken.append(grant)
    return tuple(taken)


def sweep_expired(store: Store, data: Path) -> tuple[str, ...]:
    """Take back every expired key of ours that the store knows, also where the ledger is lost.

    Two requests where there are none, and three a key; returns their names.
    """
    keys, now = Keys(store), time.time()

    def is_over(name: str) -> bool:
        expires_s = expiry_in(name)
        return expires_s is not None and expires_s <= now

    policies = {name: arn for name, arn in keys.list_policies() if is_over(name)}
    swept = []
    for key in [key for key in keys.list() if is_over(key.name)]:
        keys.delete(key.id, policies.pop(key.name, None))
        KeyLedger(data).remove(key.id)
        swept.append(key.name)
    for name, arn in policies.items():  # its key is gone, or was never made
        keys.delete_policy(arn)
        swept.append(name)
    return tuple(swept)


def read_hours(told: object, where: str) -> float:
    """A time limit as templates write it: a number of hours, or `90m`, `12h`, `7d`.

    Raises:
        BadInput: it is neither, or not positive.
    """
    units = {"m": 1 / 60, "h": 1.0, "d": 24.0}
    text = str(told).strip()
    try:
        hours = float(text[:-1]) * units[text[-1]] if text[-1:] in units else float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 3660 or isinstance(told, bool):
        raise BadInput(f"`{text}` is not a time limit.", hint='write it like "12h" or "7d"', where=where)
    return hours


def _variables(store: Store, key: MintedKey) -> dict[str, str]:
    shared = {n: v for n, v in store.environment().items() if n in ("AWS_ENDPOINT_URL_S3", "AWS_REGION")}
    return shared | {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}


def _roles(preset: Preset, writes: str | None, reads: Sequence[str]) -> list[BucketRole]:
    roles = [BucketRole(bucket, Role.READ_ONLY) for bucket in reads]
    if writes is not None:
        # no role writes without reading
        roles.append(BucketRole(writes, Role.READ_ONLY if preset is Preset.READ_ONLY else Role.EDITOR))
    return roles


def _settle(store: Store, key: MintedKey, bucket: str, preset: Preset) -> None:
    """Wait until the store knows the policy. How long that takes on Tigris is written nowhere.

    Raises:
        NotAllowed: it still does not after 20 s.
    """
    if store.info.is_local or preset is Preset.WRITE_ONLY:
        return  # the local store knows it at once; a key that only writes cannot ask
    new = open_store(
        store.info.endpoint,
        access_key=key.id,
        secret_key=key.secret,
        region=store.environment().get("AWS_REGION", "auto"),
    )
    deadline, wait = time.monotonic() + _SETTLE_S, 0.1
    try:
        while True:
            try:
                new.list_objects(Node(bucket), limit=1)
                return
            except NotAllowed:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(wait)
                wait = min(2 * wait, 2.0)
    finally:
        new.close()
