"""One npz archive a file, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.storage.errors import StorageError

__all__ = ["load", "save"]

FORMAT = 1
HEADER = "sciopt.json"
READABLE = "biufcSUmM"  # kinds of dtype that need no pickle


def save(path: str | os.PathLike[str], arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> Path:
    """Write arrays and metadata.

    The file appears under its name only when it is complete: it is written beside it, flushed to the disk, and then
    renamed. The same content gives the same bytes.

    Parameters
    ----------
    path
        Where to; ``.npz`` is appended if it is missing.
    arrays
        Name -> array of numbers or texts, of any shape. They can also be read with ``numpy.load``.
    meta
        What JSON can hold.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    StorageError
        An array of objects, a name that is no file name, metadata that JSON cannot hold.
    OSError
        The folder is missing or cannot be written to.
    """
    target = _npz(path)
    header = _header(meta)
    checked = {_member(name): _plain(name, array) for name, array in arrays.items()}
    real = target.resolve()  # a link stays a link
    part = real.with_name(f".{real.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as handle:
            with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(zipfile.ZipInfo(HEADER), header)
                for member, array in checked.items():
                    with archive.open(zipfile.ZipInfo(member), "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(real)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    return target


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what `save` wrote.

    Parameters
    ----------
    path
        The file; ``.npz`` may be left out.

    Returns
    -------
    arrays, meta
        Equal to what was saved, dtypes and memory order included.

    Raises
    ------
    StorageError
        The file is cut short or damaged, comes from another program, or from a newer version.
    FileNotFoundError
        There is no such file.
    """
    file = Path(path)
    if not file.exists():
        file = _npz(path)
    with file.open("rb") as handle:
        try:
            with zipfile.ZipFile(handle) as archive:
                names = archive.namelist()
                if HEADER not in names:
                    raise StorageError(f"{file} was not written by sciopt: it holds no {HEADER}")
                meta = _meta(file, archive.read(HEADER))
                arrays = {name.removesuffix(".npy"): _array(archive, name) for name in names if name != HEADER}
        except StorageError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, NotImplementedError, OSError) as error:
            raise StorageError(
                f"{file} cannot be read: it is cut short, damaged, or not a file of sciopt ({error})"
            ) from error
    return arrays, meta


def _npz(path: str | os.PathLike[str]) -> Path:
    file = Path(path)
    return file if file.suffix == ".npz" else file.with_name(file.name + ".npz")


def _header(meta: Mapping[str, Any]) -> str:
    try:
        content = {"format": FORMAT, "meta": dict(meta)}
        return json.dumps(content, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise StorageError(f"metadata cannot be stored: {error}") from None


def _meta(file: Path, header: bytes) -> dict[str, Any]:
    content = json.loads(header)
    number = content["format"] if isinstance(content, dict) and isinstance(content.get("format"), int) else None
    if number is None or not isinstance(content.get("meta"), dict):
        raise StorageError(f"{file} was not written by sciopt: its {HEADER} is something else")
    if number > FORMAT:
        raise StorageError(
            f"{file} has format {number}, this version reads up to {FORMAT}: it was written by a newer sciopt; upgrade"
        )
    return content["meta"]


def _member(name: str) -> str:
    if not isinstance(name, str) or not name or name.startswith(("/", "\\")) or "\0" in name or name == HEADER:
        raise StorageError(f"{name!r} cannot be the name of an array in a file")
    return f"{name}.npy"


def _plain(name: str, value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in READABLE:
        raise StorageError(f"array {name!r} has dtype {array.dtype}; numbers or texts can be stored")
    return array


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as entry:
        array = np.lib.format.read_array(entry, allow_pickle=False)
        entry.read(1)  # reaching the end makes zipfile compare the check sum
    return array
