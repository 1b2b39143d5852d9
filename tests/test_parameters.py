"""Parameters and layouts: names, places, ties, packing; everything that is refused, by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sciopt as so
from sciopt._errors import ParameterError
from sciopt._tree import flatten, unflatten
from sciopt.layout import Layout
from sciopt.parameters import Parameter


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"value": np.nan}, "start value nan is not finite"),
        ({"value": [1.0, np.inf]}, "is not finite"),
        ({"value": "x"}, "must be a number or an array, got str"),
        ({"value": True}, "must be a number or an array, got bool"),
        ({"value": 1.0, "bounds": (2, 1)}, "lower 2 is not below upper 1"),
        ({"value": 1.0, "bounds": (1, 1)}, "use fixed=True"),
        ({"value": 1.0, "bounds": (np.nan, 2)}, "contradictory bounds"),
        ({"value": 1.0, "bounds": 3.0}, "bounds must be a pair"),
        ({"value": 1.0, "bounds": "ab"}, "bounds must be a pair"),
        ({"value": 3.0, "bounds": (0, 2)}, r"start 3.0 lies outside its bounds \[0, 2\]"),
        ({"value": 1j, "bounds": (0, 2)}, "complex: bounds have no meaning"),
        ({"value": 5.0, "prior": so.Uniform(0, 1)}, r"outside its bounds \[0, 1\]"),
        ({"value": 4.5, "bounds": (4, 6), "prior": so.Uniform(0, 1)}, "contradictory bounds"),
        ({"value": 1.0, "fixed": True, "tied": lambda p: 1.0}, "both fixed and tied"),
        ({"fixed": True}, "fixed but has no value"),
        ({"value": 1.0, "fixed": "no"}, "fixed must be True or False, got 'no'"),
        ({"tied": 3}, "tied must be a function"),
        ({"tied": lambda p: p.a, "bounds": (0, 1)}, "tied and cannot have bounds"),
        ({"value": 1.0, "prior": 3.0}, "prior must be Normal"),
        ({"value": 1.0, "scale": 0.0}, "scale must be a positive number, got 0.0"),
        ({"value": 1.0, "scale": "big"}, "scale must be a positive number, got 'big'"),
        ({"value": 1.0, "unit": 3}, "must be strings"),
    ],
)
def test_contradictions_name_the_parameter(options, message):
    with pytest.raises(ParameterError, match=rf"parameter 'tau'.*{message}"):
        Parameter(name="tau", **options)


def layout(**unknown):
    return Layout.of(unknown)


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        ({"a": Parameter()}, r"'a' has no start value; give Parameter\(value\) or start="),
        ({"a": Parameter(1.0, fixed=True)}, "nothing to fit"),
        ({}, "nothing to fit"),
        ({"a": 1.0, "b": Parameter(tied=lambda p: 2 * p.c)}, "'b': its tie needs a parameter that does not exist"),
        ({"z": 1.0, "a": Parameter(tied=lambda p: p.b), "b": Parameter(tied=lambda p: p.a)}, "depends on itself"),
        ({"a": -1.0, "b": Parameter(tied=lambda p: np.sqrt(p.a))}, "'b': its tie gives .*nan.* at the start"),
        ({"a": 1.0, "b": Parameter(tied=lambda p: "text")}, "'b': its tie gives 'text'"),
        ({"a": 1.0, "b": Parameter(tied=lambda p: [][1])}, "IndexError in the tie of parameter 'b'"),
        ({"a": Parameter(1.0, name="z"), "b": Parameter(1.0, name="z")}, "two parameters share the name 'z'"),
        ({"a": Parameter(1.0, prior=so.Normal(np.zeros(3), 1.0))}, r"'a': its prior makes 3 rows .* shape \(\)"),
        ({"a": Parameter(np.ones(2), prior=so.Normal(np.zeros(3), 1.0))}, r"Normal prior of shape \(3,\)"),
    ],
)
def test_unknowns_that_cannot_be_read(unknown, message):
    with pytest.raises(ParameterError, match=message):
        Layout.of(unknown)


def test_names_places_and_scales():
    tree = {
        "A": Parameter(2.0, unit="V", bounds=(0, None)),
        "w": np.arange(4.0).reshape(2, 2),
        "z": 1 + 2j,
        "k": Parameter(3.0, fixed=True),
        "layers": [{"b": Parameter(0.5, scale=0.1)}, (7.0,)],
    }
    it = Layout.of(tree)
    assert it.names == ("A", "w[0,0]", "w[0,1]", "w[1,0]", "w[1,1]", "z.re", "z.im", "layers[0].b", "layers[1][0]")
    assert it.start.tolist() == [2, 0, 1, 2, 3, 1, 2, 0.5, 7]
    assert it.lower[0] == 0
    assert np.isinf(it.lower[1:]).all()
    assert it.scale[7] == 0.1
    assert it.units[0] == "V"
    assert it.index("z.im") == 6
    with pytest.raises(ParameterError, match="no free parameter named 'k'; free parameters: A, w"):
        it.index("k")
    back = it.tree(it.start)
    assert back["z"] == 1 + 2j
    assert back["k"] == 3.0
    assert back["layers"][1] == (7.0,)
    assert back["w"].tolist() == [[0, 1], [2, 3]]


def test_a_part_of_a_layout_keeps_what_belongs_to_its_entries():
    whole = layout(a=Parameter(1.0, bounds=(0, 2), unit="s"), b=2.0, c=Parameter(3.0, scale=5.0))
    part = whole.part(np.array([0, 2]))
    assert part.names == ("a", "c")
    assert part.units == ("s", "")
    assert part.start.tolist() == [1, 3]
    assert part.upper.tolist() == [2, np.inf]
    assert part.scale.tolist() == [1, 5]
    assert part.index("c") == 1
    assert part.bounded
    assert part.part(np.array([1])).names == ("c",)
    assert not part.part(np.array([1])).bounded


def test_value_from_the_prior_and_ties_of_ties():
    it = layout(
        a=Parameter(prior=so.Normal(2.0, 0.1)),
        c=Parameter(tied=lambda p: p.b + 1),
        b=Parameter(tied=lambda p: 3 * p.a),
    )
    assert it.names == ("a",)
    assert it.values(np.array([2.0])) == {"a": 2.0, "c": 7.0, "b": 6.0}


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"gone": 1.0}, "no parameter named 'gone'; parameters: a, w"),
        ({"a": [1.0, 2.0]}, r"'a': start has shape \(2,\), expected \(\)"),
        ({"w": np.array([1.0, np.nan])}, "'w': start .* is not finite"),
        ({"a": 5.0}, r"'a': start 5.0 lies outside its bounds \[0, 2\]"),
    ],
)
def test_starts_that_do_not_fit(start, message):
    it = layout(a=Parameter(1.0, bounds=(0, 2)), w=np.zeros(2))
    with pytest.raises(ParameterError, match=message):
        it.pack(start)


def test_lists_start_array_parameters():
    assert layout(w=np.zeros(2)).pack({"w": [1.0, 2.0]}).tolist() == [1.0, 2.0]


def test_start_of_another_structure_is_refused():
    with pytest.raises(ParameterError, match="start has 1 leaves, the unknown has 2"):
        Layout.of([1.0, 2.0]).pack([1.0])


trees = st.recursive(
    st.floats(-1e6, 1e6)
    | st.complex_numbers(max_magnitude=1e6)
    | st.lists(st.floats(-9, 9), min_size=1, max_size=3).map(np.array),
    lambda t: (
        st.lists(t, min_size=1, max_size=3) | st.dictionaries(st.text("abc", min_size=1), t, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@given(trees)
@settings(max_examples=20, deadline=None)
def test_pack_undoes_tree(tree):
    it = Layout.of(tree)
    rng = np.random.default_rng(0)
    theta = rng.standard_normal(it.size)
    assert it.pack(it.tree(theta)).tolist() == theta.tolist()
    again = unflatten(tree, [leaf for _, leaf in flatten(tree)])
    assert [path for path, _ in flatten(again)] == [path for path, _ in flatten(tree)]


def test_named_tuples_and_strings_pass_through():
    from typing import NamedTuple

    class Peak(NamedTuple):
        height: float
        label: str

    it = Layout.of({"peak": Peak(2.0, "Co-60")})
    assert it.names == ("peak.height",)
    assert it.tree(np.array([3.0]))["peak"] == Peak(3.0, "Co-60")
