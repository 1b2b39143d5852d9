"""whiten, value and decrease of every loss belong to the same function."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt import losses


def _outputs(kind: str, rng: np.random.Generator, n: int = 24):
    """Return a loss, outputs z in its domain, data y."""
    z = 2.0 * rng.standard_normal(n)
    cases = {
        "gaussian": (losses.Gaussian(), z, rng.standard_normal(n)),
        "poisson": (losses.Poisson(), np.exp(0.7 * z), rng.poisson(2.0, n).astype(float)),
        "binomial": (losses.Binomial(9), 1 / (1 + np.exp(-z)), rng.integers(0, 10, n).astype(float)),
        "bernoulli": (losses.Binomial(), 1 / (1 + np.exp(-z)), rng.integers(0, 2, n).astype(float)),
        "logistic": (losses.Logistic(), z, rng.integers(0, 2, n).astype(float)),
        "fractions": (losses.Logistic(), z, rng.uniform(0, 1, n)),
        "softmax": (losses.Softmax(), z.reshape(-1, 4), rng.integers(0, 4, n // 4)),
        "soft_labels": (losses.Softmax(), z.reshape(-1, 4), rng.dirichlet(np.ones(4), n // 4)),
        "votes": (losses.Softmax(), z.reshape(-1, 4), rng.integers(0, 5, (n // 4, 4)) + np.eye(4)[0]),
        "huber": (losses.Huber(), z, rng.standard_normal(n)),
        "soft_l1": (losses.SoftL1(0.7), z, rng.standard_normal(n)),
        "cauchy": (losses.Cauchy(1.3), z, rng.standard_normal(n)),
        "student_t": (losses.StudentT(3.0, 0.8), z, rng.standard_normal(n)),
        "likelihood": (losses.Likelihood(), z, None),
        "extended": (losses.Likelihood(extended=True), np.append(z[:-1], 20.0), None),
        "custom": (
            losses.Elementwise(
                lambda z, y: np.logaddexp(z - y, y - z), lambda z, y: np.tanh(z - y), lambda z, y: np.cosh(z - y) ** -2
            ),
            z,
            rng.standard_normal(n),
        ),
    }
    return cases[kind]


KINDS = (
    *("gaussian", "poisson", "binomial", "bernoulli", "logistic", "fractions", "softmax", "soft_labels", "votes"),
    *("huber", "soft_l1", "cauchy", "student_t", "likelihood", "extended", "custom"),
)


def whitened(loss, z, y, J):
    r, scale = loss.whiten(z, y)
    rows = scale.rows(J) if hasattr(scale, "rows") else np.ravel(scale)[:, None] * J
    return np.ravel(r), rows


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_a_linear_model_agrees_with_differences(kind, rng):
    for _ in range(3):
        loss, z0, y = _outputs(kind, rng)
        A = 0.1 * rng.standard_normal((z0.size, 3))

        def model(theta, A=A, z0=z0):
            return z0 + (A @ theta).reshape(z0.shape)

        r, rows = whitened(loss, z0, y, A)
        gradient = rows.T @ r
        h = 1e-5
        for j in range(3):
            e = h * np.eye(3)[j]
            by_value = (loss.value(model(e), y) - loss.value(model(-e), y)) / (2 * h)
            by_decrease = loss.decrease(model(-e), model(e), y) / (-2 * h)
            assert by_value == pytest.approx(gradient[j], rel=1e-6, abs=1e-7)
            assert by_decrease == pytest.approx(gradient[j], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("kind", ["logistic", "soft_labels", "votes", "soft_l1", "gaussian", "custom", "softmax"])
def test_whitened_matrix_is_the_hessian_where_it_should_be(kind, rng):
    """Canonical links and convex robust losses (away from the floor) have Fisher = Hessian."""
    loss, z, y = _outputs(kind, rng)
    if kind == "soft_l1":
        z = 0.3 * z + y
    A = 0.1 * rng.standard_normal((z.size, 2))
    _, rows = whitened(loss, z, y, A)
    h = 1e-4

    def gradient(theta):
        r, rows = whitened(loss, z + (A @ theta).reshape(z.shape), y, A)
        return rows.T @ r

    H = np.stack([(gradient(h * e) - gradient(-h * e)) / (2 * h) for e in np.eye(2)])
    np.testing.assert_allclose(rows.T @ rows, H, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("kind", "trials"), [("poisson", None), ("binomial", 9)])
def test_curvature_is_the_expected_hessian(kind, trials, rng):
    """Averaged over the counts' distribution, l'' is the square of the scale."""
    from scipy import stats

    if kind == "poisson":
        mu, k = 3.7, np.arange(0.0, 60.0)
        loss, z, weight = losses.Poisson(), np.full(60, mu), stats.poisson.pmf(k, mu)
        second = k / mu**2
    else:
        p, k = 0.3, np.arange(0.0, 10.0)
        loss, z, weight = losses.Binomial(trials), np.full(10, p), stats.binom.pmf(k, trials, p)
        second = k / p**2 + (trials - k) / (1 - p) ** 2
    _, scale = loss.whiten(z, k)
    assert scale[0] ** 2 == pytest.approx(float(weight @ second), rel=1e-10)


