"""Every example runs as a user would run it, and its main number is the one that its text tells."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))

# What each example is about, in one figure.
PINNED: dict[str, tuple[Callable[[dict[str, Any]], Any], Any]] = {
    "01_fit_a_decay": (lambda names: names["fit"].values["b1"], pytest.approx(238.94212918, rel=1e-9)),
    "02_rank_deficient_fit": (lambda names: names["rank"], 3),
    "03_counts_and_limits": (lambda names: names["upper_limit"], pytest.approx(3.762516, rel=1e-5)),
    "10_compare_spectra": (lambda names: names["gain"], pytest.approx(1.02, abs=1e-3)),
    "11_two_galaxies": (lambda names: names["high"] / names["low"] - 1 < 1e-3, True),
    "12_lattice_gas": (lambda names: names["shifted"], pytest.approx(7.544534, rel=1e-6)),
    "05_poisson": (lambda names: (names["error"] < 1e-12, names["verdict"].determined), (True, False)),
    "06_grid_bratu": (lambda names: names["fold"], pytest.approx(6.808124423, rel=3e-4)),
    "07_inverse_diffusion": (lambda names: names["fit"].errors["D"] / names["limit"], pytest.approx(1.0, abs=0.05)),
    "04_compare_methods": (lambda names: names["solutions"]["trust region (default)"].success, True),
    "20_lynx_hare": (lambda names: names["birth"], pytest.approx(0.48119903767, rel=1e-6)),
    "21_chaotic_by_multiple_shooting": (lambda names: names["worst"] < 0.01, True),
    "22_sde_by_moments": (lambda names: max(abs(p) for p in names["pulls"].values()) < 3, True),
    "23_cheap_neural_ode": (lambda names: names["steps"](names["cheap"]) < 0.8 * names["steps"](names["plain"]), True),
    "24_irregular_sequences": (lambda names: names["with_times"] < 0.1 * names["without_times"], True),
    "25_pendulum_propagator": (lambda names: names["drift"]["max"] < 0.01, True),
}


def run(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    return runpy.run_path(str(path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path, tmp_path, monkeypatch):
    names = run(path, tmp_path, monkeypatch)
    number, expected = PINNED[path.stem]
    assert number(names) == expected


def test_every_example_is_pinned():
    assert {p.stem for p in EXAMPLES} == set(PINNED)


def test_numbers_of_the_rank_deficient_fit(tmp_path, monkeypatch):
    names = run(EXAMPLES[1], tmp_path, monkeypatch)
    (direction,) = names["fit"].null_directions
    assert set(direction) == {"gain", "quantum_yield"}
    product = names["fit"].values["gain"] * names["fit"].values["quantum_yield"]
    assert product == pytest.approx(2.0 * names["quantum_yield"], rel=1e-6)
    assert names["yield_error"] / names["quantum_yield"] == pytest.approx(0.05, rel=0.02)
    assert list(tmp_path.iterdir()) == []


def test_limit_is_where_the_likelihood_has_fallen(tmp_path, monkeypatch):
    """2 log L is minimised by hand over level, slope and efficiency at the limit and at zero signal."""
    names = run(EXAMPLES[2], tmp_path, monkeypatch)
    counts, energy, model = names["empty"], names["energy"], names["spectrum"]

    def cost(rest, events):
        mu = model(energy, events, *rest)
        if not np.all(mu > 0):
            return np.inf
        return 2 * np.sum(mu - counts * np.log(mu)) + ((rest[2] - 1.0) / 0.1) ** 2

    def least(events):
        options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000}
        return minimize(cost, [5.0, 0.03, 1.0], (events,), "Nelder-Mead", options=options).fun

    assert least(names["upper_limit"]) - least(0.0) == pytest.approx(1.6448536**2, rel=1e-6)
