"""ONNX: the initialisers of a graph, from the fields of the protobuf; nothing of the graph is built.

Source: onnx/onnx.proto, and the wire format of protocol buffers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from explorer.checkpoints.dtypes import size_in_bytes
from explorer.checkpoints.hopping import Hops
from explorer.checkpoints.values import Part, Tensor, Value
from explorer.checkpoints.waves import Reading
from explorer.lineage.values import ObjectInfo

_DTYPES = (
    "undefined", "F32", "U8", "I8", "U16", "I16", "I32", "I64", "string", "BOOL", "F16", "F64", "U32", "U64",
    "C64", "C128", "BF16", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "U4", "I4", "F4", "F8_E8M0",
    "U2", "I2",
)  # fmt: skip
_MAX_TENSORS = 100_000
_MAX_FIELDS = 400_000
_MAX_TEXT_BYTES = 64 * 1024
_MAX_DIMENSIONS = 64
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MODEL_TEXTS = {2: "producer_name", 3: "producer_version", 4: "domain"}
_MODEL_NUMBERS = {1: "ir_version", 5: "model_version"}
_GRAPH, _OPSET, _NOTE = 7, 8, 14
_NODE, _GRAPH_NAME, _INITIALISER, _SPARSE = 1, 2, 5, 15
_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14


@dataclass(slots=True)
class _Tensor:
    """A TensorProto as far as it was read."""

    name: str = ""
    dtype: int = 0
    shape: list[int] = field(default_factory=list)
    raw: tuple[int, int] | None = None
    """Where its bytes lie, and how many."""
    outside: bool = False
    external: dict[str, str] = field(default_factory=dict)


def read_onnx(info: ObjectInfo, file: str, head: bytes) -> Reading[Part]:
    """Initialisers with shapes, dtypes and places, the versions, and the files that hold their data.

    Raises:
        BadCheckpoint: no ONNX model, damaged or cut short.
    """
    model = _Model(Hops(info, file, head))
    yield from model.read()
    if not model.graphs:
        raise model.hops.refused("it holds no graph")
    return Part(
        file,
        "onnx",
        tuple(model.tensors),
        model.config,
        needs=tuple(dict.fromkeys(model.needs)),
        warnings=tuple(dict.fromkeys(model.warnings)),
    )


class _Model:
    def __init__(self, hops: Hops) -> None:
        self.hops = hops
        self.tensors: list[Tensor] = []
        self.config: dict[str, Value] = {}
        self.needs: list[str] = []
        self.warnings: list[str] = []
        self.graphs = self.nodes = 0
        self._fields = 0

    def read(self) -> Reading[None]:
        hops = self.hops
        while hops.at < hops.size_bytes:
            number, wire, value = yield from self._field(hops.size_bytes)
            if number in _MODEL_NUMBERS and wire == _VARINT:
                self.config[f"onnx.{_MODEL_NUMBERS[number]}"] = value
            elif wire != _LENGTH:
                continue
            elif number in _MODEL_TEXTS:
                self.config[f"onnx.{_MODEL_TEXTS[number]}"] = yield from self._text(value)
            elif number in (_OPSET, _NOTE):
                one, two = yield from self._pair(value)
                self.config[f"onnx.{'opset' if number == _OPSET else 'metadata'}.{one or 'ai.onnx'}"] = two
            elif number == _GRAPH:
                self.graphs += 1
                yield from self._graph(hops.at + value)
            else:
                hops.leap(value)
        self.config["onnx.nodes"] = self.nodes

    def _graph(self, end: int) -> Reading[None]:
        while self.hops.at < end:
            number, wire, value = yield from self._field(end)
            if wire != _LENGTH:
                continue
            if number == _INITIALISER:
                yield from self._initialiser(self.hops.at + value)
            elif number == _GRAPH_NAME:
                self.config["onnx.graph"] = yield from self._text(value)
            else:
                self.nodes += number == _NODE
                if number == _SPARSE:
                    self.warnings.append(f"{self.hops.file}: sparse initialisers were not read")
                self.hops.leap(value)

    def _initialiser(self, end: int) -> Reading[None]:
        found = _Tensor()
        while self.hops.at < end:
            number, wire, value = yield from self._field(end)
            if number == _DIMS and wire == _VARINT:
                found.shape.append(value)
            elif number == _DIMS and wire == _LENGTH:
                stop = self.hops.at + value
                while self.hops.at < stop and len(found.shape) <= _MAX_DIMENSIONS:
                    found.shape.append((yield from self._varint()))
            elif number == _TYPE and wire == _VARINT:
                found.dtype = value
            elif number == _LOCATION and wire == _VARINT:
                found.outside = value == 1
            elif number == _NAME and wire == _LENGTH:
                found.name = yield from self._text(value)
            elif number == _EXTERNAL and wire == _LENGTH:
                key, told = yield from self._pair(value)
                found.external[str(key)] = str(told)
            elif wire == _LENGTH:
                if number == _RAW:
                    found.raw = (self.hops.at, value)
                self.hops.leap(value)
        self._keep(found)

    def _keep(self, found: _Tensor) -> None:
        dtype = _DTYPES[found.dtype] if found.dtype < len(_DTYPES) else f"type {found.dtype}"
        shape = tuple(found.shape)
        if len(shape) > _MAX_DIMENSIONS or not all(0 <= side < 2**63 for side in shape):
            raise self.hops.refused(f"`{found.name[:80]}` has a shape that no tensor has")
        size = size_in_bytes(dtype, shape)
        file, start = self.hops.file, found.raw[0] if found.raw else None
        if found.outside:
            file, start = self._outside(found)
        elif found.raw and size is not None and size != found.raw[1]:
            raise self.hops.refused(
                f"`{found.name[:80]}` is {dtype} {list(shape)}, its data has {found.raw[1]} bytes"
            )
        if len(self.tensors) >= _MAX_TENSORS:
            raise self.hops.refused(f"it has more than {_MAX_TENSORS} initialisers")
        self.tensors.append(Tensor(found.name, dtype, shape, size or 0, file, start))

    def _outside(self, found: _Tensor) -> tuple[str, int | None]:
        """The file beside it that holds a tensor's bytes, and where in it they begin."""
        location, at = found.external.get("location", ""), found.external.get("offset", "0")
        parts = location.replace("\\", "/").split("/")
        if ".." in parts or not all(parts) or len(location) > 300:
            self.warnings.append(
                f"{self.hops.file}: the file name `{location[:80]}` leaves the folder, it was not followed"
            )
            return self.hops.file, None
        folder = self.hops.file[: self.hops.file.rfind("/") + 1]
        self.needs.append(folder + location)
        return folder + location, int(at) if at.isascii() and at.isdigit() and len(at) < 19 else None

    def _field(self, end: int) -> Reading[tuple[int, int, int]]:
        """Number, wire type, and the value or the length of what follows."""
        self._fields += 1
        if self._fields > _MAX_FIELDS or end > self.hops.size_bytes:
            raise self.hops.refused("its parts are too many, or reach beyond its end")
        key = yield from self._varint()
        number, wire = key >> 3, key & 7
        if not number or wire not in (_VARINT, _FIXED64, _LENGTH, _FIXED32):
            raise self.hops.refused(f"byte {self.hops.at} ends no field of a protocol buffer")
        if wire in (_FIXED64, _FIXED32):
            self.hops.leap(8 if wire == _FIXED64 else 4)
            return number, wire, 0
        value = yield from self._varint()
        if wire == _LENGTH and self.hops.at + value > end:
            raise self.hops.refused(
                f"{value} bytes at {self.hops.at} reach beyond {end}, where they must end"
            )
        return number, wire, value

    def _varint(self) -> Reading[int]:
        value = 0
        for shift in range(0, 70, 7):
            byte = (yield from self.hops.take(1))[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise self.hops.refused(f"the number at byte {self.hops.at} has no end")

    def _text(self, count: int) -> Reading[str]:
        if count > _MAX_TEXT_BYTES:
            self.hops.leap(count)
            return f"a text of {count} bytes"
        return (yield from self.hops.take(count)).decode("utf-8", "replace")

    def _pair(self, count: int) -> Reading[tuple[str, Any]]:
        """A name in field 1 with a text or a number in field 2: notes, places, versions of operators."""
        end = self.hops.at + count
        name: str = ""
        told: Any = ""
        while self.hops.at < end:
            number, wire, value = yield from self._field(end)
            if wire == _LENGTH:
                text = yield from self._text(value)
                name, told = (text, told) if number == 1 else (name, text)
            elif wire == _VARINT:
                told = value if number == 2 else told
        return name, told
