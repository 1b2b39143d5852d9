"""Ordinary differential equations with known parameters, as trajectories with noise.

Fields use plain arithmetic on dicts, so that the same function serves JAX, scipy and lmfit. Data come from scipy's
solvers at tight tolerance, never from the solver under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import sciopt as so

__all__ = ["ODE_CASES", "ODECase"]

Array = NDArray[np.float64]


_EXACT: dict[str, dict[str, Array]] = {}  # noise-free trajectories, solved once


@dataclass(frozen=True)
class ODECase:
    """An equation with its true parameters, measured with relative noise.

    Attributes
    ----------
    rate
        ``f(t, y, p)`` with dicts y and p.
    truth
        Parameters that made the data.
    initial
        State at t[0].
    t
        Times (n,).
    noise
        Standard deviation in units of each quantity's root mean square, or of each value (``proportional``).
    free
        Entries of the initial state that are fitted.
    measured
        Entries that are measured.
    spread
        Starts are the truth times exp(spread N(0, 1)), or exp(+-spread) uniformly with ``uniform``.
    guess
        State at a cut from the measured row, for entries that were not measured.
    options
        Further options of `sciopt.dynamics.fit_ode`.
    """

    name: str
    rate: Callable[..., Any]
    truth: Mapping[str, float]
    initial: Mapping[str, float]
    t: Array
    noise: float = 0.02
    proportional: bool = False
    free: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    missing: float = 0.0
    spread: float = 1.0
    uniform: bool = False
    guess: Callable[[float, Any], Any] | None = None
    stiff: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def seen(self) -> tuple[str, ...]:
        """Names of what is measured."""
        return self.measured or tuple(self.initial)

    def solution(self, p: Mapping[str, float] | None = None, rtol: float = 1e-11) -> dict[str, Array]:
        """Return the trajectory by scipy at the true (or other) parameters."""
        names, p = tuple(self.initial), dict(self.truth if p is None else p)

        def rhs(t: float, v: Array) -> list[float]:
            out = self.rate(t, dict(zip(names, v, strict=True)), p)
            return [out[n] for n in names]

        y0 = np.array(list(self.initial.values()))
        got = solve_ivp(
            rhs,
            (self.options.get("start", self.t[0]), self.t[-1]),
            y0,
            "Radau" if self.stiff else "DOP853",
            self.t,
            rtol=rtol,
            atol=1e-3 * rtol * (1e-6 if self.stiff else 1.0),
        )
        return dict(zip(names, got.y, strict=True))

    def sample(self, seed: int) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return (data, sigma); missing data are NaN."""
        rng = np.random.default_rng([seed, 7])
        if self.name not in _EXACT:
            _EXACT[self.name] = self.solution()
        exact = _EXACT[self.name]
        data, sigma = {}, {}
        for name in self.seen:
            size = np.abs(exact[name]) if self.proportional else np.sqrt(np.mean(exact[name] ** 2))
            sigma[name] = self.noise * size * np.ones(len(self.t))
            data[name] = exact[name] + sigma[name] * rng.standard_normal(len(self.t))
            if self.missing:
                data[name][rng.uniform(size=len(self.t)) < self.missing] = np.nan
        return data, sigma

    def start(self, seed: int) -> dict[str, float]:
        """Return start values of the parameters."""
        rng = np.random.default_rng([seed, 11])
        if self.uniform:
            return {k: v * float(np.exp(rng.uniform(-self.spread, self.spread))) for k, v in self.truth.items()}
        return {k: v * float(np.exp(self.spread * rng.standard_normal())) for k, v in self.truth.items()}

    def arguments(self, seed: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of `sciopt.dynamics.fit_ode`."""
        data, sigma = self.sample(seed)
        initial: dict[str, Any] = dict(self.initial)
        for name in self.free:
            known = name in data and np.isfinite(data[name][0])
            initial[name] = so.Parameter(float(data[name][0]) if known else self.initial[name])
        options = {
            "unknown": self.start(seed),
            "initial": initial,
            "sigma": sigma,
            "guess": self.guess,
            "nan": "omit" if self.missing else "raise",
            **self.options,
        }
        return (self.rate, self.t, data), options

    def fit(self, seed: int, **options: Any) -> Any:
        """Fit the data of a seed from the start of that seed."""
        places, given = self.arguments(seed)
        return so.dynamics.fit_ode(*places, **{**given, **options})


def _lotka_volterra(t: Any, y: Any, p: Any) -> Any:
    product = y["x"] * y["y"]
    return {"x": p["a"] * y["x"] - p["b"] * product, "y": p["d"] * product - p["g"] * y["y"]}


def _lorenz(t: Any, y: Any, p: Any) -> Any:
    return {
        "x": p["s"] * (y["y"] - y["x"]),
        "y": y["x"] * (p["r"] - y["z"]) - y["y"],
        "z": y["x"] * y["y"] - p["b"] * y["z"],
    }


def _van_der_pol(t: Any, y: Any, p: Any) -> Any:
    w = p.get("w", 1.0)
    return {"x": y["v"], "v": p["mu"] * w * (1.0 - (y["x"] / p["s"]) ** 2) * y["v"] - w * w * y["x"]}


def _robertson(t: Any, y: Any, p: Any) -> Any:
    slow, fast, back = p["k1"] * y["a"], p["k2"] * y["b"] * y["b"], p["k3"] * y["b"] * y["c"]
    return {"a": back - slow, "b": slow - back - fast, "c": fast}


def _fitzhugh_nagumo(t: Any, y: Any, p: Any) -> Any:
    v = y["v"]
    return {"v": p["c"] * (v - v * v * v / 3.0 + y["r"]), "r": -(v - p["a"] + p["b"] * y["r"]) / p["c"]}


def _sir(t: Any, y: Any, p: Any) -> Any:
    new = p["beta"] * y["s"] * y["i"]
    return {"s": -new, "i": new - p["gamma"] * y["i"]}


def _pendulum(t: Any, y: Any, p: Any) -> Any:
    x = y["x"]
    sine = x * (1.0 - x * x / 6.0 * (1.0 - x * x / 20.0 * (1.0 - x * x / 42.0)))
    return {"x": y["v"], "v": -p["w2"] * sine - p["c"] * y["v"]}


def _slow_manifold(t: float, row: Any) -> Any:
    """Return the state on the slow manifold of the relaxation oscillator: v = x / (mu (1 - x^2)), away from the folds."""
    x = row["x"]
    below = 1.0 - x * x
    return {"x": x, "v": x / (100.0 * np.where(np.abs(below) < 0.3, -0.3, below))}


def _lorenz_guess(t: float, row: Any) -> Any:
    return {"x": row["x"], "y": row["x"], "z": 25.0}


_CASES = (
    ODECase(
        "lotka_volterra",
        _lotka_volterra,
        {"a": 1.3, "b": 0.9, "g": 1.8, "d": 0.8},
        {"x": 0.44249296, "y": 4.6495848},
        np.linspace(0.0, 10.0, 51),
        free=("x", "y"),
        source="A. J. Lotka, Proc. Natl. Acad. Sci. 6 (1920) 410",
    ),
    ODECase(
        "damped_pendulum",
        _pendulum,
        {"w2": 4.0, "c": 0.3},
        {"x": 1.2, "v": 0.0},
        np.linspace(0.0, 10.0, 41),
        free=("x", "v"),
        measured=("x",),
        spread=0.3,
    ),
    ODECase(
        "van_der_pol_5",
        _van_der_pol,
        {"mu": 5.0, "s": 1.0, "w": 1.0},
        {"x": 2.0, "v": 0.0},
        np.linspace(0.0, 25.0, 101),
        measured=("x",),
        spread=0.3,
        source="B. van der Pol, Phil. Mag. 2 (1926) 978",
    ),
    ODECase(
        "van_der_pol_100",
        _van_der_pol,
        {"mu": 100.0, "s": 1.0},
        {"x": 2.0, "v": 0.0},
        np.linspace(0.0, 300.0, 121),
        measured=("x",),
        spread=0.3,
        guess=_slow_manifold,
        stiff=True,
        source="E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, Springer (1996)",
    ),
    ODECase(
        "robertson",
        _robertson,
        {"k1": 0.04, "k2": 3e7, "k3": 1e4},
        {"a": 1.0, "b": 0.0, "c": 0.0},
        np.logspace(-5, 5, 41),
        proportional=True,
        spread=0.5,
        stiff=True,
        options={"start": 0.0},
        source="H. H. Robertson, in Numerical Analysis: An Introduction, Academic Press (1966) 178",
    ),
    ODECase(
        "lorenz",
        _lorenz,
        {"s": 10.0, "r": 28.0, "b": 8.0 / 3.0},
        {"x": -8.0, "y": 7.0, "z": 27.0},
        np.linspace(0.0, 20.0, 201),
        free=("x", "y", "z"),
        spread=0.5,
        uniform=True,
        source="E. N. Lorenz, J. Atmos. Sci. 20 (1963) 130",
    ),
    ODECase(
        "lorenz_x_only",
        _lorenz,
        {"s": 10.0, "r": 28.0, "b": 8.0 / 3.0},
        {"x": -8.0, "y": 7.0, "z": 27.0},
        np.linspace(0.0, 10.0, 101),
        free=("x", "y", "z"),
        measured=("x",),
        spread=0.5,
        uniform=True,
        guess=_lorenz_guess,
        source="E. N. Lorenz, J. Atmos. Sci. 20 (1963) 130",
    ),
    ODECase(
        "fitzhugh_nagumo",
        _fitzhugh_nagumo,
        {"a": 0.2, "b": 0.2, "c": 3.0},
        {"v": -1.0, "r": 1.0},
        np.linspace(0.0, 20.0, 81),
        free=("v", "r"),
        spread=0.5,
        source="R. FitzHugh, Biophys. J. 1 (1961) 445",
    ),
    ODECase(
        "sir_missing",
        _sir,
        {"beta": 0.6, "gamma": 0.2},
        {"s": 0.99, "i": 0.01},
        np.linspace(0.0, 50.0, 51),
        noise=0.05,
        measured=("i",),
        missing=0.4,
        spread=0.5,
        source="W. O. Kermack and A. G. McKendrick, Proc. R. Soc. A 115 (1927) 700",
    ),
)

ODE_CASES: dict[str, ODECase] = {case.name: case for case in _CASES}
