"""Orders of the SDE schemes: weak by quadrature over the noise (no sampling error), strong by refined Brownian paths."""

import numpy as np
import pytest

from sciopt._errors import OptionError
from sciopt.dynamics.sde_ensemble import Ensemble, TimeGrid
from sciopt.dynamics.sde_schemes import SCHEMES, scheme_of
from sciopt.linearise.autodiff import double

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(16)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def growth(t, y, p):
    return p["mu"] * y


def spread(t, y, p):
    return p["sigma"] * y


def well(t, y, p):
    return y - y**3


def constant(t, y, p):
    return 0.5 + 0.0 * y


def after(ensemble, p, h, steps, y0):
    """States after some steps of length h for all combinations of quadrature nodes, with their weights."""
    grids = np.meshgrid(*[NODES] * steps, indexing="ij")
    weights = np.prod(np.meshgrid(*[WEIGHTS] * steps, indexing="ij"), axis=0).ravel()
    dW = np.sqrt(h) * np.stack([g.ravel() for g in grids])[:, :, None]
    start = np.full((dW.shape[1], 1), y0)
    with double():
        y = np.asarray(ensemble.paths(p, start, h * np.arange(steps), np.full(steps, h), dW))[-1, :, 0]
    return y, weights


def slope(h, errors):
    return np.polyfit(np.log(h), np.log(errors), 1)[0]


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(
    ("scheme", "order"), [("euler_maruyama", 1), ("milstein", 1), ("platen", 2), ("small_noise", 2)]
)
def test_weak_order_of_geometric_brownian_motion(scheme, order, power):
    order = 4 if scheme == "small_noise" and power == 1 else order  # the mean obeys the equation without noise
    p = {"mu": 0.6, "sigma": 0.5}
    rate = {1: p["mu"], 2: 2 * p["mu"] + p["sigma"] ** 2}[power]
    hs, errors = np.array([0.2, 0.1, 0.05]), []
    for h in hs:
        y, w = after(Ensemble(growth, spread, scheme=scheme), p, h, 1, 1.0)
        errors.append(abs((w @ y**power) ** round(1 / h) - np.exp(rate)))
    assert slope(hs, errors) == pytest.approx(order, abs=0.25)


def test_weak_order_of_heun_in_the_stratonovich_sense():
    p = {"mu": 0.6, "sigma": 0.5}
    hs, errors = np.array([0.2, 0.1, 0.05]), []
    for h in hs:
        y, w = after(Ensemble(growth, spread, interpretation="stratonovich"), p, h, 1, 1.0)
        errors.append(abs((w @ y) ** round(1 / h) - np.exp(p["mu"] + 0.5 * p["sigma"] ** 2)))
    assert slope(hs, errors) >= 0.8


@pytest.mark.parametrize("scheme", ["platen", "small_noise"])
def test_weak_order_of_a_nonlinear_drift(scheme):
    """One step against two half steps: the difference of E[y^2] falls as h^3."""
    hs, errors = np.array([0.1, 0.05, 0.025]), []
    for h in hs:
        once, w1 = after(Ensemble(well, constant, scheme=scheme), {}, h, 1, 0.4)
        twice, w2 = after(Ensemble(well, constant, scheme=scheme), {}, 0.5 * h, 2, 0.4)
        errors.append(abs(w1 @ once**2 - w2 @ twice**2))
    assert slope(hs, errors) >= 2.7


def test_small_noise_scheme_has_order_four_without_noise():
    def turn(t, y, p):
        return np.array([[0.0, 1.0], [-1.0, 0.0]]) @ y * 3.0

    errors, hs = [], np.array([0.1, 0.05])
    for h in hs:
        n = round(1 / h)
        with double():
            y = Ensemble(turn, lambda t, y, p: 0.0 * y, scheme="small_noise").paths(
                {}, np.array([[1.0, 0.0]]), h * np.arange(n), np.full(n, h), np.zeros((n, 1, 2))
            )[-1, 0]
        errors.append(np.abs(np.asarray(y) - [np.cos(3), -np.sin(3)]).max())
    assert slope(hs, errors) == pytest.approx(4, abs=0.2)


