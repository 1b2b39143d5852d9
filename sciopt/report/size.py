"""What a report may ask of a solution without making the reader wait."""

from __future__ import annotations

from typing import Any

__all__ = ["has_data", "is_small"]

LARGEST = 500  # unknowns up to which a dense factorisation of the Jacobian goes unnoticed


def is_small(solution: Any) -> bool:
    """Whether rank, errors and correlations, which factor the Jacobian, may be asked for."""
    return len(getattr(solution, "names", None) or ()) <= LARGEST


def has_data(solution: Any) -> bool:
    """Whether any row is data, so that chi2 has a meaning."""
    return getattr(solution, "chi2", None) is not None and bool(getattr(solution, "chi2_by_condition", True))
