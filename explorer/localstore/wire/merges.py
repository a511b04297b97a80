"""`PUT /parent` that merges a fork, `PUT /fork` that rebases it."""

from __future__ import annotations

from explorer.localstore.wire.answers import Answer
from explorer.localstore.wire.call import SNAPSHOT_VERSION, Call


async def merge_fork(call: Call) -> Answer:
    fork = call.request.headers["x-tigris-merge-source-bucket"].strip()
    call.authorise(source=(fork, None))
    await call.document()
    ts = await call.run(call.engine.merging.merge, fork, call.request.bucket_name)
    return Answer(200, [(SNAPSHOT_VERSION, str(ts))])


async def rebase_fork(call: Call) -> Answer:
    fork = call.request.bucket_name
    call.authorise(source=(call.engine.merging.parent_of(fork) or fork, None))
    await call.document()
    ts = await call.run(call.engine.merging.rebase, fork)
    return Answer(200, [(SNAPSHOT_VERSION, str(ts))])
