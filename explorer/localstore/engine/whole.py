"""The checksum of a whole object from the checksums of its parts."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from explorer.localstore.engine.crc import combine
from explorer.localstore.engine.digests import base64_digest, new_checksum
from explorer.localstore.engine.records import Part


def whole_checksum(algorithm: str, checksum_type: str, parts: Sequence[Part]) -> str:
    """FULL_OBJECT: the checksum of all the bytes. COMPOSITE: the checksum of the checksums, with `-N`."""
    raw = [base64.b64decode(part.checksum) for part in parts]
    if checksum_type == "COMPOSITE":
        checksum = new_checksum(algorithm)
        checksum.update(b"".join(raw))
        return f"{base64_digest(checksum)}-{len(parts)}"
    joined = raw[0]
    for digest, part in zip(raw[1:], parts[1:], strict=True):
        joined = combine(algorithm, joined, digest, part.size)
    return base64.b64encode(joined).decode()
