"""What is computed over a body while it streams by: the ETag, the blob's name, the client's checksums."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Protocol

from blake3 import blake3

from explorer.localstore.engine.crc import Crc32, Crc32c, Crc64Nvme
from explorer.localstore.refusals import Refusal

Buffer = bytes | bytearray | memoryview


class Hash(Protocol):
    def update(self, data: Buffer, /) -> object: ...
    def digest(self) -> bytes: ...


ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def new_checksum(algorithm: str) -> Hash:
    match algorithm:
        case "CRC32":
            return Crc32()
        case "CRC32C":
            return Crc32c()
        case "CRC64NVME":
            return Crc64Nvme()
        case "SHA1":
            return hashlib.sha1(usedforsecurity=False)
        case "SHA256":
            return hashlib.sha256()
        case _:
            raise Refusal("InvalidRequest", f"The checksum algorithm {algorithm} is not known.")


def base64_digest(checksum: Hash) -> str:
    return base64.b64encode(checksum.digest()).decode()


class Digests:
    """Feed it the body once; it knows the ETag (MD5), the blob's name (blake3) and the checksums."""

    def __init__(self, algorithms: Iterable[str] = (), *, sha256: bool = False) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._blake3 = blake3()
        self._checksums = {name: new_checksum(name) for name in algorithms}
        self._payload = hashlib.sha256() if sha256 and "SHA256" not in self._checksums else None
        self._others: list[Hash] = [self._blake3, *self._checksums.values()]
        if self._payload is not None:
            self._others.append(self._payload)
        self.size = 0

    def update_etag(self, data: Buffer) -> None:
        """MD5 takes longer than all the others together, so it may run beside them."""
        self._md5.update(data)

    def update_others(self, data: Buffer) -> None:
        self.size += len(data)
        for each in self._others:
            each.update(data)

    def update(self, data: Buffer) -> None:
        self.update_etag(data)
        self.update_others(data)

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    @property
    def etag(self) -> str:
        return self._md5.hexdigest()

    @property
    def blob(self) -> str:
        return self._blake3.hexdigest()

    @property
    def payload_sha256(self) -> str:
        """Hex, as `x-amz-content-sha256` claims it."""
        return (self._payload or self._checksums["SHA256"]).digest().hex()

    def checksum(self, algorithm: str) -> str:
        return base64_digest(self._checksums[algorithm])
