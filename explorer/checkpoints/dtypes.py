"""Dtypes under one name each, and how many bits an element takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "C128": 128,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4, "U4": 4, "I4": 4, "U2": 2, "I2": 2,
}  # fmt: skip

_TORCH = {
    "float32": "F32", "float": "F32", "float64": "F64", "double": "F64", "float16": "F16", "half": "F16",
    "bfloat16": "BF16", "int64": "I64", "long": "I64", "int32": "I32", "int": "I32", "int16": "I16",
    "short": "I16", "int8": "I8", "char": "I8", "uint8": "U8", "byte": "U8", "uint16": "U16", "uint32": "U32",
    "uint64": "U64", "bool": "BOOL", "complex64": "C64", "complexfloat": "C64",
    "complex128": "C128", "complexdouble": "C128",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float4_e2m1fn_x2": "F4",
    "float8_e4m3": "F8_E4M3",
}  # fmt: skip

_NUMPY = {
    "f2": "F16", "f4": "F32", "f8": "F64", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64",
    "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64", "c16": "C128",
}  # fmt: skip


def named(dtype: str) -> str:
    """The one name of a dtype as torch, numpy or JAX write it; an unknown one stays as it is."""
    word = dtype.removeprefix("torch.").removesuffix("Storage").lower()
    return _TORCH.get(word) or _NUMPY.get(word.lstrip("<>|=")) or dtype[:40]


def size_in_bytes(dtype: str, shape: Sequence[int]) -> int | None:
    """Bytes of a dense tensor; None for a dtype that nobody here knows (new ones appear every year)."""
    bits = BITS.get(dtype)
    return None if bits is None else (prod(shape) * bits + 7) // 8
