"""Problems: what is refused, sums with shared parameters, renaming, frames and stages."""

from typing import Any, cast

import numpy as np
import pytest

import sciopt as so
from sciopt._errors import ConditionError, OptionError, ParameterError
from sciopt.parameters import Parameter

X = np.linspace(0.0, 1.0, 7)


def line(A, k, x):
    return A * x + k


def parabola(A, m, x):
    return A * x**2 + m


def data(function, y=X, **options):
    return so.Condition(function, points=X, target=y, sigma=0.1, batched=True, **options)


def first(**unknown):
    return so.Problem(data(line), {"A": 1.0, "k": 0.0} | unknown)


def second(**unknown):
    return so.Problem(data(parabola), {"A": 1.0, "m": 0.0} | unknown)


# ---- what is refused ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: so.Problem(line), ParameterError, "needs unknown="),
        (lambda: so.Problem([], 1.0), ConditionError, "no conditions"),
        (lambda: so.Problem([cast("Any", line)], 1.0), ConditionError, "must be Condition objects"),
        (lambda: so.Problem(line, {"A": 1.0}, structure="round"), OptionError, "structure='round'"),
        (lambda: so.Problem(data(line), {"A": 1.0, "k": 0.0}, sigma=2.0), OptionError, "sigma= belongs to a bare"),
        (lambda: so.Problem(data(line), {"A": 1.0, "k": 0.0}, args=(1,)), OptionError, "args= belongs to a bare"),
        (
            lambda: so.Problem(data(lambda A, b, c, x: A), {"A": 1.0}),
            ConditionError,
            "nothing to fill its argument 'c'",
        ),
        (lambda: so.Condition(cast("Any", 3)), ConditionError, "needs a function, got int"),
        (lambda: so.Condition(line, jacobian="guess"), OptionError, "unknown jacobian='guess'"),
        (lambda: so.Condition(line, sigma=1.0, weight=1.0), ConditionError, "'line' has both sigma and weight"),
        (lambda: so.Condition(line, weight=-1.0), ConditionError, "'line': weight must be positive, got -1.0"),
        (
            lambda: so.Problem(so.Condition(line, points=(X, X[:3]), weight=1.0), {"A": 1.0}),
            ConditionError,
            "'line': its columns of points have lengths 7, 3",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_theta_of_another_size_is_refused():
    with pytest.raises(ConditionError, match=r"theta has shape \(3,\), the problem has 2 free parameters"):
        so.linearise(first(), np.zeros(3))


# ---- sums --------------------------------------------------------------------------------------------------------------
def test_sum_shares_parameters_of_one_name():
    truth = {"A": 2.0, "k": 0.3, "m": -0.4}
    p = so.Problem(data(line, 2 * X + 0.3), {"A": 1.0, "k": 0.0}) + so.Problem(
        data(parabola, 2 * X**2 - 0.4), {"A": 1.0, "m": 0.0}
    )
    assert p.names == ("line", "parabola")
    assert so.solve(p).values == pytest.approx(truth)
    assert sum([first(), second()], cast("Any", 0)).layout.names == ("A", "k", "m")


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (1.0, 2.0, "start: 1.0 and 2.0"),
        (np.ones(7), 1.0, "start"),
        (Parameter(1.0, bounds=(0, None)), Parameter(1.0, bounds=(0, 5)), "bounds"),
        (Parameter(1.0, prior=so.Normal(0, 1)), Parameter(1.0, prior=so.Normal(0, 2)), "prior"),
        (Parameter(1.0, unit="s"), Parameter(1.0, unit="ms"), "unit"),
        (Parameter(1.0, scale=2.0), Parameter(1.0, scale=3.0), "scale"),
        (Parameter(1.0, fixed=True), 1.0, "fixed"),
        (Parameter(1.0, name="a"), Parameter(1.0, name="b"), "name"),
    ],
)
def test_contradictions_in_a_sum_are_named(a, b, what):
    with pytest.raises(ParameterError, match=f"'A' is shared with contradictory {what}"):
        _ = first(A=a) + second(A=b)


