"""Access keys and policies: the IAM calls of Tigris and of the local store, as Tigris' own clients send them.

One signed form each, without boto3's `iam` client: describing that service costs 60 ms at the first call, and
its calls know neither a key's name nor its roles. A "user" is an access key. `Sid` and `Condition` travel in
the document as it is given; Tigris' JavaScript SDK drops both.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from explorer.access import BucketRole, Policy, parse_role, read_stored
from explorer.errors import BadInput, ExplorerError, NotAllowed, NotFound, Unreachable
from explorer.storage.clients import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, is_loopback
from explorer.storage.store import Store
from explorer.storage.translate import Asked, translate

TIGRIS_IAM = "https://iam.storage.dev"
_TIGRIS_HOSTS = (".storage.dev", ".tigris.dev", ".storageapi.dev")
_OVERRIDES = ("AWS_ENDPOINT_URL_IAM", "TIGRIS_IAM_ENDPOINT")
_WAITS_S = (0.1, 0.5)
_NOT_OFFERED = ("InvalidAction", "NotImplemented", "UnknownOperationException", "MethodNotAllowed")


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A key as it leaves the store, once."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a store tells about a key, never its secret. `policies` are pairs of ARN and document."""

    id: str
    name: str
    active: bool
    roles: tuple[BucketRole, ...] = ()
    policies: tuple[tuple[str, Policy], ...] = ()


class Keys:
    """Keys and policies of the account that a store belongs to.

    Every call blocks and raises NotAllowed where this endpoint, or the key in use, makes no keys; Unreachable
    where nobody answers. All of them may be repeated: the store knows a request it has seen.
    """

    def __init__(self, store: Store, environ: Mapping[str, str] | None = None) -> None:
        self._clients = store._clients
        self.endpoint = iam_endpoint(
            store.info.endpoint,
            is_local=store.info.is_local,
            environ=os.environ if environ is None else environ,
        )
        self._http: Any = None

    def create(self, name: str, roles: Sequence[BucketRole] = ()) -> MintedKey:
        """A key; without roles it can do nothing until a policy is attached."""
        told = {"req_uuid": str(uuid.uuid4()), "name": name, "buckets_role": _roles_json(roles)}
        made = self._call("CreateAccessKeyWithBucketsRole", {"Req": json.dumps(told)})
        key = made["CreateAccessKeyResult"]["AccessKey"]
        return MintedKey(str(key["AccessKeyId"]), str(key["SecretAccessKey"]))

    def set_roles(self, key_id: str, roles: Sequence[BucketRole]) -> None:
        """Replace all roles of a key."""
        told = {"req_uuid": str(uuid.uuid4()), "id": key_id, "buckets_role": _roles_json(roles)}
        self._call("UpdateAccessKeyWithBucketsRole", {"Req": json.dumps(told)})

    def create_policy(self, name: str, policy: Policy, description: str = "") -> str:
        """Store a policy; returns its ARN."""
        asked = {"PolicyName": name, "Description": description, "ReqUUID": str(uuid.uuid4())}
        made = self._call("CreatePolicy", asked | {"PolicyDocument": json.dumps(policy.to_json())})
        return str(made["CreatePolicyResult"]["Policy"]["Arn"])

    def attach(self, arn: str, key_id: str) -> None:
        self._call("AttachUserPolicy", {"PolicyArn": arn, "UserName": key_id})

    def delete(self, key_id: str, arn: str | None = None) -> None:
        """Take a key away, with its policy: detach (it can do nothing from here on), delete both.

        What is gone already is no error.
        """
        if arn is not None:
            self._quietly("DetachUserPolicy", {"PolicyArn": arn, "UserName": key_id})
            self.delete_policy(arn)
        version = {"Action": "DeleteAccessKey", "Version": "2010-05-08"}
        self._quietly("DeleteAccessKey", version | {"AccessKeyId": key_id})

    def delete_policy(self, arn: str) -> None:
        self._quietly("DeletePolicy", {"PolicyArn": arn})

    def list(self) -> Iterator[KeyInfo]:
        """All keys without their policies, a request a page."""
        asked = {"Action": "ListAccessKeys", "MaxItems": "100"}
        for page in self._pages("Detailed", asked, lambda told: told):
            yield from (_key_info(one) for one in page.get("Keys") or ())

    def list_policies(self) -> Iterator[tuple[str, str]]:
        """(name, ARN) of all policies, a request a page."""
        result: Callable[[Any], Any] = lambda told: told["ListPoliciesResult"]  # noqa: E731
        for page in self._pages("Action=ListPolicies", {"MaxItems": "100"}, result):
            yield from ((str(one["PolicyName"]), str(one["Arn"])) for one in page.get("Policies") or ())

    def read(self, key_id: str) -> KeyInfo:
        """A key with its roles and the policies attached to it: three requests, and one a policy.

        Raises:
            NotFound: no such key.
        """
        told = self._post("Detailed", {"Action": "ListAccessKeys", "KeyId": key_id})
        keys = told.get("Keys") or ()
        if not keys:
            raise NotFound(f"There is no key `{key_id}`.", hint="`explorer access list` shows yours")
        info = _key_info(keys[0])
        names: set[str] = set()
        asked = {"UserName": key_id, "MaxItems": "100"}
        result: Callable[[Any], Any] = lambda told: told["ListUserPoliciesResult"]  # noqa: E731
        for page in self._pages("Action=ListUserPolicies", asked, result):
            names |= set(page.get("PolicyNames") or ())
        arns = [arn for name, arn in self.list_policies() if name in names] if names else []
        policies = tuple((arn, self.read_policy(arn)) for arn in arns)
        return KeyInfo(info.id, info.name, info.active, info.roles, policies)

    def read_policy(self, arn: str) -> Policy:
        """A stored policy; what cannot be judged in it fails closed."""
        told = self._call("GetPolicyDetailed", {"PolicyArn": arn})
        return read_stored(str(told["PolicyDetailed"]["Document"]))

    def _pages(self, query: str, asked: dict[str, str], result: Callable[[Any], Any]) -> Iterator[Any]:
        marker = ""
        while True:
            page = result(self._post(query, asked | ({"Marker": marker} if marker else {})))
            yield page
            following = str(page.get("Marker") or "")
            if not page.get("IsTruncated") or not following or following == marker:
                return
            marker = following

    def _quietly(self, action: str, form: Mapping[str, str]) -> None:
        with suppress(NotFound):
            self._call(action, form)

    def _call(self, action: str, form: Mapping[str, str]) -> Any:
        return self._post(f"Action={action}", form)

    def _post(self, query: str, form: Mapping[str, str]) -> Any:
        if self.endpoint is None:
            raise NotAllowed(
                "This endpoint is not known to make keys.",
                hint="`AWS_ENDPOINT_URL_IAM` names where it does",
                where=self._clients.endpoint,
            )
        for wait in (*_WAITS_S, None):
            try:
                return self._send(query, urlencode(form))
            except Unreachable:
                if wait is None:
                    raise
                time.sleep(wait)
        return None

    def _send(self, query: str, body: str) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        session = self._clients.session
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        request = AWSRequest("POST", f"{self.endpoint}/?{query}", headers=headers, data=body.encode())
        frozen = session.get_credentials().get_frozen_credentials()
        S3SigV4Auth(frozen, "s3", "auto").add_auth(request)
        try:
            answer = self._connection(session).send(request.prepare())
            content = answer.content
        except Exception as error:
            raise translate(error, Asked(str(self.endpoint), self._clients.source)) from error
        try:
            told = json.loads(content) if content.strip() else {}
        except ValueError:
            told = None
        if answer.status_code == 200 and isinstance(told, dict):
            return told
        raise self._refusal(answer.status_code, *_said(told, content))

    def _connection(self, session: Any) -> Any:
        if self._http is None:
            from botocore.httpsession import URLLib3Session
            from botocore.utils import get_environ_proxies

            here = is_loopback(str(self.endpoint))
            self._http = URLLib3Session(
                verify=session._session.get_config_variable("ca_bundle") or True,
                proxies={} if here else get_environ_proxies(self.endpoint),
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                # a form goes out behind its headers: without this each call waits 40 ms for an ACK of those
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            )
        return self._http

    def _refusal(self, status: int, code: str, said: str) -> ExplorerError:
        text = said.rstrip(".") or code or str(status)
        where = str(self.endpoint)
        if code in ("NoSuchEntity", "NoSuchKey", "NotFound"):
            return NotFound(f"{text}.", hint="it is gone already, or of another store", where=where)
        if status >= 500 and status != 501:
            hint = "check the endpoint and the network"
            return Unreachable(f"{where} did not answer: {status} {text}", hint=hint)
        if status in (200, 401, 403, 404, 405, 501) or code in _NOT_OFFERED:
            hint = f"{self._clients.source} was used; it takes the owner's key, or an admin's"
            return NotAllowed(f"No keys are made here: {text}.", hint=hint, where=where)
        return BadInput(f"The store refused: {text}.", hint="check the names and the policy", where=where)