@pytest.mark.parametrize("kind", ["huber", "soft_l1", "cauchy", "student_t"])
def test_triggs_identity_and_positive_floor(kind, rng):
    loss, _, _ = _outputs(kind, rng)
    r = np.concatenate([-np.geomspace(1e-12, 1e12, 49), [0.0], np.geomspace(1e-12, 1e12, 49)])
    rt, scale = loss.whiten(r, 0.0)
    assert np.all(scale > 0)
    assert np.all(np.isfinite(rt))
    h = 1e-6 * np.maximum(np.abs(r), 1e-3)
    slope = np.array([loss.decrease([a - d], [a + d], 0.0) / (-2 * d) for a, d in zip(r, h, strict=True)])
    np.testing.assert_allclose(scale * rt, slope, rtol=1e-5, atol=1e-13)


def _exact(kind: str, loss, z, y):
    """Loss in 60 digits, as a function of exact z."""
    m = mpmath.mpf
    if kind == "gaussian":
        return sum((a - m(k)) ** 2 for a, k in zip(z, y, strict=True)) / 2
    if kind == "poisson":
        return sum(a - k + (k * mpmath.log(m(k) / a) if k else 0) for a, k in zip(z, map(m, y), strict=True))
    if kind == "binomial":
        n = m(9)
        return sum(-(k * mpmath.log(a) + (n - k) * mpmath.log(1 - a)) for a, k in zip(z, map(m, y), strict=True))
    if kind in ("logistic", "fractions"):
        return sum(mpmath.log(1 + mpmath.exp(a)) - m(k) * a for a, k in zip(z, y, strict=True))
    if kind in ("softmax", "soft_labels"):
        total = m(0)
        for row in range(len(y)):
            cells = z[4 * row : 4 * row + 4]
            weights = [m(float(w)) for w in y[row]] if np.ndim(y) == 2 else [m(int(c == y[row])) for c in range(4)]
            total += sum(weights) * mpmath.log(sum(mpmath.exp(a) for a in cells))
            total -= sum(w * a for w, a in zip(weights, cells, strict=True))
        return total
    r = [a - m(float(k)) for a, k in zip(z, y, strict=True)]
    if kind == "huber":
        c = m(loss.delta)
        return sum(a * a / 2 if abs(a) <= c else c * abs(a) - c * c / 2 for a in r)
    c = m(loss.scale)
    if kind == "soft_l1":
        return sum(c**2 * (mpmath.sqrt(1 + (a / c) ** 2) - 1) for a in r)
    if kind == "cauchy":
        return sum(c**2 / 2 * mpmath.log(1 + (a / c) ** 2) for a in r)
    nu = m(loss.nu)
    return sum((nu + 1) / 2 * mpmath.log(1 + a * a / (nu * c * c)) for a in r)


EXACT = (
    *("gaussian", "poisson", "binomial", "logistic", "fractions", "softmax", "soft_labels"),
    *("huber", "soft_l1", "cauchy", "student_t"),
)


@pytest.mark.parametrize("change", [1e-12, 1e-6, 0.2, 3.0])
@pytest.mark.parametrize("kind", EXACT)
def test_decrease_keeps_digits_that_a_difference_loses(kind, change, rng):
    loss, z, y = _outputs(kind, rng)
    new = z * (1 + change * rng.uniform(0.2, 1.0, z.shape))
    if kind == "binomial":
        new = np.minimum(new, 0.5 * (1 + z))
    with mpmath.workdps(60):
        before = _exact(kind, loss, [mpmath.mpf(float(a)) for a in z.ravel()], y)
        after = _exact(kind, loss, [mpmath.mpf(float(a)) for a in new.ravel()], y)
        truth = float(before - after)
        rows = sum(
            abs(float(d)) for d in np.ravel(loss.deviance(z, y) - loss.deviance(new, y)) / 2
        )  # rows of both signs add up to less than their sizes
    assert loss.decrease(z, new, y) == pytest.approx(truth, rel=1e-12, abs=2e-15 * max(rows, abs(truth)))


def test_poisson_decrease_at_the_optimum_of_large_counts(rng):
    """At mu close to k the first order is tiny and the change is second order: counts of 1e12, steps of 1e-9."""
    k = np.round(1e12 * rng.uniform(0.5, 2, 50))
    mu = k + rng.standard_normal(50)
    new = mu * (1 + 1e-9 * rng.standard_normal(50))
    with mpmath.workdps(60):
        truth = float(
            sum(
                mpmath.mpf(a) - mpmath.mpf(b) + mpmath.mpf(c) * mpmath.log(mpmath.mpf(b) / a)
                for a, b, c in zip(mu, new, k, strict=True)
            )
        )
    assert losses.Poisson().decrease(mu, new, k) == pytest.approx(truth, rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([k for k in KINDS if k not in ("likelihood", "extended", "custom")]),
    st.integers(0, 2**31),
    st.floats(-1.0, 1.0),
)
def test_decrease_is_the_difference_of_values(kind, seed, factor):
    rng = np.random.default_rng(seed)
    loss, z, y = _outputs(kind, rng)
    _, other, _ = _outputs(kind, rng)
    new = z + 0.5 * (1 + factor) * (other - z)
    difference = loss.value(z, y) - loss.value(new, y)
    assert loss.decrease(z, new, y) == pytest.approx(difference, rel=1e-9, abs=1e-9)
    assert loss.value(z, y) >= 0
    assert float(np.sum(loss.deviance(z, y))) == pytest.approx(2 * loss.value(z, y), rel=1e-10, abs=1e-12)
