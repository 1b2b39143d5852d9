"""More-Garbow-Hillstrom functions: published minima, ranks and MINPACK's starts."""

import numpy as np
import pytest

from problems.least_squares import MINPACK_STARTS, mgh

BUILT = {name: factory() for name, factory in mgh.CASES.items()}


def test_minpack_driver_has_53_distinct_starts():
    assert len(MINPACK_STARTS) == len(set(MINPACK_STARTS)) == 53
    assert all(start < len(BUILT[name].starts) for name, start in MINPACK_STARTS)
    assert BUILT["mgh/watson_n6"].starts[1:] == ((10.0,) * 6, (100.0,) * 6)
    assert BUILT["mgh/meyer"].starts[1] == (0.2, 40000.0, 2500.0)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("freudenstein_roth", 48.9842),
        ("jennrich_sampson", 124.362),
        ("bard", 8.21487e-3),
        ("bard", 17.4286),
        ("gaussian", 1.12793e-8),
        ("meyer", 87.9458),
        ("kowalik_osborne", 3.07505e-4),
        ("brown_dennis", 85822.2),
        ("osborne_1", 5.46489e-5),
        ("biggs_exp6", 5.65565e-3),
        ("osborne_2", 4.01377e-2),
        ("watson_n6", 2.28767e-3),
        ("watson_n9", 1.39976e-6),
        ("watson_n12", 4.72238e-10),
        ("penalty_1_n4", 2.24997e-5),
        ("penalty_1_n10", 7.08765e-5),
        ("penalty_2_n4", 9.37629e-6),
        ("penalty_2_n10", 2.93660e-4),
        ("trigonometric_n10", 2.79506e-5),
        ("chebyquad_n8", 3.51687e-3),
        ("chebyquad_n10", 6.50395e-3),
        ("beale", 0.452009),
    ],
)
def test_minima_are_the_published_ones(name, published):
    assert any(a.rss == pytest.approx(published, rel=1e-5) for a in BUILT[f"mgh/{name}"].answers)


@pytest.mark.parametrize(
    "name", [n for n, c in BUILT.items() if n.startswith("mgh/") and "rank_deficient" not in c.tags]
)
def test_finite_minimum_has_full_rank_unless_tagged(name):
    case = BUILT[name]
    for answer in case.answers:
        if answer.parameters is None:
            continue
        jacobian = case.jacobian(answer.parameters)
        scaled = jacobian / np.linalg.norm(jacobian, axis=0)
        assert np.linalg.matrix_rank(scaled, 1e-9) == len(case.parameters)


@pytest.mark.parametrize(("name", "rank"), [("freudenstein_roth", 1), ("jennrich_sampson", 1), ("chebyquad_n8", 7)])
def test_square_system_is_singular_where_its_residual_is_not_zero(name, rank):
    case = BUILT[f"mgh/{name}"]
    (local,) = [a.parameters for a in case.answers if a.rss > 0 and a.parameters is not None]
    assert np.linalg.matrix_rank(case.jacobian(local), 1e-7) == rank


def test_minima_at_infinity_are_limits():
    x1 = float(np.mean(mgh.data.BARD))
    assert BUILT["mgh/bard"].check((x1, 1e9, 1e9)) == (True, 1)
    beale = BUILT["mgh/beale"]
    assert beale.check((13.875 / 14 * 1e6, 1 - 1e-6)) == (True, 1)
    assert beale.check((13.875 / 14 * 10, 1 - 0.1)) == (False, None)
    assert BUILT["mgh/jennrich_sampson"].check((-1e3, 0.3314852779)) == (True, 1)
