"""Fit of a stochastic differential equation by moments: ``solve(sde(...))``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sciopt._types import Tree
from sciopt.dynamics.sde_data import Moments, Paths
from sciopt.dynamics.sde_problem import FEW, sde
from sciopt.dynamics.sde_solution import SDESolution
from sciopt.iterate import Iterate
from sciopt.methods._contract import Method
from sciopt.methods.averaged import Averaged
from sciopt.methods.first_order import FirstOrder
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["fit_sde"]

DECAY = 0.98  # of the average over steps that each see other noise


def fit_sde(
    drift: Callable[..., Any],
    diffusion: Callable[..., Any],
    data: Paths | Moments | tuple[Any, Any],
    *,
    unknown: Tree,
    initial: Any = None,
    observe: Callable[..., Any] | None = None,
    moments: tuple[str, ...] = ("mean", "covariance"),
    weights: str | float = "diagonal",
    paths: int | None = None,
    noise: str = "diagonal",
    interpretation: str = "ito",
    scheme: str = "auto",
    dt: float | None = None,
    t0: float | None = None,
    resample: int | None = None,
    nan: str = "raise",
    regularise: str | None = None,
    weight: float = 1e-2,
    rtol: float = 1e-2,
    atol: float = 1e-2,
    method: Method | str = "auto",
    lr: float = 1e-2,
    steps: int | None = None,
    seconds: float | None = None,
    evaluations: int | None = None,
    start: Any = None,
    key: int = 0,
    stop: Stop | None = None,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
) -> SDESolution:
    """Fit dy = a(t, y) dt + g(t, y) dW to the moments of measured paths.

    Takes the parameters of `sde` and of `solve`. With ``method="auto"``, equations of few parameters are fitted on common
    random numbers by the engine's default; those with a network (or ``resample`` above 0) by Adam at learning rate ``lr``
    on noise that is drawn anew, and the answer is a running average.

    Returns
    -------
    SDESolution
        A `Solution` that also simulates, and judges itself on fresh noise.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> t, k = np.linspace(0, 2, 9), 1.5  # exact Ornstein-Uhlenbeck paths from y = 1
    >>> y, decay = [np.ones(2000)], np.exp(-k * 0.25)
    >>> for _ in t[1:]:
    ...     y.append(y[-1] * decay + np.sqrt((1 - decay**2) / (2 * k)) * rng.standard_normal(2000))
    >>> fit = fit_sde(
    ...     lambda t, y, p: -p.k * y, lambda t, y, p: p.s + 0 * y, (t, np.array(y).T), unknown={"k": 1.0, "s": 0.5}
    ... )
    >>> abs(fit.values["k"] - 1.5) < 4 * fit.errors["k"] < 0.4
    True
    """
    problem = sde(
        drift,
        diffusion,
        data,
        unknown=unknown,
        initial=initial,
        observe=observe,
        moments=moments,
        weights=weights,
        paths=paths,
        noise=noise,
        interpretation=interpretation,
        scheme=scheme,
        dt=dt,
        t0=t0,
        resample=resample,
        nan=nan,
        regularise=regularise,
        weight=weight,
        rtol=rtol,
        atol=atol,
    )
    if method == "auto" and (problem.layout.size > FEW or problem.conditions[0].points.every):
        method = Averaged(FirstOrder("adam", lr=lr), DECAY)
    found = solve(
        problem,
        method,
        steps=steps,
        seconds=seconds,
        evaluations=evaluations,
        start=start,
        key=key,
        stop=stop,
        callback=callback,
        progress=progress,
    )
    return SDESolution.of(found)
