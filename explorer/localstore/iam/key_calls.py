"""IAM calls about access keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.access import BucketRole, parse_role
from explorer.errors import BadInput
from explorer.localstore.iam.call import Call, Tree, paging
from explorer.localstore.iam.keys import AccessKey
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import iso_ms

_BEFORE_ALL = "-"
"""A marker less than every id."""


def create_access_key(call: Call) -> Tree:
    name = call.form.get("UserName") or "key"
    return _made(call, *call.iam.keys.create(name, (), creator=call.caller))


def create_with_roles(call: Call) -> Tree:
    told = call.request()
    name, request = told.get("name"), told.get("req_uuid")
    if not isinstance(name, str) or not 1 <= len(name) <= 128:
        raise Refusal("ValidationError", "A key has a name of 1 to 128 characters.")
    request = request if isinstance(request, str) and request else None
    roles = _roles(told)
    return _made(call, *call.iam.keys.create(name, roles, creator=call.caller, request=request))


def _made(call: Call, key: AccessKey, secret: str) -> Tree:
    told = {"UserName": key.name, "AccessKeyId": key.id, "Status": "Active", "SecretAccessKey": secret}
    return {"CreateAccessKeyResult": {"AccessKey": told | {"CreateDate": iso_ms(key.created_ns)}}}


def update_roles(call: Call) -> Tree:
    told = call.request()
    call.iam.keys.set_roles(call.not_the_owner(str(told.get("id", ""))), _roles(told))
    return {"status": "success", "message": "", "operation": "UpdateAccessKeyWithBucketsRole"}


def list_access_keys(call: Call) -> Tree:
    if "KeyId" in call.form:
        wanted, owner = call.form["KeyId"], call.iam.owner
        keys, marker = [owner if wanted == owner.id else call.iam.keys.get(wanted)], ""
    else:
        keys, marker = _key_page(call)
    if call.as_json:
        return {"IsTruncated": bool(marker), "Marker": marker, "Keys": [_detailed(key) for key in keys]}
    listed = [
        {
            "UserName": key.name,
            "AccessKeyId": key.id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": iso_ms(key.created_ns),
        }
        for key in keys
    ]
    return {"ListAccessKeysResult": {"AccessKeyMetadata": listed, **paging(marker)}}


def _key_page(call: Call) -> tuple[list[AccessKey], str]:
    after, limit = call.page()
    named, owner = call.form.get("UserName") or None, call.iam.owner
    first = [owner] if not after and named in (None, owner.id, owner.name) else []
    room = limit - len(first)
    found = call.iam.keys.page(after=after, limit=room + 1, named=named)
    if len(found) <= room:
        return first + found, ""
    # the owner comes before all others, whatever its id sorts like
    return first + found[:room], found[room - 1].id if room else _BEFORE_ALL


def update_access_key(call: Call) -> Tree:
    status = call.need("Status")
    if status not in ("Active", "Inactive"):
        raise Refusal("ValidationError", "Status is Active or Inactive.")
    call.iam.keys.set_active(call.not_the_owner(call.need("AccessKeyId")), status == "Active")
    return {}


def rotate_access_key(call: Call) -> Tree:
    id_ = call.not_the_owner(call.need("AccessKeyId"))
    secret = call.iam.keys.rotate(id_)
    if call.as_json:
        return {"status": "success", "rotate_access_key_result": {"id": id_, "new_secret": secret}}
    return {"RotateAccessKeyResult": {"AccessKey": {"AccessKeyId": id_, "SecretAccessKey": secret}}}


def delete_access_key(call: Call) -> Tree:
    call.iam.keys.delete(call.not_the_owner(call.need("AccessKeyId")))
    return {}


def _roles(told: dict[str, Any]) -> tuple[BucketRole, ...]:
    given = told.get("buckets_role") or []
    if not isinstance(given, list) or len(given) > 1000 or not all(isinstance(one, dict) for one in given):
        raise Refusal("ValidationError", "buckets_role is a list of at most 1000 {bucket, role}.")
    try:
        return tuple(parse_role(str(one.get("bucket", "")), str(one.get("role", ""))) for one in given)
    except BadInput as error:
        raise Refusal("ValidationError", f"{error.message} Hint: {error.hint}.") from error


def _detailed(key: AccessKey) -> Tree:
    return {
        "access_key_id": key.id,
        "username": key.name,
        "created_at": iso_ms(key.created_ns),
        "status": "active" if key.active else "inactive",
        "namespace_id": "local",
        "creator": key.creator,
        "human_creator": "",
        "buckets_role": [{"bucket": held.bucket, "role": held.role.value} for held in key.roles],
    }


KEY_CALLS: dict[str, Callable[[Call], Tree]] = {
    "CreateAccessKey": create_access_key,
    "CreateAccessKeyWithBucketsRole": create_with_roles,
    "DeleteAccessKey": delete_access_key,
    "ListAccessKeys": list_access_keys,
    "RotateAccessKey": rotate_access_key,
    "UpdateAccessKey": update_access_key,
    "UpdateAccessKeyWithBucketsRole": update_roles,
}
