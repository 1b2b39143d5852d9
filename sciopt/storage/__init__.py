"""Files without pickle: arrays and JSON in one npz archive, nested state, fingerprints."""

from sciopt.storage.digest import fingerprint
from sciopt.storage.errors import StorageError
from sciopt.storage.files import load, save
from sciopt.storage.packing import pack, unpack

__all__ = ["StorageError", "fingerprint", "load", "pack", "save", "unpack"]
