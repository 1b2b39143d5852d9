"""Sven's regression tasks against the published figures."""

import numpy as np
import pytest

from problems.least_squares.sven_study import METHODS, cost, run, table
from problems.least_squares.sven_tasks import TASKS


def chosen(name, *labels):
    return {label: METHODS[name][label] for label in labels}


def test_one_pass_over_the_curve_already_ranks_the_families():
    rows = run("sven/toy_1d", (0,), 1, chosen("sven/toy_1d", "Sven, safeguarded", "SGD"))
    sven, sgd = (r["median"] for r in rows)
    assert sven < 0.1 * sgd
    assert rows[0]["steps"] == 312
    assert "safeguarded" in table(rows)


def test_parameters_are_as_many_as_published():
    from problems.least_squares.sven_study import network_problem

    for name, size in (("sven/toy_1d", 593), ("sven/dense_quartic", 673)):
        assert network_problem(TASKS[name](), 0).layout.size == size


@pytest.mark.slow
def test_published_settings_reach_the_published_errors():
    for name, labels, limits in (
        ("sven/toy_1d", ("Sven, published", "half-inverse"), (5.1e-7, 1.8e-9)),
        ("sven/dense_quartic", ("Sven, published", "half-inverse"), (0.139, 0.0841)),
    ):
        rows = run(name, range(3), None, chosen(name, *labels))
        for row, limit in zip(rows, limits, strict=True):
            assert row["median"] <= limit, (name, row)


@pytest.mark.slow
def test_memory_of_a_step_does_not_grow_with_k():
    rows = cost(repeats=5)
    peaks = np.array([r["bytes"] for r in rows[1:]])
    assert peaks.max() < 1.1 * peaks.min()
