"""Which connections of a recurrent cell exist."""

from __future__ import annotations

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.models.base import generator, whole

__all__ = ["sparse_wiring"]


def sparse_wiring(inputs: int, units: int, *, density: float = 0.25, key: int = 0) -> Array:
    """Return a random mask of connections for `cfc`: every unit hears at least one input or unit, and is heard.

    Parameters
    ----------
    inputs, units
        Sizes of the cell.
    density
        Fraction of the connections that exist, in (0, 1].
    key
        Integer that determines the mask.

    Returns
    -------
    ndarray (units, inputs + units) of 0 and 1

    Raises
    ------
    OptionError
        Sizes, density or key that make no sense.

    Notes
    -----
    Sparse wirings of recurrent cells: Lechner, Hasani, Amini, Henzinger, Rus and Grosu, Nature Machine Intelligence 2
    (2020) 642.

    Examples
    --------
    >>> sparse_wiring(2, 6, density=0.3).shape
    (6, 8)
    """
    n, H = whole("sparse_wiring", "inputs", inputs), whole("sparse_wiring", "units", units)
    if not 0.0 < density <= 1.0:
        raise OptionError(f"sparse_wiring: density must be in (0, 1], got {density!r}")
    rng = generator("sparse_wiring", key)
    mask = (rng.uniform(size=(H, n + H)) < density).astype(float)
    for column in np.flatnonzero(mask.sum(0) == 0):
        mask[rng.integers(H), column] = 1.0
    for row in np.flatnonzero(mask.sum(1) == 0):
        mask[row, rng.integers(n + H)] = 1.0
    return mask
