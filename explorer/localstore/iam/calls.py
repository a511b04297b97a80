"""The IAM calls: boto3's `iam` client and Tigris' own CLI, on the same port as S3.

Shapes: https://docs.aws.amazon.com/IAM/latest/APIReference/ for XML; Tigris' additions (roles by bucket,
detailed listings, rotation) as @tigrisdata/iam sends and reads them. A "user" is an access key: there are no
others.
"""

from __future__ import annotations

from explorer.localstore.iam.call import Call, Tree
from explorer.localstore.iam.key_calls import KEY_CALLS
from explorer.localstore.iam.policy_calls import POLICY_CALLS
from explorer.localstore.refusals import Refusal

_CALLS = KEY_CALLS | POLICY_CALLS


def answer(call: Call, name: str) -> Tree:
    """Decide, then do it.

    Raises:
        Refusal: AccessDenied, NotImplemented, or what the call itself refuses.
    """
    known = _CALLS.get(name)
    if known is None:
        raise Refusal("NotImplemented", f"{name[:64]} is not offered by the local store.")
    decision = call.iam.decide_iam(call.caller, name)
    if not decision.allowed:
        raise Refusal("AccessDenied", f"Not authorized to perform iam:{name}: {decision.because}.")
    return known(call)
