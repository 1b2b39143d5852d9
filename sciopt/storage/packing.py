"""Nested Python state as JSON and a list of arrays, without pickle."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sciopt.storage.errors import StorageError

__all__ = ["pack", "unpack"]

Spec = Any  # what JSON can hold


def pack(obj: Any) -> tuple[Spec, list[Any]]:
    """Take nested state apart.

    Parameters
    ----------
    obj
        None, numbers, texts, bytes, arrays (JAX arrays come back as numpy), slices, and dicts, tuples, lists, sets,
        named tuples, dataclasses and enumerations of them. Classes must be defined in ``sciopt``; a dataclass with
        a ``__getstate__`` is stored by that state.

    Returns
    -------
    spec, arrays
        A structure that JSON can hold, without NaN, and the arrays it refers to.

    Raises
    ------
    StorageError
        Anything else: a function, an object of another package, an array of objects. The message names the field.

    Examples
    --------
    >>> spec, arrays = pack({"step": (1, 0.5), "momentum": np.zeros(3)})
    >>> len(arrays), unpack(spec, arrays)["step"]
    (1, (1, 0.5))
    """
    arrays: list[Any] = []
    return _pack(obj, "state", arrays), arrays


def unpack(spec: Spec, arrays: Sequence[Any]) -> Any:
    """Put together what `pack` took apart.

    Parameters
    ----------
    spec, arrays
        As returned by `pack`. Arrays are used as they are, without a copy.

    Raises
    ------
    StorageError
        The spec is damaged, or a class in it is unknown to this version or has other fields. Only classes of
        ``sciopt`` are ever imported, and their constructors are not run.
    """
    try:
        return _unpack(spec, arrays, "state")
    except StorageError:
        raise
    except (TypeError, KeyError, IndexError, AttributeError, ValueError, struct.error) as error:
        raise StorageError(f"the stored state is damaged: {error!r}") from error


def _pack(obj: Any, place: str, arrays: list[Any]) -> Spec:
    if isinstance(obj, enum.Enum):
        return {"enum": [_class_name(type(obj), place), obj.name]}
    if isinstance(obj, np.generic):
        return _array(np.asarray(obj), "scalar", place, arrays)
    if obj is None or isinstance(obj, (bool, str)):
        return obj
    if isinstance(obj, int):
        return obj if abs(obj) < 2**53 else {"int": str(obj)}
    if isinstance(obj, float):
        return obj if math.isfinite(obj) else {"float": struct.pack(">d", obj).hex()}  # the bits: a NaN has a sign
    if isinstance(obj, complex):
        return {"complex": [_pack(obj.real, place, arrays), _pack(obj.imag, place, arrays)]}
    if isinstance(obj, bytes):
        return {"bytes": obj.hex()}
    if isinstance(obj, slice):
        return {"slice": [_pack(part, place, arrays) for part in (obj.start, obj.stop, obj.step)]}
    return _pack_container(obj, place, arrays)


def _pack_container(obj: Any, place: str, arrays: list[Any]) -> Spec:
    fields = getattr(obj, "_fields", None)
    if isinstance(obj, tuple) and fields is not None:
        parts = zip(fields, obj, strict=True)
        return {"namedtuple": [_class_name(type(obj), place), [_pack(v, f"{place}.{k}", arrays) for k, v in parts]]}
    if isinstance(obj, (tuple, list)) and type(obj) in (tuple, list):
        return {type(obj).__name__: [_pack(v, f"{place}[{i}]", arrays) for i, v in enumerate(obj)]}
    if isinstance(obj, (set, frozenset)):
        ordered = sorted(obj, key=lambda v: (type(v).__name__, repr(v)))
        return {"frozenset" if isinstance(obj, frozenset) else "set": [_pack(v, place, arrays) for v in ordered]}
    if isinstance(obj, Mapping):
        return {"dict": [[_pack(k, place, arrays), _pack(v, f"{place}[{k!r}]", arrays)] for k, v in obj.items()]}
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        name = _class_name(type(obj), place)
        return {"dataclass": [name, {k: _pack(v, f"{place}.{k}", arrays) for k, v in _fields(obj).items()}]}
    if hasattr(obj, "__array__") and hasattr(obj, "dtype"):
        return _array(obj, "array", place, arrays)
    raise StorageError(f"{place} is of type {_of(type(obj))}, which cannot be stored without pickle")


def _fields(obj: Any) -> dict[str, Any]:
    own_state = getattr(type(obj), "__getstate__", None)
    if own_state is not None and own_state is not getattr(object, "__getstate__", None):
        state = own_state(obj)
        if isinstance(state, dict):
            return state
    return {f.name: getattr(obj, f.name) for f in dataclasses.fields(obj) if hasattr(obj, f.name)}


def _array(value: Any, kind: str, place: str, arrays: list[Any]) -> Spec:
    try:
        array = np.asarray(value)
    except Exception as error:  # device arrays and random keys refuse in their own ways
        raise StorageError(f"{place} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "biufcSUmM":
        raise StorageError(f"{place} has dtype {array.dtype}; arrays of numbers or texts can be stored")
    arrays.append(array)
    return {kind: len(arrays) - 1}


def _unpack(spec: Spec, arrays: Sequence[Any], place: str) -> Any:
    if not isinstance(spec, dict):
        return spec
    ((kind, content),) = spec.items()

    def inner(part: Spec) -> Any:
        return _unpack(part, arrays, place)

    match kind:
        case "array":
            return arrays[content]
        case "scalar":
            return arrays[content][()]
        case "int":
            return int(content)
        case "float":
            return struct.unpack(">d", bytes.fromhex(content))[0]
        case "complex":
            return complex(inner(content[0]), inner(content[1]))
        case "bytes":
            return bytes.fromhex(content)
        case "slice":
            return slice(*map(inner, content))
        case "tuple" | "list" | "set" | "frozenset":
            build = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}[kind]
            return build(_unpack(v, arrays, f"{place}[{i}]") for i, v in enumerate(content))
        case "dict":
            return {inner(k): inner(v) for k, v in content}
        case "enum":
            return _class(content[0], place)[content[1]]
        case "namedtuple":
            return _class(content[0], place)(*map(inner, content[1]))
        case "dataclass":
            return _dataclass(content[0], {k: _unpack(v, arrays, f"{place}.{k}") for k, v in content[1].items()}, place)
    raise StorageError(f"{place} is stored as {kind!r}, which this version does not know; upgrade sciopt")


def _dataclass(name: str, values: dict[str, Any], place: str) -> Any:
    cls = _class(name, place)
    known = {f.name for f in dataclasses.fields(cls)}
    if set(values) - known:
        other = ", ".join(sorted(set(values) - known))
        raise StorageError(f"{place}: {name} has no field {other} in this version")
    missing = sorted(
        f.name
        for f in dataclasses.fields(cls)
        if f.name not in values
        and f.init
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    )
    if missing:
        raise StorageError(f"{place}: the stored {name} lacks {', '.join(missing)}; it is from another version")
    obj = object.__new__(cls)
    for f in dataclasses.fields(cls):
        if f.name in values:
            object.__setattr__(obj, f.name, values[f.name])
        elif f.default_factory is not dataclasses.MISSING:
            object.__setattr__(obj, f.name, f.default_factory())
        elif f.default is not dataclasses.MISSING:
            object.__setattr__(obj, f.name, f.default)
    return obj


def _of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _ours(module: str) -> bool:
    return module == "sciopt" or module.startswith("sciopt.")


def _class_name(cls: type, place: str) -> str:
    if not _ours(cls.__module__):
        raise StorageError(f"{place} is of type {_of(cls)}; only classes of sciopt can be stored without pickle")
    if "<locals>" in cls.__qualname__:
        raise StorageError(
            f"{place} is of type {_of(cls)}, which is defined inside a function and cannot be found again"
        )
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(name: str, place: str) -> Any:
    """Import a class of this package; whatever else the name stands for is refused."""
    module, _, qualified = str(name).partition(":")
    if not _ours(module):
        raise StorageError(f"{place}: {name} is not a class of sciopt; the file is damaged or not trustworthy")
    try:
        found: Any = importlib.import_module(module)
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise StorageError(f"{place}: this version has no {name}") from error
    plain = isinstance(found, type) and _ours(found.__module__)
    if not plain or not (dataclasses.is_dataclass(found) or issubclass(found, (enum.Enum, tuple))):
        raise StorageError(f"{place}: {name} is not a data class of sciopt")
    return found