def strong_errors(interpretation, scheme, exact):
    """Root mean square error at t = 1 on steps of 1/8 ... 1/64 of the same Brownian paths."""
    p, paths, finest = {"mu": 0.3, "sigma": 0.8}, 4000, 64
    dW = np.random.default_rng(3).standard_normal((finest, paths, 1)) / np.sqrt(finest)
    truth, out = exact(p, dW.sum(0)[:, 0]), []
    for n in (8, 16, 32, 64):
        coarse = dW.reshape(n, -1, paths, 1).sum(1)
        with double():
            y = Ensemble(growth, spread, interpretation=interpretation, scheme=scheme).paths(
                p, np.ones((paths, 1)), np.arange(n) / n, np.full(n, 1.0 / n), coarse
            )
        out.append(np.sqrt(np.mean((np.asarray(y)[-1, :, 0] - truth) ** 2)))
    return slope(1.0 / np.array([8, 16, 32, 64]), out)


def ito(p, W):
    return np.exp(p["mu"] - 0.5 * p["sigma"] ** 2 + p["sigma"] * W)


def stratonovich(p, W):
    return np.exp(p["mu"] + p["sigma"] * W)


@pytest.mark.parametrize(
    ("interpretation", "scheme", "exact", "order"),
    [
        ("ito", "euler_maruyama", ito, 0.5),
        ("ito", "milstein", ito, 1.0),
        ("stratonovich", "heun", stratonovich, 1.0),
        ("ito", "heun", ito, 1.0),  # with the drift that makes it solve the Ito equation
        ("stratonovich", "milstein", stratonovich, 1.0),
    ],
)
def test_strong_order(interpretation, scheme, exact, order):
    assert strong_errors(interpretation, scheme, exact) == pytest.approx(order, abs=0.15)


def test_general_noise_is_the_matrix_product(rng):
    L = np.array([[0.5, 0.0, 0.1], [0.2, 0.3, 0.0]])
    dW = rng.standard_normal((5, 7, 3))
    with double():
        y = Ensemble(lambda t, y, p: 0.0 * y, lambda t, y, p: L + 0.0 * y[0], noise="general").paths(
            {}, np.zeros((7, 2)), np.zeros(5), np.ones(5), dW
        )
    np.testing.assert_allclose(np.asarray(y)[-1], dW.sum(0) @ L.T, atol=1e-14)


def test_own_slope_of_amplitudes_that_depend_on_all_components(rng):
    """Milstein's correction and the noise-induced drift take dg_i/dy_i alone."""
    from sciopt.dynamics.sde_schemes import drift_shift

    y = rng.standard_normal((4, 2))
    with double():
        import jax.numpy as jnp

        got = drift_shift(
            lambda t, y: jnp.stack([y[:, 0] * y[:, 1], jnp.sin(y[:, 0])], -1), "diagonal", 0.0, jnp.asarray(y)
        )
    np.testing.assert_allclose(np.asarray(got), 0.5 * np.stack([y[:, 0] * y[:, 1] ** 2, 0 * y[:, 0]], -1), atol=1e-14)


def test_grid_passes_through_all_times():
    grid = TimeGrid.through(0.5, np.array([0.5, 0.6, 1.7]), 0.3)
    assert grid.rows.tolist() == [0, 1, 5]
    np.testing.assert_allclose(np.cumsum(grid.h), [0.1, 0.375, 0.65, 0.925, 1.2])
    fine = grid.refined(2)
    np.testing.assert_allclose(np.cumsum(fine.h)[1::2], np.cumsum(grid.h))
    np.testing.assert_allclose(fine.t[::2], grid.t)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"noise": "white"}, "noise='white'"),
        ({"interpretation": "klimontovich"}, "interpretation='klimontovich'"),
        ({"scheme": "leapfrog"}, "scheme='leapfrog'"),
        ({"scheme": "milstein", "noise": "general"}, "not 'general'"),
    ],
)
def test_unknown_options_are_named(options, told):
    with pytest.raises(OptionError, match=told):
        Ensemble(growth, spread, **options)


def test_defaults():
    assert scheme_of("auto", "diagonal", "ito").name == "small_noise"
    assert scheme_of("auto", "general", "ito").name == "euler_maruyama"
    assert scheme_of("auto", "scalar", "stratonovich").name == "heun"
    assert {s.interpretation for s in SCHEMES.values()} == {"ito", "stratonovich"}
