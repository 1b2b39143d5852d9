"""Compiled greedy colouring. Importing this module imports Numba."""

import numpy as np
from numba import njit

__all__ = ["greedy_colours"]


@njit(cache=True)
def greedy_colours(indptr, indices, column_ptr, column_rows, order):  # pragma: no cover - compiled
    """Give each column, in the given order, the smallest colour that no column sharing a row with it has.

    Parameters
    ----------
    indptr, indices
        Pattern by rows (CSR).
    column_ptr, column_rows
        The same pattern by columns (CSC).
    order
        Columns (P,) in the order of colouring.
    """
    P = column_ptr.shape[0] - 1
    colours = np.full(P, -1, dtype=np.int64)
    taken_by = np.full(P + 1, -1, dtype=np.int64)
    for j in order:
        for a in range(column_ptr[j], column_ptr[j + 1]):
            row = column_rows[a]
            for b in range(indptr[row], indptr[row + 1]):
                colour = colours[indices[b]]
                if colour >= 0:
                    taken_by[colour] = j
        colour = 0
        while taken_by[colour] == j:
            colour += 1
        colours[j] = colour
    return colours
