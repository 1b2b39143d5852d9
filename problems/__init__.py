"""Catalogue of concrete problems with known answers.

``CASES`` maps a name ("family/problem") to the factory of its ``Case``; ``TASKS`` holds the regression tasks for
networks. Imports the public ``sciopt`` at most; nothing in ``sciopt`` imports this.

>>> from problems import CASES
>>> case = CASES["nist/Misra1a"]()
>>> case.model(case.x, *case.starts[0]).shape
(14,)
"""

from collections.abc import Callable

from problems import least_squares
from problems._case import Answer, Case
from problems.least_squares import RegressionTask

__all__ = ["CASES", "TASKS", "Answer", "Case", "RegressionTask"]

CASES: dict[str, Callable[[], Case]] = {**least_squares.CASES}
TASKS: dict[str, Callable[[], RegressionTask]] = {**least_squares.TASKS}
