"""What rounding hides: differences of merits, and residuals of terms that cancel."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation

__all__ = ["EPS", "jacobian", "noise", "vanishes"]

EPS = float(np.finfo(float).eps)
SPARSE_FROM = 1_000_000  # entries of J above which a sparse kind stays sparse


def jacobian(lin: Linearisation) -> Any:
    """Return J as factorisations want it: products where it is streamed, CSR where sparse and large, else dense."""
    if "gram" in lin.offers:
        return lin.operator()  # type: ignore[attr-defined]
    if "sparse" in lin.offers and lin.n * lin.layout.size > SPARSE_FROM:
        return lin.sparse()
    return lin.dense()


def _terms(lin: Linearisation) -> Array:
    """Return the size of the terms that cancel in each row, |J| |theta|."""
    if "gram" in lin.offers:
        return lin.terms()  # type: ignore[attr-defined]
    return abs(jacobian(lin)) @ np.abs(lin.theta)


def noise(lin: Linearisation) -> float:
    """Return the rounding of a difference of merits: of r and of the terms that cancel in it."""
    r, terms = np.abs(lin.r), _terms(lin)
    return 4.0 * EPS * float(r @ (r + terms)) + (4.0 * EPS) ** 2 * float(terms @ terms)


def vanishes(lin: Linearisation) -> bool:
    """Tell whether the residual itself is at the rounding of the terms that cancel in it."""
    terms = _terms(lin)
    return float(lin.r @ lin.r) <= (100.0 * EPS) ** 2 * float(terms @ terms)
