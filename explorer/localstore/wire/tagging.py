"""Tags of objects."""

from __future__ import annotations

from dataclasses import replace

from explorer.localstore.wire import xml
from explorer.localstore.wire.answers import Answer, xml_answer
from explorer.localstore.wire.attributes import version_headers
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.configurations import read_tags, xml_tags
from explorer.localstore.wire.objects import find


async def get_tags(call: Call) -> Answer:
    call.authorise()
    bucket = call.bucket()
    found = find(call, bucket, call.request.object_key)
    tags = xml_tags(found.attributes.tags.items())
    return xml_answer("Tagging", [("TagSet", tags)], version_headers(bucket, found))


async def put_tags(call: Call) -> Answer:
    call.authorise()
    tags = read_tags(xml.parse(await call.document(), "Tagging").get("TagSet"))
    return await _set_tags(call, tags, 200)


async def delete_tags(call: Call) -> Answer:
    call.authorise()
    return await _set_tags(call, {}, 204)


async def _set_tags(call: Call, tags: dict[str, str], status: int) -> Answer:
    bucket = call.bucket()
    found = find(call, bucket, call.request.object_key)
    made = await call.run(
        call.engine.objects.change_tags, bucket, found, replace(found.attributes, tags=tags)
    )
    return Answer(status, version_headers(bucket, made))
