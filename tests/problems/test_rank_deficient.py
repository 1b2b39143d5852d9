"""Pseudoinverse answers: minima, and the nearest ones to the start."""

import numpy as np
import pytest

from problems import CASES

BUILT = {name: factory() for name, factory in CASES.items() if name.startswith(("mgh/linear", "rank_deficient/"))}
TARGETS = [(name, k) for name, case in BUILT.items() for k in range(len(case.targets or ()))]


@pytest.mark.parametrize(("name", "start"), TARGETS)
def test_target_is_a_minimum_and_the_nearest_one(name, start):
    case = BUILT[name]
    assert case.targets is not None
    target, origin = np.array(case.targets[start]), np.array(case.starts[start])
    assert case.check(target)[0]
    assert case.target_digits(target, start) == 16.0
    assert np.max(np.abs(case.gradient(target))) < 1e-11 * (1 + np.linalg.norm(target))
    # Nearest: no part of the way back to the start lies in the tangent space of the solution set.
    _, s, vt = np.linalg.svd(case.jacobian(target))
    null = vt[np.sum(s > 1e-9 * s[0]) :]
    assert 1 <= len(null) < len(target)
    assert np.max(np.abs(null @ (origin - target))) < 1e-11 * (1 + np.linalg.norm(origin))


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("product_of_gains", lambda u, p: (u, p[0] * p[1] / u, p[2])),
        ("enzyme", lambda u, p: (u, p[0] * p[1] / u, p[2])),
        ("amplitude_and_log", lambda u, p: (u, p[1] + np.log(p[0] / u), p[2])),
    ],
)
def test_target_on_a_curve_beats_every_other_point_of_it(name, curve):
    case = BUILT[f"rank_deficient/{name}"]
    assert case.targets is not None
    for start, target in zip(case.starts, case.targets, strict=True):
        grid = np.geomspace(1e-2, 1e2, 4001)
        others = np.array([curve(u, target) for u in grid])
        assert case.check(others[1234])[0]
        best = np.min(np.linalg.norm(others - start, axis=1))
        assert np.linalg.norm(np.subtract(target, start)) <= best + 1e-12


def test_linear_targets_agree_with_the_pseudoinverse():
    for rank in (1, 2, 4):
        case = BUILT[f"rank_deficient/linear_{rank}_of_6"]
        assert case.targets is not None
        assert case.x is not None
        for start, target in zip(case.starts, case.targets, strict=True):
            found = np.array(start) + np.linalg.pinv(case.x, rcond=1e-10) @ (case.y - case.x @ np.array(start))
            np.testing.assert_allclose(found, target, rtol=1e-10, atol=1e-10)


def test_target_digits_reject_another_point_of_the_solution_set():
    case = BUILT["rank_deficient/sum_of_rates"]
    assert case.targets is not None
    elsewhere = np.add(case.targets[0], [0.0, 1e-3, -1e-3])
    assert case.check(elsewhere)[0]
    assert case.target_digits(elsewhere, 0) < 4
