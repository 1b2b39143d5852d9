"""Group-rational activations in the smooth form."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.base import Constant, Model, bounds_of, generator, scaled, whole

__all__ = ["GroupRational", "group_rational", "rational"]

# Numerator a_0..a_5 and roots b_1, b_2 of the denominator 1 + b_1^2 x^2 + b_2^2 x^4, least-squares fits on [-3, 3];
# the gain E[x^2] / E[F(x)^2] for x ~ N(0, 1) keeps the variance of activations.
STARTS: dict[str, tuple[tuple[float, ...], tuple[float, float]]] = {
    "identity": ((0.0, 1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0)),
    "swish": (
        (3.3e-07, 0.5, 0.24999735, 0.05326492, 0.00580245, 0.00027512),
        (0.10652985**0.5, 0.00055024**0.5),
    ),
    "tanh": ((0.0, 0.99999422, 0.0, 0.1077033, 0.0, 0.00087088), (0.44100869**0.5, 0.01457913**0.5)),
    "sin": ((0.0, 0.99998901, 0.0, -0.13140613, 0.0, 0.00304869), (0.03523171**0.5, 0.00060815**0.5)),
}


@jax.custom_jvp
def rational(x: Any, a: Any, b: Any) -> Any:
    r"""Return :math:`P(x)/Q(x)`, P of degree 5 and :math:`Q = 1 + b_1^2 x^2 + b_2^2 x^4`, elementwise in groups.

    Parameters
    ----------
    x
        Channels, shape (..., groups, size).
    a
        Numerator coefficients (6,), shared by the groups.
    b
        Denominator coefficients (groups, 2).

    Notes
    -----
    Q has no real zero and no absolute value, so that all derivatives exist. A custom jvp rather than a custom vjp lets
    forward mode, second derivatives and transposition through; it reuses P/Q instead of differentiating the quotient.
    """
    return _parts(x, a, b)[0]


def _parts(x: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    square = x * x
    p = a[0] + x * (a[1] + x * (a[2] + x * (a[3] + x * (a[4] + x * a[5]))))
    b1, b2 = b[:, 0, None], b[:, 1, None]
    q = 1.0 + square * (b1 * b1 + square * (b2 * b2))
    return p / q, 1.0 / q, b1, b2


@rational.defjvp
def _rational_jvp(primals: Any, tangents: Any) -> Any:
    (x, a, b), (dx, da, db) = primals, tangents
    value, inverse, b1, b2 = _parts(x, a, b)
    square = x * x
    slope_p = a[1] + x * (2.0 * a[2] + x * (3.0 * a[3] + x * (4.0 * a[4] + x * 5.0 * a[5])))
    slope_q = x * (2.0 * b1 * b1 + square * (4.0 * b2 * b2))
    moved_p = da[0] + x * (da[1] + x * (da[2] + x * (da[3] + x * (da[4] + x * da[5]))))
    moved_q = square * (2.0 * b1 * db[:, 0, None] + square * (2.0 * b2 * db[:, 1, None]))
    return value, ((slope_p - value * slope_q) * dx + moved_p - value * moved_q) * inverse


class GroupRational(Model):
    """A perceptron whose activations are rational functions with trained coefficients, shared within groups."""

    weights: list[Any]
    offsets: list[Any]
    numerators: list[Any]  # (6,) a hidden layer
    denominators: list[Any]  # (groups, 2) a hidden layer
    bounds: Constant = eqx.field(static=True)
    scalar: bool = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        z = scaled(jnp.atleast_1d(x), self.bounds)
        hidden = zip(self.weights[:-1], self.offsets[:-1], self.numerators, self.denominators, strict=True)
        for weight, offset, a, b in hidden:
            z = weight @ z + offset
            z = rational(z.reshape(len(b), -1), a, b).reshape(-1)
        z = self.weights[-1] @ z + self.offsets[-1]
        return z[0] if self.scalar else z


@partial(np.vectorize, signature="()->()", otypes=[float])
def _gain(index: int) -> float:
    a, b = list(STARTS.values())[index]
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    value = np.polynomial.polynomial.polyval(nodes, a) / (1.0 + b[0] ** 2 * nodes**2 + b[1] ** 2 * nodes**4)
    return float(weights.sum() / (weights @ value**2))


def group_rational(
    inputs: int,
    *,
    width: int = 16,
    depth: int = 2,
    groups: int = 4,
    outputs: int | None = None,
    start: str = "tanh",
    domain: Any = None,
    key: int = 0,
) -> GroupRational:
    r"""Return a perceptron with rational activations :math:`P(x)/(1 + b_{1g}^2 x^2 + b_{2g}^2 x^4)` in groups g.

    Parameters
    ----------
    inputs, width, depth, outputs, domain, key
        As in `mlp`.
    groups
        Groups of channels; the numerator is shared by all, each group has its own denominator. Divides ``width``.
    start
        Function that the activations equal at the start: ``"tanh"``, ``"swish"``, ``"sin"`` or ``"identity"``.

    Notes
    -----
    Molina, Schramowski and Kersting, arXiv 1907.06732 (Pade activation units); Yang and Wang, arXiv 2409.10594 (groups
    and the start that keeps variances). Even powers with squared coefficients replace the absolute values of those
    papers, whose kink at zero would put a delta function into second derivatives. Rational functions hold poles,
    resonances and boundary layers that smooth networks need many units for.

    Examples
    --------
    >>> group_rational(1, width=4, groups=2, depth=1)([0.2]).shape
    ()
    """
    owner = "group_rational"
    d, width, depth = whole(owner, "inputs", inputs), whole(owner, "width", width), whole(owner, "depth", depth)
    groups = whole(owner, "groups", groups)
    m = 1 if outputs is None else whole(owner, "outputs", outputs)
    if width % groups:
        raise OptionError(f"group_rational: groups={groups} must divide width={width}")
    if start not in STARTS:
        raise OptionError(f"group_rational: unknown start={start!r}; choose one of {tuple(STARTS)}")
    rng, (a, b) = generator(owner, key), STARTS[start]
    gain = float(_gain(list(STARTS).index(start)))
    weights, offsets = [], []
    for k, (fan_in, fan_out) in enumerate(pairwise((d, *[width] * depth, m))):
        spread = np.sqrt((3.0 if k == 0 else gain) / fan_in)
        weights.append(spread * rng.standard_normal((fan_out, fan_in)))
        offsets.append(rng.uniform(-1.0, 1.0, fan_out) if k < depth else np.zeros(fan_out))
    numerators = [np.array(a) for _ in range(depth)]
    denominators = [np.tile(b, (groups, 1)) for _ in range(depth)]
    sides = Constant(bounds_of(owner, domain, d))
    return GroupRational(weights, offsets, numerators, denominators, sides, outputs is None)
