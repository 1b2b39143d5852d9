"""Gradients from function values along random directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array

__all__ = ["KINDS", "gradient_estimate", "layer_gradient_estimate"]

KINDS = ("spsa", "gaussian", "sphere", "one_sided", "one_point", "forward")
LAYER_KINDS = ("weight", "node")


def gradient_estimate(
    f: Callable[[Array], float],
    x: Any,
    kind: str = "spsa",
    *,
    step: float = 1e-3,
    directions: int = 1,
    rng: np.random.Generator,
    jvp: Callable[[Array, Array], float] | None = None,
) -> Array:
    r"""Return an estimate of grad f(x), the mean over random directions u.

    ============== ========================================= =========== ================================
    kind           estimate along one direction              values of f  E|estimate|^2 / |grad f|^2
    ============== ========================================= =========== ================================
    ``spsa``       :math:`(f(x+cu) - f(x-cu)) / 2c\; u^{-1}`  2           d   (u of random signs)
    ``gaussian``   :math:`(f(x+cu) - f(x-cu)) / 2c\; u`       2           d + 2   (u normal)
    ``sphere``     the same times d                           2           d   (u on the unit sphere)
    ``one_sided``  :math:`(f(x+cu) - f(x)) / c\; u`           1, and 1    d + 2   (u normal)
    ``one_point``  :math:`f(x+cu) / c\; u`                    1           about d f^2 / (c^2 |grad f|^2)
    ``forward``    :math:`(\nabla f\cdot u)\, u`              0; one jvp  d + 2   (u normal)
    ============== ========================================= =========== ================================

    Averaging m directions divides the excess over 1 by m. See Garcia Fernandez, Ahmad and van Gerven, arXiv 2510.18812.

    Parameters
    ----------
    f
        Scalar function of x.
    x
        Point, any shape; d is its number of entries.
    kind
        One of the table.
    step
        Length c of the probes; for noisy f about the standard deviation of the noise.
    directions
        Number m of directions.
    rng
        Generator of the directions.
    jvp
        ``jvp(x, u)`` = derivative of f along u, for ``"forward"``.

    Raises
    ------
    OptionError
        Unknown kind, or "forward" without ``jvp``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> g = gradient_estimate(lambda x: 0.5 * x @ x, np.array([1.0, -2.0]), "gaussian", directions=4000, rng=rng)
    >>> np.round(g).tolist()
    [1.0, -2.0]
    """
    if kind not in KINDS:
        raise OptionError(f"kind={kind!r} is unknown; choose from {', '.join(KINDS)}")
    if kind == "forward" and jvp is None:
        raise OptionError("kind='forward' needs jvp=: a function of (x, u) that returns the derivative of f along u")
    _check(step, directions)
    x = np.asarray(x, dtype=np.float64)
    centre = float(f(x)) if kind == "one_sided" else 0.0
    total = np.zeros_like(x)
    for _ in range(directions):
        u = rng.choice((-1.0, 1.0), x.shape) if kind == "spsa" else rng.standard_normal(x.shape)
        if kind == "sphere":
            u /= np.linalg.norm(u)
        if kind == "forward":
            assert jvp is not None
            slope = float(jvp(x, u))
        elif kind == "one_sided":
            slope = (float(f(x + step * u)) - centre) / step
        elif kind == "one_point":
            slope = float(f(x + step * u)) / step
        else:
            slope = (float(f(x + step * u)) - float(f(x - step * u))) / (2.0 * step)
        total += slope * (u.size * u if kind == "sphere" else u)  # signs are their own inverses
    return total / directions


def layer_gradient_estimate(
    f: Callable[[Array], float],
    weight: Any,
    inputs: Any,
    kind: str = "node",
    *,
    step: float = 1e-3,
    directions: int = 1,
    rng: np.random.Generator,
) -> Array:
    r"""Return an estimate of the gradient with respect to the weights of a layer z = W x.

    ``"node"`` perturbs the p pre-activations, :math:`\frac{f(z+ce)-f(z)}{c}\, e x^T`, with second moment p + 2 relative
    to the squared gradient; ``"weight"`` perturbs the p q weights, with p q + 2.

    Parameters
    ----------
    f
        Loss as a function of the pre-activations z, shape (p,).
    weight, inputs
        W (p, q) and x (q,).
    kind
        ``"node"`` or ``"weight"``.
    step, directions, rng
        As in `gradient_estimate`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> g = layer_gradient_estimate(np.sum, np.ones((1, 2)), np.array([3.0, 0.0]), directions=4000, rng=rng)
    >>> np.round(g).tolist()
    [[3.0, 0.0]]
    """
    if kind not in LAYER_KINDS:
        raise OptionError(f"kind={kind!r} is unknown; choose from {', '.join(LAYER_KINDS)}")
    _check(step, directions)
    W, x = np.asarray(weight, dtype=np.float64), np.asarray(inputs, dtype=np.float64)
    if W.ndim != 2 or x.shape != W.shape[1:]:
        raise DataError(f"weight has shape {W.shape} and inputs {x.shape}; expected (p, q) and (q,)")
    z = W @ x
    centre = float(f(z))
    total = np.zeros_like(W)
    for _ in range(directions):
        if kind == "node":
            e = rng.standard_normal(z.shape)
            total += (float(f(z + step * e)) - centre) / step * np.outer(e, x)
        else:
            E = rng.standard_normal(W.shape)
            total += (float(f((W + step * E) @ x)) - centre) / step * E
    return total / directions


def _check(step: float, directions: int) -> None:
    if not (np.isfinite(step) and step > 0):
        raise OptionError(f"step={step!r}: give the length of the probes, > 0")
    if directions < 1:
        raise OptionError(f"directions={directions!r}: give at least one")
