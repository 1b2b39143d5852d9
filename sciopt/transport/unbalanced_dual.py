"""Dual of transport with penalised marginals: value, plan, and its maximisation by annealed Newton."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.transport.bounds import c_transform
from sciopt.transport.setting import Setting

__all__ = ["PenalisedDual", "divergence_of", "maximised"]

SCALING, NEWTON = 20, 60


def divergence_of(P: Array, Q: Array) -> float:
    """Return sum P log(P / Q) - P + Q."""
    positive = P > 0
    return float((P[positive] * np.log(P[positive] / Q[positive])).sum() - P.sum() + Q.sum())


class PenalisedDual:
    """Minus the dual of the penalised problem, as a function of g, with f eliminated."""

    def __init__(self, C: Array, a: Array, b: Array, rho: float) -> None:
        self.C, self.a, self.b, self.rho = C, a, b, rho
        self.log_a, self.log_b = np.log(a), np.log(b)
        self.log_unit = 0.5 * np.log(a.sum() * b.sum())

    def rows(self, g: Array, epsilon: float) -> tuple[Array, Array]:
        """Return f, optimal for g, and the plan."""
        scores = self.log_b - self.log_unit + (g - self.C) / epsilon
        top = scores.max(1)
        exponentials = np.exp(scores - top[:, None])
        log_sum = top + np.log(exponentials.sum(1))
        f = -log_sum * epsilon * self.rho / (epsilon + self.rho)
        log_row = self.log_a + f / epsilon + log_sum
        return f, exponentials * (np.exp(log_row) / exponentials.sum(1))[:, None]

    def value(self, f: Array, g: Array, P: Array, epsilon: float) -> float:
        """Return minus the dual objective, up to a constant."""
        rho = self.rho
        return float(rho * (self.a @ np.expm1(-f / rho) + self.b @ np.expm1(-g / rho)) + epsilon * P.sum())

    def terms(self, P: Array) -> tuple[float, float]:
        """Return <P, C> and the penalty."""
        carrying = P > 0
        row, column = P.sum(1), P.sum(0)
        return float((P[carrying] * self.C[carrying]).sum()), self.rho * (
            divergence_of(row, self.a) + divergence_of(column, self.b)
        )

    def lower(self, s: Setting, rows: Any, columns: Any, g: Array) -> float:
        """Return the dual value at epsilon = 0 of potentials made feasible, at their best common shift."""
        part = s.pairs.restricted(rows, columns)
        f = c_transform(part, g)
        g = c_transform(part, f, columns=True)
        rho = self.rho
        with np.errstate(over="ignore"):
            weight_f, weight_g = float(self.a @ np.exp(-f / rho)), float(self.b @ np.exp(-g / rho))
        t = 0.5 * rho * np.log(weight_f / weight_g) if 0 < weight_f < np.inf and 0 < weight_g < np.inf else 0.0
        return -rho * float(self.a @ np.expm1(-(f + t) / rho) + self.b @ np.expm1(-(g - t) / rho))


def maximised(dual: PenalisedDual, g: Array, epsilon: float, tol: float) -> tuple[Array, float, int]:
    """Return g at the optimum for one epsilon, the relative gradient, and the Newton steps."""
    from scipy.linalg import cho_factor, cho_solve

    rho, total = dual.rho, float(dual.b.sum())
    damping = rho / (rho + epsilon)
    error = np.inf
    for _ in range(SCALING):
        _, P = dual.rows(g, epsilon)
        with np.errstate(divide="ignore"):
            log_column = np.log(np.maximum(P.sum(0), 1e-300)) - g / epsilon
        g = damping * epsilon * (dual.log_b - log_column)
    for step in range(NEWTON):
        f, P = dual.rows(g, epsilon)
        row, column = P.sum(1), P.sum(0)
        wanted = dual.b * np.exp(-g / rho)
        residual = column - wanted
        error = float(np.abs(residual).sum()) / max(total, float(column.sum()))
        if error <= tol:
            return g, error, step
        S = -(P.T / row) @ P * (damping / epsilon)
        S[np.diag_indices_from(S)] += column / epsilon + wanted / rho
        S[np.diag_indices_from(S)] *= 1.0 + 1e-15
        try:
            d = -cho_solve(cho_factor(S), residual)
        except np.linalg.LinAlgError:
            d = np.zeros_like(g)
        before = dual.value(f, g, P, epsilon)
        slope, t = float(residual @ d), 1.0
        accepted = False
        for _ in range(30 if slope < 0 else 0):
            f_new, P_new = dual.rows(g + t * d, epsilon)
            after = dual.value(f_new, g + t * d, P_new, epsilon)
            if np.isfinite(after) and after <= before + 1e-4 * t * slope + 1e-14 * abs(before):
                accepted = True
                break
            t *= 0.5
        step_scaling = damping * epsilon * (dual.log_b - np.log(np.maximum(column, 1e-300)) + g / epsilon)
        g = g + t * d if accepted else step_scaling
    return g, error, NEWTON
