"""`POST /`: IAM calls, on the same port as everything else."""

from __future__ import annotations

from urllib.parse import parse_qsl

from explorer.localstore.iam import calls
from explorer.localstore.iam.answers import write
from explorer.localstore.iam.authority import Iam
from explorer.localstore.iam.call import Call as IamCall
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import Answer
from explorer.localstore.wire.call import Call, Handler


def handler(iam: Iam) -> Handler:
    """The handler of the operation `Iam`: it decides for itself, by call, what the caller may."""

    async def answer(call: Call) -> Answer:
        request = call.request
        if len(call.proof.claim.payload_hash) != 64:
            raise Refusal("AccessDenied", "The body of an IAM call must be signed.")
        form = _form(await call.document(), request.query)
        name = form.get("Action", "")
        asked = IamCall(iam, call.proof.principal.access_key, form, request.wants_json)
        tree = await call.run(calls.answer, asked, name)
        return write(name, tree, as_json=request.wants_json, request_id=request.id)

    return answer


def _form(body: bytes, query: dict[str, str]) -> dict[str, str]:
    """The form's fields; those in the query, where Tigris' clients put the action, win."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError as error:
        raise Refusal("ValidationError", "The body is not a form.") from error
    return dict(pairs) | query
