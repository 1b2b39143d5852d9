"""Bias of the height of a flat spectrum of small counts: Poisson likelihood against Neyman's chi2.

>>> from problems.least_squares import counting_study
>>> study = counting_study.run(n=20)
>>> abs(study["poisson"].bias) < abs(study["neyman"].bias)
True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sciopt
from problems.least_squares.counting import constant, draw_flat_spectrum

__all__ = ["Bias", "run"]


@dataclass(frozen=True)
class Bias:
    """Mean deviation of the fitted height from the truth.

    Parameters
    ----------
    bias, error : float
        Mean of (height - truth) and its standard error, in units of the statistical error sqrt(mean/bins).
    coverage : float
        Share of data sets whose error bar covers the truth.
    failed : int
        Fits that did not converge.
    """

    bias: float
    error: float
    coverage: float
    failed: int


def _pearson(y: NDArray[np.float64]) -> sciopt.Problem:
    def residual(height: float) -> NDArray[np.float64]:
        return (height - y) / np.sqrt(height)

    return sciopt.Problem(sciopt.Condition(residual, "pearson", sigma=1.0), unknown={"height": 1.0})


def run(n: int = 1000, *, bins: int = 100, mean: float = 3.0, seed: int = 0) -> dict[str, Bias]:
    """Fit n data sets of Poisson counts with a constant, by three objectives.

    ``"poisson"``: the likelihood. ``"neyman"``: weights 1/counts (empty bins as one). ``"pearson"``: weights 1/model,
    by the fitted height itself, a least-squares problem with residual (h - k)/sqrt(h).

    Parameters
    ----------
    n
        Number of data sets.
    bins, mean
        Of the spectrum.
    seed
        First of the seeds of the data sets.
    """
    x = np.arange(float(bins))
    sigma = np.sqrt(mean / bins)
    found: dict[str, list[tuple[float, float, bool]]] = {"poisson": [], "neyman": [], "pearson": []}
    for k in range(n):
        y = draw_flat_spectrum(seed + k, bins=bins, mean=mean)
        fits = {
            "poisson": sciopt.fit(constant, x, y, loss="poisson", start=[1.0]),
            "neyman": sciopt.fit(constant, x, y, sigma=np.sqrt(np.maximum(y, 1.0)), start=[1.0]),
            "pearson": sciopt.solve(_pearson(y)),
        }
        for name, fit in fits.items():
            found[name].append((fit.values["height"], fit.errors["height"], fit.success))
    out = {}
    for name, rows in found.items():
        height, error, success = (np.array(c) for c in zip(*rows, strict=True))
        off = (height - mean) / sigma
        out[name] = Bias(
            float(off.mean()),
            float(off.std(ddof=1) / np.sqrt(n)),
            float(np.mean(np.abs(height - mean) <= error)),
            int(np.sum(~success)),
        )
    return out
