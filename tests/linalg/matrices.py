"""Test matrices with a prescribed spectrum, and slow references in plain NumPy."""

import numpy as np


def with_spectrum(rng, n, P, S):
    """Return an (n, P) matrix with singular values S and random singular vectors."""
    m = len(S)
    U = np.linalg.qr(rng.standard_normal((n, m)))[0]
    V = np.linalg.qr(rng.standard_normal((P, m)))[0]
    return (U * S) @ V.T


def damped(J, r, damping, D=None):
    """Minimiser of ||J x + r||^2 + damping ||D x||^2 by QR of the augmented matrix: no squaring."""
    P = J.shape[1]
    scale = np.ones(P) if D is None else D
    rows = np.vstack([J / scale, np.sqrt(damping) * np.eye(P)])
    Q, R = np.linalg.qr(rows)
    return -np.linalg.solve(R, Q.T @ np.concatenate([r, np.zeros(P)])) / scale


def relative(x, y):
    """Relative distance of x from y."""
    return np.linalg.norm(x - y) / np.linalg.norm(y)
