"""Schur complements of couplings: products, both storages, conjugate gradients with and without a coarse space."""

import numpy as np
import pytest

from sciopt.linalg.schur import WIDTH, BlockRows, SchurComplement


def blocked(P):
    """Store a dense matrix by rows in blocks, leaving out blocks of zeros."""
    n, m = P.shape
    wide = np.zeros((n, -(-m // WIDTH) * WIDTH))
    wide[:, :m] = P
    rows = BlockRows(n, m, wide.size // WIDTH)
    at = 0
    for i in range(n):
        rows.start[i] = at
        for k in range(wide.shape[1] // WIDTH):
            block = wide[i, k * WIDTH : (k + 1) * WIDTH]
            if block.any():
                rows.block[at], rows.data[at * WIDTH : (at + 1) * WIDTH] = k, block
                at += 1
        rows.end[i] = at
    return rows


def band(n=160, width=0.02):
    """Return a coupling of neighbours on a line, whose complement is nearly singular on smooth vectors."""
    x = np.linspace(0, 1, n)
    P = np.exp(-(((x[:, None] - x) / width) ** 2))
    P[P < 1e-12] = 0.0
    return P / P.sum()


@pytest.mark.parametrize("cut", [0.0, 1e-9])
@pytest.mark.parametrize("m", [7, 16, 45])
def test_products_with_both_storages(m, cut):
    rng = np.random.default_rng(m)
    P = np.where(rng.random((30, m)) < 0.1, rng.random((30, m)), 0.0) + 1e-3 * np.eye(30, m)
    P[:, 0] += 0.1
    a, c = P.sum(1), P.sum(0) + 0.01
    S = SchurComplement(blocked(P), a, c, c, cut)
    assert (S._value.size > 0) == (cut > 0)
    dense = np.diag(c) - P.T @ (P / a[:, None])
    v = rng.standard_normal(m)
    assert S.apply(v) == pytest.approx(dense @ v, abs=1e-14)
    x, iterations, residual = S.solve(v, 1e-12)
    assert x == pytest.approx(np.linalg.solve(dense, v), rel=1e-8)
    assert residual <= 1e-12
    assert 1 <= iterations <= 4 * m
    damped = np.linalg.solve(dense + 0.5 * np.diag(c), v)
    assert S.solve(v, 1e-13, damping=0.5)[0] == pytest.approx(damped, rel=1e-9)


def test_aggregates_save_iterations():
    n = 400
    P = band(n, 0.006)
    a, c = P.sum(1), P.sum(0)
    rhs = np.sin(6 * np.linspace(0, 1, n)) * c
    rhs -= rhs.mean()
    taken = {}
    for k in (None, 50, 130):
        labels = None if k is None else np.arange(n) * k // n
        S = SchurComplement(blocked(P), a, c, c, labels=labels)
        x, taken[k], residual = S.solve(rhs, 1e-10)
        assert residual <= 1e-10
        assert np.abs(S.apply(x) - rhs).sum() <= 1e-9
    assert taken[50] < 0.75 * taken[None]
    assert taken[130] < taken[50]


def test_iterations_are_limited():
    P = band()
    S = SchurComplement(blocked(P), P.sum(1), P.sum(0), P.sum(0))
    _, iterations, residual = S.solve(np.linspace(-1, 1, 160), 1e-14, most=5)
    assert iterations == 5
    assert residual > 1e-14
