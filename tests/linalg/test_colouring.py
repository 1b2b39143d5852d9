import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt._errors import DataError
from sciopt.linalg import colour_columns, compress_seeds, decompress


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.0, 0.4), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_colouring_is_valid_and_the_jacobian_comes_back(n, P, density, seed):
    rng = np.random.default_rng(seed)
    J = sp.random_array((n, P), density=density, rng=rng, format="csr")
    colours = colour_columns(J)
    pattern = J.toarray() != 0.0
    for row in pattern:
        assert len(set(colours[row])) == row.sum()
    assert set(colours) == set(range(colours.max() + 1))
    seeds = compress_seeds(colours)
    assert seeds.shape == (P, colours.max() + 1)
    np.testing.assert_array_equal(seeds.sum(axis=1), 1.0)
    back = decompress(J @ seeds, J, colours)
    np.testing.assert_array_equal(back.toarray(), J.toarray())


@pytest.mark.parametrize(("offsets", "expected"), [([0], 1), ([-1, 0, 1], 3), ([-2, -1, 0, 1, 2], 5)])
def test_banded_needs_its_bandwidth(offsets, expected):
    band = sp.diags_array([np.ones(200 - abs(k)) for k in offsets], offsets=offsets)
    assert colour_columns(band).max() + 1 == expected


def test_arrow_needs_as_many_colours_as_its_full_row():
    arrow = np.eye(12)
    arrow[0] = 1.0
    assert colour_columns(arrow).max() + 1 == 12
    assert colour_columns(arrow.T).max() + 1 == 2


def test_large_grid_is_fast_enough_to_use_and_close_to_optimal():
    side = 200
    line = sp.diags_array([np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1])  # pyright: ignore[reportArgumentType]
    one = sp.eye_array(side)
    grid = sp.csr_array(sp.kron(line, one) + sp.kron(one, line))
    colours = colour_columns(grid)
    assert 5 <= colours.max() + 1 <= 9  # five is the least for this stencil


def test_shapes_are_checked():
    pattern = np.eye(3)
    with pytest.raises(DataError, match="needs"):
        decompress(np.ones((3, 2)), pattern, [0, 0, 0])
    with pytest.raises(DataError, match="colours"):
        compress_seeds([[0, 1]])
