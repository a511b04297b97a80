"""Which inert values are torch's tensors, and what they say: dtype, shape, storage."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from explorer.checkpoints.dtypes import named, size_in_bytes
from explorer.checkpoints.inert import Call, Global, Persistent

_REBUILD = "torch._utils"
_MAX_DIMENSIONS = 64
_MAX_DIMENSION = 2**63


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor as pickled: where it lies in which storage. `offset` counts elements."""

    dtype: str
    shape: tuple[int, ...]
    storage: str
    """Its key in the archive; `""` where it has none (meta tensors, subclasses)."""
    offset: int = 0
    plain: bool = True
    """Whether its elements lie one after the other."""
    strides: tuple[int, ...] | None = None
    """Where they do not: elements from one to the next, by dimension."""

    @property
    def size_bytes(self) -> int:
        return size_in_bytes(self.dtype, self.shape) or 0

    @property
    def start_bytes(self) -> int:
        """Where in its storage it begins."""
        return size_in_bytes(self.dtype, (self.offset,)) or 0

    @property
    def end_bytes(self) -> int:
        """Where in its storage it must end at the earliest; strided views are judged by their start."""
        return self.start_bytes + (self.size_bytes if self.plain else 0)

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two names of one tensor."""
        return (self.storage, self.offset, self.shape, self.dtype)


def view(value: Any, depth: int = 0) -> TensorView | None:
    """The tensor that a value is, or None. Source: torch/_utils.py, torch/_tensor.py."""
    if type(value) is not Call or depth > 4 or not isinstance(value.args, tuple):
        return None
    module, name, args = _callee(value)
    if module == _REBUILD and name in ("_rebuild_tensor_v2", "_rebuild_tensor", "_rebuild_tensor_v3"):
        dtype = args[6] if name.endswith("v3") and len(args) > 6 else None
        return _strided(args, dtype)
    if module == _REBUILD and name in ("_rebuild_parameter", "_rebuild_parameter_with_state") and args:
        return view(args[0], depth + 1)
    if module == "torch._tensor" and name == "_rebuild_from_type_v2" and len(args) > 2:
        inner = args[2]
        return view(Call(args[0], inner), depth + 1) if isinstance(inner, tuple) else None
    if module == _REBUILD and name == "_rebuild_meta_tensor_no_storage" and len(args) > 1:
        return _shaped(args[0], args[1])
    if module == _REBUILD and name == "_rebuild_wrapper_subclass" and len(args) > 2:
        return _shaped(args[1], args[2])
    if module == _REBUILD and name == "_rebuild_qtensor" and len(args) > 3:
        return _strided(args, None)
    if module == _REBUILD and name == "_rebuild_device_tensor_from_numpy" and len(args) > 1:
        return _shaped(args[1], ())
    return None


def sizes(value: Any) -> tuple[int, ...] | None:
    """A shape: a tuple of whole numbers, or torch.Size of one."""
    if isinstance(value, Call) and value.path == "torch.Size":
        value = value.args[0] if isinstance(value.args, tuple) and value.args else ()
    if not isinstance(value, list | tuple) or len(value) > _MAX_DIMENSIONS:
        return None
    if not all(type(n) is int and 0 <= n < _MAX_DIMENSION for n in value):
        return None
    return tuple(value)


def dtype_name(value: Any) -> str | None:
    """The dtype that a global such as `torch.bfloat16` or `torch.FloatStorage` names."""
    return named(value.name) if isinstance(value, Global) and value.module.startswith("torch") else None


def storage_of(value: Any) -> tuple[str, str, int] | None:
    """Dtype, key and number of elements of a storage. Source: torch/serialization.py, persistent_id."""
    pid = value.pid if isinstance(value, Persistent) else None
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
        return None
    dtype, count = dtype_name(pid[1]), pid[4]
    if dtype is None or type(count) is not int or not isinstance(pid[2], str | int):
        return None
    return dtype, str(pid[2])[:100], count


def _callee(call: Call) -> tuple[str, str, tuple[Any, ...]]:
    callee = call.callee
    return (callee.module, callee.name, call.args) if isinstance(callee, Global) else ("", "", ())


def _strided(args: tuple[Any, ...], dtype: Any) -> TensorView | None:
    storage = storage_of(args[0]) if len(args) > 3 else None
    shape, stride = (sizes(args[2]), sizes(args[3])) if len(args) > 3 else (None, None)
    if storage is None or shape is None or type(args[1]) is not int:
        return None
    contiguous = stride is not None and len(stride) == len(shape) and _is_contiguous(shape, stride)
    strides = stride if stride is not None and len(stride) == len(shape) and not contiguous else None
    return TensorView(dtype_name(dtype) or storage[0], shape, storage[1], args[1], contiguous, strides)


def _shaped(dtype: Any, shape: Any) -> TensorView | None:
    dimensions, kind = sizes(shape), dtype_name(dtype)
    return None if dimensions is None or kind is None else TensorView(kind, dimensions, "", 0, False)


def _is_contiguous(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    if prod(shape) == 0:
        return True
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        if size != 1 and step != expected:
            return False
        expected *= size
    return True
