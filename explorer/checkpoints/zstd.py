"""Zstandard within bounds, for the small nodes of Orbax's key-value store. Source: RFC 8878."""

from __future__ import annotations

import sys

from explorer.errors import BadCheckpoint

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MOST_WINDOW = 25
"""log2 of the memory that a frame may ask for."""


def decompress(data: bytes, max_bytes: int) -> bytes:
    """The content of one frame.

    Raises:
        BadCheckpoint: damaged, cut off, more than `max_bytes`, or made with a dictionary.
    """
    decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MOST_WINDOW})
    try:
        content = decoder.decompress(data, max_bytes + 1)
    except zstd.ZstdError as error:
        raise spoilt(str(error).rstrip(".").lower()) from None
    if len(content) > max_bytes:
        raise spoilt(f"it unpacks to more than {max_bytes} bytes")
    if not decoder.eof:
        raise spoilt("it is cut off")
    return content


def spoilt(why: str) -> BadCheckpoint:
    return BadCheckpoint(f"The compressed bytes are damaged: {why}.", hint="save the checkpoint again")
