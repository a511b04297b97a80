"""Zstandard within bounds, for Orbax's key-value store and the chunks in it. Source: RFC 8878."""

from __future__ import annotations

import sys

from explorer.errors import BadCheckpoint

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MOST_WINDOW = 25
"""log2 of the memory that a frame may ask for."""
_STEP_BYTES = 4 * 2**20


def decompress(data: bytes, max_bytes: int) -> bytes:
    """The content of one frame.

    Raises:
        BadCheckpoint: damaged, cut off, more than `max_bytes`, or made with a dictionary.
    """
    return bytes(decompress_large(data, max_bytes))


def decompress_large(data: bytes | bytearray, max_bytes: int) -> bytearray:
    """As `decompress`, without ever holding the content twice."""
    decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MOST_WINDOW})
    content = bytearray()
    try:
        while not decoder.eof and len(content) <= max_bytes:
            piece = decoder.decompress(data, min(_STEP_BYTES, max_bytes + 1 - len(content)))
            if not piece and decoder.needs_input:
                break
            content += piece
            data = b""
    except zstd.ZstdError as error:
        raise spoilt(str(error).rstrip(".").lower()) from None
    if len(content) > max_bytes:
        raise spoilt(f"it unpacks to more than {max_bytes} bytes")
    if not decoder.eof:
        raise spoilt("it is cut off")
    return content


def spoilt(why: str) -> BadCheckpoint:
    return BadCheckpoint(f"The compressed bytes are damaged: {why}.", hint="save the checkpoint again")