def iam_endpoint(endpoint: str, *, is_local: bool, environ: Mapping[str, str]) -> str | None:
    """Where a store makes its keys: on its own port where it is on this machine, else as told or known."""
    told = next((environ[name] for name in _OVERRIDES if environ.get(name)), None)
    if is_local or (told is None and is_loopback(endpoint)):
        return endpoint.rstrip("/")
    if told is not None:
        return told.rstrip("/")
    host = (urlsplit(endpoint).hostname or "").rstrip(".")
    return TIGRIS_IAM if f".{host}".endswith(_TIGRIS_HOSTS) else None


def _roles_json(roles: Sequence[BucketRole]) -> list[dict[str, str]]:
    return [{"bucket": held.bucket, "role": held.role.value} for held in roles]


def _key_info(told: Mapping[str, Any]) -> KeyInfo:
    roles = []
    for one in told.get("buckets_role") or ():
        try:
            roles.append(parse_role(str(one.get("bucket", "")), str(one.get("role", ""))))
        except BadInput:
            continue  # a role that only a newer store knows: nothing is claimed about it
    active = str(told.get("status", "active")).lower() == "active"
    return KeyInfo(str(told["access_key_id"]), str(told.get("username") or ""), active, tuple(roles))


def _said(told: Any, content: bytes) -> tuple[str, str]:
    """Code and message of an error, in JSON (either capitalisation, nested or not) or in XML."""
    import re

    if isinstance(told, dict):
        inner = next((told[n] for n in ("Error", "error") if isinstance(told.get(n), dict)), told)
        return tuple(str(inner.get(n) or inner.get(n.lower()) or "") for n in ("Code", "Message"))  # type: ignore[return-value]
    text = content.decode(errors="replace")
    found = [re.search(rf"<{name}>([^<]*)</{name}>", text) for name in ("Code", "Message")]
    return (found[0][1] if found[0] else ""), (found[1][1] if found[1] else "")
