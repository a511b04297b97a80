"""IAM calls about policies."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from explorer.localstore.iam.call import Call, Tree, paging
from explorer.localstore.iam.policies import StoredPolicy
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import iso_ms


def create_policy(call: Call) -> Tree:
    policy = call.iam.policies.create(
        call.need("PolicyName"),
        call.need("PolicyDocument"),
        description=call.form.get("Description", ""),
        request=call.form.get("ReqUUID") or None,
    )
    return {"CreatePolicyResult": {"Policy": _policy(policy)}}


def update_policy(call: Call) -> Tree:
    policy = call.iam.policies.update(
        call.need("PolicyArn"), call.need("PolicyDocument"), description=call.form.get("Description")
    )
    return {"UpdatePolicyResult": {"Policy": _policy(policy)}}


def get_policy(call: Call) -> Tree:
    policy = call.iam.policies.get(call.need("PolicyArn"))
    return {"GetPolicyResult": {"Policy": _policy(policy)}}


def get_policy_detailed(call: Call) -> Tree:
    policy = call.iam.policies.get(call.need("PolicyArn"))
    users = [
        {"UserId": id_, "UserName": call.iam.keys.get(id_).name}
        for id_ in call.iam.policies.keys_of(policy.arn)
    ]
    return {"PolicyDetailed": {**_policy(policy), "Document": policy.document, "Users": users}}


def get_policy_version(call: Call) -> Tree:
    policy = call.iam.policies.get(call.need("PolicyArn"))
    if call.form.get("VersionId", policy.version) != policy.version:
        raise Refusal("NoSuchEntity", f"Only the newest version, {policy.version}, is kept.")
    # AWS percent-encodes the document here, and botocore decodes it
    document = policy.document if call.as_json else quote(policy.document, safe="")
    version = {"Document": document, "VersionId": policy.version, "IsDefaultVersion": True}
    told = version | {"CreateDate": iso_ms(policy.changed_ns)}
    return {"GetPolicyVersionResult": {"PolicyVersion": told}}


def list_policies(call: Call) -> Tree:
    after, limit = call.page()
    attached_only = call.form.get("OnlyAttached", "").lower() == "true"
    found = call.iam.policies.page(after=after, limit=limit + 1, attached_only=attached_only)
    marker = found[limit - 1].arn if len(found) > limit else ""
    listed = [_policy(policy) for policy in found[:limit]]
    return {"ListPoliciesResult": {"Policies": listed, **paging(marker)}}


def delete_policy(call: Call) -> Tree:
    call.iam.policies.delete(call.need("PolicyArn"))
    return {}


def force_delete_policy(call: Call) -> Tree:
    call.iam.policies.delete(call.need("PolicyArn"), force=True)
    return {}


def attach_user_policy(call: Call) -> Tree:
    call.iam.policies.attach(call.need("PolicyArn"), call.not_the_owner(call.need("UserName")))
    return {}


def detach_user_policy(call: Call) -> Tree:
    call.iam.policies.detach(call.need("PolicyArn"), call.need("UserName"))
    return {}


def list_user_policies(call: Call) -> Tree:
    found, marker = _attached(call)
    names = [policy.name for policy in found]
    return {"ListUserPoliciesResult": {"PolicyNames": names, **paging(marker)}}


def list_attached_user_policies(call: Call) -> Tree:
    found, marker = _attached(call)
    listed = [{"PolicyName": policy.name, "PolicyArn": policy.arn} for policy in found]
    return {"ListAttachedUserPoliciesResult": {"AttachedPolicies": listed, **paging(marker)}}


def list_entities_for_policy(call: Call) -> Tree:
    policy = call.iam.policies.get(call.need("PolicyArn"))
    users = [{"UserName": id_, "UserId": id_} for id_ in call.iam.policies.keys_of(policy.arn)]
    told = {"PolicyGroups": [], "PolicyUsers": users, "PolicyRoles": [], **paging("")}
    return {"ListEntitiesForPolicyResult": told}


def _attached(call: Call) -> tuple[list[StoredPolicy], str]:
    user = call.need("UserName")
    if user != call.iam.owner.id:
        call.iam.keys.get(user)
    after, limit = call.page()
    found = call.iam.policies.of_key(user, after=after, limit=limit + 1)
    return found[:limit], found[limit - 1].arn if len(found) > limit else ""


def _policy(policy: StoredPolicy) -> Tree:
    return {
        "Arn": policy.arn,
        "AttachmentCount": policy.attached,
        "CreateDate": iso_ms(policy.created_ns),
        "DefaultVersionId": policy.version,
        "Description": policy.description,
        "IsAttachable": True,
        "Path": "/",
        "PolicyId": policy.id,
        "PolicyName": policy.name,
        "UpdateDate": iso_ms(policy.changed_ns),
    }


POLICY_CALLS: dict[str, Callable[[Call], Tree]] = {
    "AttachUserPolicy": attach_user_policy,
    "CreatePolicy": create_policy,
    "DeletePolicy": delete_policy,
    "DetachUserPolicy": detach_user_policy,
    "ForceDeletePolicy": force_delete_policy,
    "GetPolicy": get_policy,
    "GetPolicyDetailed": get_policy_detailed,
    "GetPolicyVersion": get_policy_version,
    "ListAttachedUserPolicies": list_attached_user_policies,
    "ListEntitiesForPolicy": list_entities_for_policy,
    "ListPolicies": list_policies,
    "ListUserPolicies": list_user_policies,
    "UpdatePolicy": update_policy,
}
