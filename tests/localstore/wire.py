"""Requests as no SDK would send them: signed by botocore, sent as they are."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from explorer.localstore import Running


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return ElementTree.fromstring(self.body).findtext("Code") or ""

    def text(self, path: str) -> str | None:
        spaced = "/".join("{*}" + each for each in path.split("/"))
        return ElementTree.fromstring(self.body).findtext(spaced)


def send(
    running: Running,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    sent_body: bytes | None = None,
    after_signing: dict[str, str] | None = None,
) -> Answer:
    """Sign `path` as it is and send it; `sent_body` goes over the wire instead of the body that was signed."""
    request = AWSRequest(method, running.endpoint + path, headers=headers or {}, data=body)
    request.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials(running.access_key, running.secret_key), "s3", "auto").add_auth(request)
    return raw(
        running,
        method,
        path,
        body if sent_body is None else sent_body,
        {**dict(request.headers.items()), **(after_signing or {})},
    )


def raw(running: Running, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    parts = urlsplit(running.endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode())
        if "content-length" not in {name.lower() for name in headers}:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()
