"""Solvers the benchmark compares, one module a solver."""

from problems.bench._peer import Peer
from problems.bench.peers import curve_fit, iminuit_migrad, lmfit_leastsq, optimistix_lm, sciopt, scipy_least_squares

__all__ = ["PEERS"]

PEERS: tuple[Peer, ...] = (
    *sciopt.PEERS,
    *scipy_least_squares.PEERS,
    *curve_fit.PEERS,
    *lmfit_leastsq.PEERS,
    *iminuit_migrad.PEERS,
    *optimistix_lm.PEERS,
)
"""Rows of the table, in its order."""
