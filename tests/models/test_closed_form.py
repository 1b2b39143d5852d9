"""Closed-form cells: their formulas, limits, masks, the published error bound, and what is refused."""

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid

from sciopt import models
from sciopt._errors import DataError, OptionError
from sciopt.linearise.autodiff import double


def sigmoid(u):
    return 1.0 / (1.0 + np.exp(-u))


def parts(cell, x, h):
    """Backbone and heads in numpy."""
    z = np.concatenate([x, h])
    for W, b in cell.backbone:
        z = 1.7159 * np.tanh(0.666 * (W @ z + b))
    return {k: W @ z + b for k, (W, b) in cell.heads.items()}


@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_cell_is_its_formula(mode, rng):
    cell = models.cfc(2, units=5, backbone=(7, 6), mode=mode, key=3)
    x, h, dt = rng.standard_normal(2), rng.standard_normal(5), 0.7
    p = parts(cell, x, h)
    if mode == "pure":
        expected = 1.0 - np.exp(-dt * np.abs(p["f"])) * p["f"]
    else:
        s = sigmoid(p["rate"] * dt + p["phase"])
        f, g = np.tanh(p["f"]), np.tanh(p["g"])
        expected = f + s * g if mode == "no_gate" else (1 - s) * f + s * g
    with double():
        np.testing.assert_allclose(np.asarray(cell.step(x, h, dt)), expected, atol=1e-14)


def test_limits_of_the_pure_cell(rng):
    cell = models.cfc(1, units=4, mode="pure", key=0)
    x, h = rng.standard_normal(1), rng.standard_normal(4)
    f = parts(cell, x, h)["f"]
    with double():
        np.testing.assert_allclose(np.asarray(cell.step(x, h, 0.0)), 1.0 - f, atol=1e-14)
        np.testing.assert_allclose(np.asarray(cell.step(x, h, 1e9)), 1.0, atol=1e-14)


def test_default_cell_at_zero_time_depends_on_the_phase_alone(rng):
    cell = models.cfc(1, units=4, key=0)
    x, h = rng.standard_normal(1), rng.standard_normal(4)
    p = parts(cell, x, h)
    s = sigmoid(p["phase"])
    with double():
        got = np.asarray(cell.step(x, h, 0.0))
    np.testing.assert_allclose(got, (1 - s) * np.tanh(p["f"]) + s * np.tanh(p["g"]), atol=1e-14)


def test_mixed_memory_is_an_lstm_before_the_cell(rng):
    cell = models.cfc(2, units=3, mixed_memory=True, key=5)
    into, recurrent, offset = cell.memory
    x, h, c = rng.standard_normal(2), rng.standard_normal(3), rng.standard_normal(3)
    i, f, g, o = np.split(into @ x + recurrent @ h + offset, 4)
    c_new = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
    h_mid = sigmoid(o) * np.tanh(c_new)
    with double():
        got_h, got_c = cell.step(x, (h, c), 0.4)
        plain = cell._cell(x, h_mid, 0.4)
    np.testing.assert_allclose(np.asarray(got_c), c_new, atol=1e-14)
    np.testing.assert_allclose(np.asarray(got_h), np.asarray(plain), atol=1e-14)
    for k in range(4):
        block = recurrent[3 * k : 3 * k + 3]
        np.testing.assert_allclose(block @ block.T, np.eye(3), atol=1e-12)


def test_sequence_is_the_repeated_step(rng):
    cell = models.cfc(2, outputs=3, units=4, key=1)
    x, dt = rng.standard_normal((6, 2)), rng.uniform(0.1, 1.0, 6)
    with double():
        h, out = cell.begin(), []
        for k in range(6):
            h = cell.step(x[k], h, dt[k])
            out.append(np.asarray(cell.readout[0] @ h + cell.readout[1]))
    np.testing.assert_allclose(np.asarray(cell(x, dt)), out, atol=1e-14)
    np.testing.assert_allclose(np.asarray(cell(np.stack([x, x]), np.stack([dt, dt])))[1], out, atol=1e-14)


def test_missing_connections_carry_nothing(rng):
    mask = models.sparse_wiring(2, 6, density=0.3, key=2)
    cell = models.cfc(2, units=6, wiring=mask, key=0)
    absent = np.argwhere(mask[:, 2:] == 0)[0]
    x, h = rng.standard_normal(2), rng.standard_normal(6)
    moved = h.copy()
    moved[absent[1]] += 1.0
    with double():
        a, b = (np.asarray(cell._head("f", np.concatenate([x, v]))) for v in (h, moved))
    assert a[absent[0]] == b[absent[0]]
    assert not np.array_equal(a, b)
    assert mask.sum(0).min() >= 1
    assert mask.sum(1).min() >= 1


def test_numbers_of_parameters():
    from sciopt.layout import Layout

    n, H, B = 3, 8, 10
    head = H * (B + 1)
    readout = H + 1
    shared = (n + H + 1) * B
    for mode, size in (("default", 4 * head), ("no_gate", 4 * head), ("pure", head + 2 * H)):
        assert Layout.of(models.cfc(n, units=H, backbone=(B,), mode=mode)).size == shared + size + readout


def test_published_error_bound():
    """(x - closed form) / (x0 - A) lies in [e^(-wt) (e^(-t) - 1), e^(-wt)] for 200 random cells and currents."""
    t = np.linspace(0, 5, 4001)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        w, A, x0 = rng.uniform(0.0, 2.0), rng.normal(), rng.normal()
        a, k, phase = rng.normal(size=3) * 2, rng.uniform(0, 4, 3), rng.uniform(0, 6, 3)

        def current(t, a=a, k=k, phase=phase):
            return (a * np.sin(np.multiply.outer(t, k) + phase)).sum(-1)

        area = cumulative_trapezoid(sigmoid(current(t)), t, initial=0.0)
        exact = (x0 - A) * np.exp(-w * t - area) + A
        ratio = (exact - models.liquid_closed_form(t, x0, A, w, sigmoid, current)) / (x0 - A)
        assert (ratio >= np.exp(-w * t) * (np.exp(-t) - 1) - 1e-6).all(), seed
        assert (ratio <= np.exp(-w * t) + 1e-6).all(), seed


def test_closed_form_at_the_begin():
    """At t = 0 it is (x0 - A) f(-I(0)) + A, not x0: the initial condition is not built in."""
    got = models.liquid_closed_form(np.zeros(3), 2.0, 1.0, 0.5, sigmoid, lambda t: 1.5 + t)
    np.testing.assert_allclose(got, 1.0 + sigmoid(-1.5), atol=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: models.cfc(0), OptionError, "inputs"),
        (lambda: models.cfc(1, mode="fast"), OptionError, "mode='fast'"),
        (lambda: models.cfc(1, units=2, wiring=np.ones((2, 2))), OptionError, r"shape \(2, 3\)"),
        (lambda: models.cfc(1, units=2, wiring=np.full((2, 3), 0.5)), OptionError, "0 and 1"),
        (lambda: models.sparse_wiring(1, 2, density=0.0), OptionError, "density"),
        (lambda: models.cfc(2)(np.ones((5, 3)), np.ones(5)), DataError, r"\(5, 3\)"),
        (lambda: models.cfc(2)(np.ones((5, 2)), np.ones(4)), DataError, r"dt \(4,\)"),
    ],
)
def test_bad_calls_are_named(call, error, told):
    with pytest.raises(error, match=told):
        call()
