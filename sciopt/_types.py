"""Type aliases shared by all rooms."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Tree"]

Array: TypeAlias = NDArray[np.float64]
Tree: TypeAlias = Any  # any pytree: scalars, arrays, dicts, tuples, equinox modules, ...
