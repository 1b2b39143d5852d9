"""Settings shared by every test: no display, explicit random numbers, bounded compilation caches."""

import gc
import os
import sys
from collections.abc import Iterator

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a numpy generator with a fixed seed, fresh for each test."""
    return np.random.default_rng(20240229)


@pytest.fixture
def key() -> int:
    """Return the integer that all random draws of a solve derive from."""
    return 0


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close figures that a test leaves open; matplotlib is not imported for the sake of it."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(autouse=True, scope="module")
def _drop_compiled_functions() -> Iterator[None]:
    """Free compiled functions after each module, so that a long run stays within memory."""
    yield
    jax = sys.modules.get("jax")
    if jax is not None:
        jax.clear_caches()
        gc.collect()