def test_ties_in_a_sum():
    tie = lambda p: 2 * p.k  # noqa: E731
    with pytest.raises(ParameterError, match="'A' is shared, but tied in one problem and not in the other"):
        _ = first(A=Parameter(tied=tie)) + second()
    with pytest.raises(ParameterError, match="'A' is shared, but tied in two ways"):
        _ = first(A=Parameter(tied=tie)) + second(A=Parameter(tied=lambda p: 3 * p.m))
    both = first(A=Parameter(tied=tie)) + second(A=Parameter(tied=tie), k=0.0)
    assert both.layout.names == ("k", "m")
    across = first(k=0.5) + so.Problem(data(lambda m, x: m * x), {"m": Parameter(tied=tie), "k": 0.5})
    assert across.layout.values(np.array([1.0, 0.7]))["m"] == 1.4


def test_what_one_leaves_unsaid_the_other_may_say():
    p = first(A=Parameter(1.0, unit="V")) + second(A=Parameter(1.0, bounds=(0, 3), prior=so.Normal(1, 2)))
    leaf = p.layout.leaves[0].parameter
    assert (leaf.unit, leaf.bounds, leaf.prior) == ("V", (0, 3), so.Normal(1, 2))
    arrays = first(A=np.ones(7)) + second(A=Parameter(np.ones(7), bounds=(0, 2)))
    assert arrays.layout.lower[:7].tolist() == [0.0] * 7
    start = first(A=Parameter(prior=so.Normal(2, 1))) + second(A=1.5)
    assert start.layout.start[0] == 1.5


def test_start_outside_the_merged_bounds_is_named():
    with pytest.raises(ParameterError, match=r"'A': start 1.0 lies outside its bounds \[2, 3\]"):
        _ = first() + second(A=Parameter(bounds=(2, 3), prior=so.Normal(2.5, 1)))


def test_shared_trees_must_be_equal():
    tree = {"w": np.ones(2)}
    p = so.Problem(data(lambda net, x: net["w"][0] * x), {"net": tree})
    q = so.Problem(data(lambda net, x: net["w"][1] * x), {"net": {"w": np.ones(2)}})
    assert (p + q).layout.names == ("net.w[0]", "net.w[1]")
    other = so.Problem(data(lambda net, x: net["w"][1] * x), {"net": {"w": np.zeros(2)}})
    with pytest.raises(ParameterError, match="'net' is shared, but holds another dict"):
        _ = p + other


def test_sums_that_have_no_meaning():
    square = so.Problem(lambda a: a, {"a": 1.0}, structure="square")
    with pytest.raises(OptionError, match="cannot add a square and a rectangular problem"):
        _ = square + first()
    with pytest.raises(ParameterError, match="dicts of named parameters"):
        _ = first() + so.Problem(lambda v: v, np.ones(2))
    symmetric = so.Problem(lambda a: a, {"a": 1.0}, structure="symmetric", null=np.ones(1))
    with pytest.raises(OptionError, match="null vectors"):
        _ = symmetric + so.Problem(lambda b: b, {"b": 1.0}, structure="symmetric")
    staged = [so.Problem(lambda a: a, {"a": 1.0}, stages=[so.Stage({"e": e}), so.Stage({"e": 0.0})]) for e in (1, 2)]
    with pytest.raises(OptionError, match="different stages"):
        _ = staged[0] + staged[1]
    assert (first() + staged[0]).stages == staged[0].stages
    with pytest.raises(TypeError):
        _ = first() + 3  # pyright: ignore[reportOperatorIssue]


def test_functions_see_the_unknown_of_their_own_problem():
    whole = so.Problem(data(lambda u, x: sum(u.values()) * x, X), {"a": 1.0, "b": 2.0})
    star = so.Problem(data(lambda x, *p: np.polyval(p, x), X), {"p0": 1.0, "p1": 2.0})
    named = so.Problem(so.Condition(lambda x, c: c * x, points={"x": X}, weight=1.0, batched=True), {"c": 4.0})
    with_x = so.Problem(lambda x: x - 9.0, {"x": 5.0})  # its parameter has the name of the others' column
    alone = np.concatenate([so.linearise(p).r for p in (whole, star, named, with_x)])
    together = so.linearise(whole + star + named + with_x)
    np.testing.assert_allclose(together.r, alone, atol=1e-15)
    assert together.dense().shape == (len(alone), 6)
    assert not together.dense()[:7, 2:].any()


