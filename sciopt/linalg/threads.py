"""BLAS threads for one block of work: one below a size where threads only spin, restored afterwards."""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sciopt._errors import OptionError

__all__ = ["blas_threads"]

ONE_THREAD_BELOW = 10_000_000


def _getter(library: Any) -> Callable[[], int | None]:
    """Return the library's own counter where threadpoolctl tells it: the controller's is three times slower."""
    symbol = getattr(library, "_get_symbol", None)
    direct = symbol("openblas_get_num_threads") if symbol is not None and library.internal_api == "openblas" else None
    return library.get_num_threads if direct is None else direct


@functools.cache
def _libraries() -> tuple[tuple[Any, Callable[[], int | None]], ...]:
    """Find the loaded BLAS libraries and their counters; none without threadpoolctl. A scan takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return ()
    import scipy.linalg  # noqa: F401 - loads SciPy's own BLAS, so that the scan sees it

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return tuple((library, _getter(library)) for library in found)


class blas_threads:
    """Limit BLAS to one thread for small work; leave it alone for large work.

    OpenBLAS threads spin while they wait, so that small products on shared cores cost several times the processor time
    of one thread. The count is a property of the whole process: do not nest from several Python threads.

    Parameters
    ----------
    n_times_P
        Size of the Jacobian; below 1e7 one BLAS thread is used.
    threads
        Overrides the rule: so many threads, whatever the size.

    Examples
    --------
    >>> import numpy as np
    >>> with blas_threads(200 * 30):
    ...     gram = np.ones((200, 30)).T @ np.ones((200, 30))
    """

    __slots__ = ("_changed", "_wanted")

    def __init__(self, n_times_P: int, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise OptionError(f"threads={threads!r}; give at least 1, or None for the rule by size")
        self._wanted = threads if threads is not None else 1 if n_times_P < ONE_THREAD_BELOW else 0
        self._changed: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        """Set the thread count where it differs."""
        wanted = self._wanted
        if wanted:
            for library, count in _libraries():
                before = count()
                if before is not None and before != wanted:
                    library.set_num_threads(wanted)
                    self._changed.append((library, before))

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Restore the thread counts."""
        while self._changed:
            library, before = self._changed.pop()
            library.set_num_threads(before)
