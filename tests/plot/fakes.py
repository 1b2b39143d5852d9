"""Solutions of closed-form problems, by normal equations, with all that the plots read."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciopt._errors import DataError


@dataclass
class Fake:
    """A linear model y = G(x) theta with known sigma, solved exactly, and its data."""

    theta: Any
    covariance: Any
    names: list[str]
    data: dict[str, dict[str, Any]]
    basis: Any = None
    units: dict[str, str] = field(default_factory=dict)
    history: Any = None
    singular_values: Any = None
    rank: int = 0
    null_directions: list[dict[str, float]] = field(default_factory=list)
    errors_kind: str = "absolute"
    chi2: float = 1.0
    dof: float = 1.0

    @property
    def problem(self) -> Any:
        return SimpleNamespace(names=tuple(self.data), conditions=())

    @property
    def values(self) -> dict[str, float]:
        return dict(zip(self.names, map(float, self.theta), strict=True))

    @property
    def errors(self) -> dict[str, float]:
        return dict(zip(self.names, map(float, np.sqrt(np.diag(self.covariance))), strict=True))

    @property
    def correlation(self) -> Any:
        s = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(s, s)

    @property
    def chi2_by_condition(self) -> dict[str, tuple[float, int]]:
        return {n: (float(d["pulls"] @ d["pulls"]), d["pulls"].size) for n, d in self.data.items()}

    def data_of(self, name: str) -> dict[str, Any]:
        if self.data[name].get("y") is None:
            raise DataError(f"condition {name!r} has no data")
        return self.data[name]

    def predict(self, x: Any, *, band: bool = False, condition: str | None = None) -> Any:
        if self.basis is None:
            raise DataError("the file holds no model")
        G = self.basis(np.asarray(x))
        value = G @ self.theta
        value = value + (0.0 if condition is None else self.data[condition].get("offset", 0.0))
        return (value, np.sqrt(np.einsum("ij,jk,ik->i", G, self.covariance, G))) if band else value

    def profile(self, name: str, level: float) -> Any:
        from scipy.special import gammaincinv

        value, error = self.values[name], self.errors[name]
        reach = np.sqrt(2 * gammaincinv(0.5, level)) * error
        scan = value + np.linspace(-2.2, 2.2, 41) * error
        z = (scan - value) / error
        return SimpleNamespace(
            value=value, level=level, lower=value - reach, upper=value + reach, scan=scan, delta=z**2 * (1 - 0.08 * z)
        )

    def contour(self, a: str, b: str, levels: tuple[float, ...]) -> list[tuple[float, Any]]:
        i = [self.names.index(a), self.names.index(b)]
        L = np.linalg.cholesky(self.covariance[np.ix_(i, i)])
        t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        circle = np.stack([np.cos(t), np.sin(t)], 1)
        return [(p, self.theta[i] + np.sqrt(-2 * np.log(1 - p)) * circle @ L.T) for p in levels]


def line_basis(x: Any) -> Any:
    """Exponential decay and constant."""
    return np.stack([np.exp(-x / 1.3), np.ones_like(x)], 1)


def solved(basis: Any, x: Any, y: Any, sigma: Any, names: list[str], condition: str = "curve") -> Fake:
    G = basis(x)
    J = G / sigma[:, None]
    covariance = np.linalg.inv(J.T @ J)
    theta = covariance @ (J.T @ (y / sigma))
    pulls = (G @ theta - y) / sigma
    data = {condition: {"x": x, "y": y, "model": G @ theta, "sigma": sigma, "pulls": pulls}}
    history = {"f": np.array([900.0, 150.0, 160.0, 24.0, 18.3, 18.2]), "accepted": np.array([np.nan, 1, 0, 1, 1, 1])}
    s = np.linalg.svd(J / np.linalg.norm(J, axis=0), compute_uv=False)
    return Fake(
        theta,
        covariance,
        names,
        data,
        basis,
        history=history,
        singular_values=s,
        rank=len(names),
        chi2=float(pulls @ pulls),
        dof=y.size - len(names),
    )


def decay() -> Fake:
    """A decay on a constant, 40 points with unequal errors."""
    rng = np.random.default_rng(7)
    x = np.linspace(0.0, 5.0, 40)
    sigma = 0.05 + 0.05 * x / 5
    fake = solved(line_basis, x, line_basis(x) @ [2.5, 0.4] + sigma * rng.standard_normal(40), sigma, ["A", "c"])
    fake.units = {"A": "mV", "c": "mV"}
    return fake


def two_sets() -> Fake:
    """Two data sets with one model and an offset between them, and a condition without data."""
    rng = np.random.default_rng(1)
    fake = decay()
    x = np.sort(rng.uniform(0, 5, 25))
    model = line_basis(x) @ fake.theta + 1.0
    pulls = -rng.standard_normal(25)
    second = {"x": (x,), "y": model - 0.08 * pulls, "model": model, "sigma": np.full(25, 0.08), "pulls": pulls}
    fake.data = {"run 1": fake.data["curve"], "run 2": second | {"offset": 1.0}, "smooth": {"y": None, "pulls": pulls}}
    return fake


def resonance() -> Fake:
    """Complex reflection of a resonator."""
    rng = np.random.default_rng(3)
    x = np.linspace(5.99, 6.01, 81)

    def basis(x: Any) -> Any:
        return np.stack([np.ones_like(x), -1 / (1 + 2j * (x - 6.0) / 0.003)], 1)

    theta = np.array([1.0, 1.4])
    model = basis(x) @ theta
    noise = rng.standard_normal((2, 81)) * 0.03
    y = model + noise[0] + 1j * noise[1]
    pulls = np.concatenate([-noise[0], -noise[1]]) / 0.03
    data = {"S11": {"x": {"frequency (GHz)": x}, "y": y, "model": model, "sigma": np.full(81, 0.03), "pulls": pulls}}
    return Fake(theta, np.eye(2), ["a", "b"], data, basis, chi2=float(pulls @ pulls), dof=160)


def image(grid: bool = False) -> Fake:
    """A spot on a camera of 30 by 40 pixels."""
    rng = np.random.default_rng(4)
    Y, X = np.mgrid[0:30, 0:40].astype(float)
    model = 50 * np.exp(-0.5 * (((X - 22) / 6) ** 2 + ((Y - 13) / 4) ** 2)) + 5
    noise = rng.standard_normal(model.shape) * 2
    x = (X * 0.1, Y * 0.1) if grid else np.stack([X, Y], -1)
    data = {
        "spot": {
            "x": x,
            "y": model + noise,
            "model": model,
            "sigma": np.full(model.shape, 2.0),
            "pulls": -noise.ravel() / 2,
        }
    }
    return Fake(np.ones(2), np.eye(2), ["a", "b"], data, chi2=1200.0, dof=1195)


def deficient() -> Fake:
    """Six parameters of which the data see four combinations."""
    fake = decay()
    fake.names = ["A", "B", "tau", "t0", "c", "d"]
    fake.theta, fake.covariance = np.ones(6), np.eye(6)
    fake.singular_values = np.array([1.9, 1.1, 0.35, 0.004, 3e-15, 0.0])
    fake.rank = 4
    fake.null_directions = [{"A": 0.70711, "B": -0.70711}, {"tau": 0.6, "t0": 0.6, "c": -0.4, "d": 0.34}]
    return fake


def figure_of(drawn: Any) -> Any:
    """Return the figure of what a plot returned."""
    from matplotlib.figure import Figure

    return drawn if isinstance(drawn, Figure) else drawn.figure


def xs(line: Any) -> Any:
    """Horizontal coordinates of a drawn line."""
    return np.asarray(line.get_xdata(), dtype=float)


def ys(line: Any) -> Any:
    """Vertical coordinates of a drawn line."""
    return np.asarray(line.get_ydata(), dtype=float)