# ---- renaming ------------------------------------------------------------------------------------------------------------
def test_renamed_keeps_parameters_apart():
    p = first().renamed(A="A1") + second(A=3.0)
    assert p.layout.names == ("A1", "k", "A", "m")
    lin = so.linearise(p)
    np.testing.assert_allclose(lin.r[7:], (3 * X**2 - X) / 0.1, atol=1e-14)
    assert first().renamed(A="B").renamed(B="C").layout.names == ("C", "k")
    swapped = first().renamed(A="k", k="A")
    np.testing.assert_allclose(so.linearise(swapped).r, so.linearise(first()).r)


def test_renaming_reaches_ties_whole_unknowns_and_linear():
    tied = first(A=Parameter(tied=lambda p: 2 * p.k), k=0.5).renamed(k="k1")
    assert tied.layout.values(np.array([0.25])) == {"A": 0.5, "k1": 0.25}
    once_more = tied.renamed(k1="k2")
    assert once_more.layout.values(np.array([0.25]))["A"] == 0.5
    whole = so.Problem(data(lambda u, x: u["A"] * x), {"A": 2.0}).renamed(A="B") + first()
    np.testing.assert_allclose(so.linearise(whole).r[:7], X / 0.1)
    linear = so.Problem(data(line), {"A": 1.0, "k": 0.0}, linear="A").renamed(A="B")
    assert linear.linear == ("B",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"gone": "x"}, "no parameter named 'gone'; parameters: A, k"),
        ({"A": "k"}, "two parameters named 'k'"),
        ({"A": 3}, "must be a string, got 3"),
    ],
)
def test_renaming_that_cannot_be(names, message):
    with pytest.raises(ParameterError, match=message):
        first().renamed(**names)
    with pytest.raises(ParameterError, match="needs an unknown that is a dict"):
        so.Problem(lambda v: v, np.ones(2)).renamed(A="B")


def test_started():
    p = first(A=Parameter(1.0, unit="V", bounds=(0, 2))).started(A=1.5, k=0.7)
    assert p.layout.start.tolist() == [1.5, 0.7]
    assert p.layout.units == ("V", "")
    with pytest.raises(ParameterError, match="no parameter named 'gone'"):
        p.started(gone=1.0)
    with pytest.raises(ParameterError, match=r"'A': start 3.0 lies outside its bounds \[0, 2\]"):
        p.started(A=3.0)
    with pytest.raises(ParameterError, match="'k': start must be a number or an array, got 'x'"):
        p.started(k="x")


# ---- frames and stages -----------------------------------------------------------------------------------------------------
def test_frame_is_the_same_object_while_nothing_changes():
    p = first()
    frame = p.frame(p.layout.start)
    assert p.frame(p.layout.start, frame, {}, 0, 1) is frame
    staged = so.Problem(data(line), {"A": 1.0, "k": 0.0}, stages=[so.Stage({"e": 1.0}), so.Stage({"e": 0.0})])
    frame = staged.frame(staged.layout.start)
    later = staged.frame(staged.layout.start, frame, {"stage": True}, 0, 1)
    assert (frame.stage, later.stage) == (0, 1)
    assert later.settings == {"e": 0.0}
    assert staged.frame(staged.layout.start, later, {"stage": True}, 0, 2) is later


def test_stages_are_passed_through_and_the_answer_is_that_of_the_last():
    def smooth(a, epsilon):
        return np.array([a**2 + epsilon - 2.0])

    problem = so.Problem(smooth, {"a": 3.0}, stages=[so.Stage({"epsilon": e}) for e in (1.0, 0.1, 0.0)])
    s = so.solve(problem)
    assert s.success
    assert s.theta[0] == pytest.approx(np.sqrt(2), rel=1e-10)
    assert sorted(set(s.history["stage"][1:])) == [0.0, 1.0, 2.0]
