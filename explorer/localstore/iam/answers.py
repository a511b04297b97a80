"""What IAM calls answer: one nested value, written as XML for AWS's clients and as JSON for Tigris'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from explorer.localstore.wire import xml
from explorer.localstore.wire.answers import IAM_NAMESPACE, Answer, json_answer

Tree = Mapping[str, object]


def write(call: str, tree: Tree, *, as_json: bool, request_id: str) -> Answer:
    """The answer to `call`: in XML `<CallResponse><CallResult>…`, in JSON the tree as it is."""
    if as_json:
        return json_answer(tree)
    metadata = ("ResponseMetadata", [("RequestId", request_id)])
    body = xml.document(f"{call}Response", [*_fields(tree), metadata], namespace=IAM_NAMESPACE)
    return Answer(200, [("content-type", "text/xml")], body)


def _fields(tree: Tree) -> Iterable[tuple[str, object]]:
    for name, value in tree.items():
        yield name, _field(value)


def _field(value: object) -> object:
    if isinstance(value, Mapping):
        return list(_fields(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [("member", _field(one)) for one in value]
    return value
