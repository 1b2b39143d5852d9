"""Fingerprints of data, names and shapes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from sciopt.storage.errors import StorageError

__all__ = ["fingerprint"]


def fingerprint(*parts: Any) -> str:
    """Return the SHA-256 of data, names and shapes.

    Parameters
    ----------
    *parts
        Arrays, numbers, texts, bytes, None, and tuples, lists and dicts of them. Types, shapes and order count;
        the memory layout and byte order of arrays do not.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    StorageError
        A part is of another type; the message names its place.

    Examples
    --------
    >>> import numpy as np
    >>> fingerprint("t", np.arange(6.0)) == fingerprint("t", np.arange(6.0).reshape(2, 3))
    False
    """
    digest = hashlib.sha256()
    for i, part in enumerate(parts):
        _feed(digest, part, f"part {i}")
    return digest.hexdigest()


def _feed(digest: Any, part: Any, place: str) -> None:
    """Add one part as tag, length, content, so that no two different parts feed the same bytes."""
    if part is None or isinstance(part, (bool, int, str)):
        _tagged(digest, type(part).__name__, str(part).encode("utf-8", "surrogatepass"))
    elif isinstance(part, bytes):
        _tagged(digest, "bytes", part)
    elif isinstance(part, float) and not isinstance(part, np.generic):
        _tagged(digest, "float", struct.pack("<d", part))
    elif isinstance(part, complex) and not isinstance(part, np.generic):
        _tagged(digest, "complex", struct.pack("<dd", part.real, part.imag))
    elif isinstance(part, (tuple, list)):
        _tagged(digest, type(part).__name__, struct.pack("<Q", len(part)))
        for i, entry in enumerate(part):
            _feed(digest, entry, f"{place}[{i}]")
    elif isinstance(part, Mapping):
        _tagged(digest, "dict", struct.pack("<Q", len(part)))
        for key, entry in part.items():
            _feed(digest, key, place)
            _feed(digest, entry, f"{place}[{key!r}]")
    elif hasattr(part, "__array__"):
        array = np.asarray(part)
        if array.dtype.kind not in "biufcSUmM":
            raise StorageError(f"{place}: an array of dtype {array.dtype} has no fingerprint")
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        _tagged(digest, f"{plain.dtype.str}{array.shape}", plain.tobytes())
    else:
        raise StorageError(
            f"{place}: an object of type {type(part).__name__} has no fingerprint; give its arrays and names"
        )


def _tagged(digest: Any, tag: str, content: bytes) -> None:
    digest.update(f"{tag}:{len(content)}:".encode())
    digest.update(content)
