"""Looking after the store while it is served: for its owner alone, and no part of S3."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from explorer.localstore.engine.sweep import GRACE_S, TRASH_S
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import Answer, json_answer
from explorer.localstore.wire.call import Call


def _check_owner(call: Call) -> None:
    if not call.proof.principal.is_owner:
        raise Refusal("AccessDenied", f"Access Denied: {call.operation} is for the owner of the store")


def _number(call: Call, name: str, default: float | None) -> float | None:
    text = call.request.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise Refusal("InvalidArgument", f"{name} must be a number that is not negative.")
    return value


async def check_store(call: Call) -> Answer:
    """`POST /?store=check[&deep=true]`"""
    _check_owner(call)
    found = await call.run(call.engine.check, deep=call.request.query.get("deep") == "true")
    return json_answer(asdict(found))


async def sweep_store(call: Call) -> Answer:
    """`POST /?store=gc[&dry-run=true][&grace-s=N][&history-days=N]`"""
    _check_owner(call)
    dry_run = call.request.query.get("dry-run") == "true"
    if not dry_run:
        call.engine.ledger.check_writable()
    swept = await call.run(
        call.engine.sweep,
        dry_run=dry_run,
        grace_s=_number(call, "grace-s", GRACE_S),
        history_days=_number(call, "history-days", None),
    )
    if not dry_run:
        # By then no reader is left that could still be on its way to a file of this sweep.
        asyncio.get_running_loop().call_later(
            TRASH_S + 1, call.executor.submit, call.engine.blobs.empty_trash, TRASH_S
        )
    return json_answer(asdict(swept))
