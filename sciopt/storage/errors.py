"""What goes wrong with files."""

from sciopt._errors import SciOptError

__all__ = ["StorageError"]


class StorageError(SciOptError, ValueError):
    """Something cannot be stored, or a file cannot be read; the message names the field or the file."""
