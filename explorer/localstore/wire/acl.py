"""Access control lists: everything is its owner's alone, which can be read and said again, not changed."""

from __future__ import annotations

from explorer.localstore.refusals import not_implemented
from explorer.localstore.wire import xml
from explorer.localstore.wire.answers import Answer, xml_answer
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.listings import OWNER
from explorer.localstore.wire.objects import find

_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_GRANT = xml.Written(
    f'<Grant><Grantee xmlns:xsi="{_INSTANCE}" xsi:type="CanonicalUser"><ID>local</ID>'
    "<DisplayName>local</DisplayName></Grantee><Permission>FULL_CONTROL</Permission></Grant>"
)


async def get_acl(call: Call) -> Answer:
    call.authorise()
    _check_there(call)
    return xml_answer("AccessControlPolicy", [("Owner", OWNER), ("AccessControlList", [("Grant", _GRANT)])])


async def put_acl(call: Call) -> Answer:
    """Take a list that says what is so already; a canned one has been looked at with the other headers."""
    call.authorise()
    body = await call.document()
    _check_there(call)
    if body.strip() and not _is_owners_alone(xml.parse(body, "AccessControlPolicy")):
        raise not_implemented(f"{call.operation} of anything but private")
    return Answer(200)


def _check_there(call: Call) -> None:
    bucket = call.bucket()
    if call.request.key is not None:
        find(call, bucket, call.request.object_key)


def _is_owners_alone(policy: xml.Element) -> bool:
    grants = policy.get("AccessControlList")
    found = grants.all("Grant") if grants is not None else []
    return len(found) > 0 and all(_is_owners(grant) for grant in found)


def _is_owners(grant: xml.Element) -> bool:
    grantee = grant.get("Grantee")
    whole = grant.value("Permission") == "FULL_CONTROL"
    return whole and grantee is not None and grantee.value("ID") == "local"
