"""Benchmark of solvers on the catalogue: ``python -m problems.bench least_squares``."""
