"""Least-squares and counting problems with known answers."""

from collections.abc import Callable

from problems._case import Case
from problems.least_squares import counting, lynx_hare, mgh, nist, rank_deficient, sven_tasks
from problems.least_squares.sven_tasks import RegressionTask

__all__ = ["CASES", "MINPACK_STARTS", "TASKS", "RegressionTask"]

MINPACK_STARTS = mgh.MINPACK_STARTS

CASES: dict[str, Callable[[], Case]] = {
    **nist.CASES,
    **mgh.CASES,
    **rank_deficient.CASES,
    **counting.CASES,
    **lynx_hare.CASES,
}

TASKS: dict[str, Callable[[], RegressionTask]] = {**sven_tasks.TASKS}
