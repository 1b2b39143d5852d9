"""Points: grids, boxes, batches that grow and repeat with the key; what is refused, by name."""

import numpy as np
import pytest

from sciopt._errors import DataError, OptionError
from sciopt.points import Batch, Fixed, Minibatch, Resampled, as_points, fixed, grid, sobol, uniform


def rng(*key):
    return np.random.default_rng([0, *key])


def draw(rng, n):
    return rng.uniform(0, 1, n)


def test_grid_is_a_tensor_product_with_the_last_axis_fastest():
    g = grid([0, 1], [5, 6, 7]).batch
    assert g.n == 6
    assert g.coords.tolist() == [[0, 5], [0, 6], [0, 7], [1, 5], [1, 6], [1, 7]]


def test_boxes_are_filled_and_kept():
    box = [(-1, 1), (2, 5)]
    for make in (uniform, sobol):
        p = make(box, 64).first(rng(1)).coords
        assert p.shape == (64, 2)
        assert (p >= [-1, 2]).all()
        assert (p <= [1, 5]).all()
        assert abs(p.mean(0) - [0.0, 3.5]).max() < (0.3 if make is uniform else 0.05)
        assert make(box, 64).first(rng(1)).coords.tobytes() == p.tobytes()
        assert make(box, 64).first(rng(2)).coords.tobytes() != p.tobytes()


def test_points_are_redrawn_in_time_and_on_request():
    p = Resampled(draw, 8, every=3)
    b = p.first(rng(0))
    assert p.following(b, {}, 1, rng(1)) is b
    assert p.following(b, {}, 3, rng(3)) is not b
    assert p.following(b, {"refresh": True}, 1, rng(1)) is not b
    assert p.following(b, {"rows": 20}, 1, rng(1)).n == 20
    on_request = Resampled(draw, 8, every=0)
    assert on_request.following(b, {}, 1000, rng(1)) is b
    capped = Resampled(draw, 8, every=0, largest=12)
    assert capped.following(b, {"rows": 100}, 1, rng(1)).n == 12


def test_minibatches_visit_every_datum_once_an_epoch():
    data = Minibatch((np.arange(20.0), -np.arange(20.0)), 4)
    batch, seen = data.first(np.random.default_rng([7, 0, 0])), []
    for step in range(5):
        if step:
            batch = data.following(batch, {}, step, np.random.default_rng([7, step, 0]))
        x, y = batch.coords
        assert (x == -y).all()
        assert batch.index is not None
        assert x.tolist() == batch.index.tolist()
        seen += x.tolist()
    assert sorted(seen) == list(range(20))
    again = data.following(batch, {}, 3, np.random.default_rng([7, 3, 0]))
    assert again.coords[0].tolist() == seen[12:16]
    assert data.following(batch, {"rows": 50}, 5, np.random.default_rng([7, 5, 0])).n == 20


def test_lists_and_objects_become_points():
    assert as_points(None).first(rng()).coords is None
    assert as_points(np.zeros(3)).first(rng()).n == 3
    thing = object()
    assert as_points(thing).first(rng()).coords is thing
    assert as_points(thing).first(rng()).n is None
    own = Resampled(draw, 2)
    assert as_points(own) is own
    assert isinstance(fixed({"x": np.zeros(4), "t": np.zeros(4)}), Fixed)
    assert fixed({"x": np.zeros(4), "t": np.zeros(4)}).batch.n == 4
    assert Minibatch([1.0, 2.0], 1).first(rng()).n == 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Resampled(draw, 0), OptionError, "n must be an integer of at least 1, got 0"),
        (lambda: Resampled(draw, 2.5), OptionError, "at least 1, got 2.5"),  # pyright: ignore[reportArgumentType]
        (lambda: Resampled(draw, 2, every=-1), OptionError, "every must be an integer of at least 0, got -1"),
        (lambda: Resampled(draw, 8, largest=4), OptionError, "largest must be an integer of at least 8, got 4"),
        (lambda: Resampled(3, 2), OptionError, "draw must be a function"),  # pyright: ignore[reportArgumentType]
        (lambda: Resampled(lambda r, n: np.zeros(n + 1), 4).first(rng()), DataError, "returned 5 points, not 4"),
        (
            lambda: Resampled(lambda r, n: (np.zeros(n), np.zeros(2)), 4).first(rng()),
            DataError,
            "returned 2, 4 points, not 4",
        ),
        (lambda: Minibatch(np.zeros(3), 0), OptionError, "size must be an integer of at least 1, got 0"),
        (lambda: Minibatch((np.zeros(3), np.zeros(2)), 1), DataError, r"shapes \[\(3,\), \(2,\)\]"),
        (lambda: Minibatch(np.zeros(0), 1), DataError, "at least one"),
        (lambda: Minibatch(3, 1), DataError, "must be arrays"),
        (lambda: fixed(np.zeros(3), [1.0, 2.0]), DataError, r"have shape \(2,\); expected one for each point, \(3,\)"),
        (lambda: fixed(np.zeros(2), [1.0, -2.0]), DataError, r"weights\[1\] is -2"),
        (lambda: fixed(np.zeros(2), [np.nan, 2.0]), DataError, r"weights\[0\] is nan"),
        (lambda: grid(), OptionError, "at least one axis"),
        (lambda: grid([0, 1], []), DataError, "axis 1 must be a row of finite numbers"),
        (lambda: grid([0, np.nan]), DataError, "axis 0"),
        (lambda: grid(np.zeros((2, 2))), DataError, r"shape \(2, 2\)"),
        (lambda: uniform([(1, 0)], 3), OptionError, "lower < upper"),
        (lambda: uniform([(0, np.inf)], 3), OptionError, "finite numbers"),
        (lambda: sobol([(0, 1, 2)], 3), OptionError, "box must be pairs"),
        (lambda: uniform("box", 3), OptionError, "got 'box'"),
        (lambda: sobol([(0, 1)], -1), OptionError, "at least 1, got -1"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_points_of_ones_own_need_two_methods():
    class Alternating:
        def first(self, rng):
            return Batch(np.zeros(3), 3)

        def following(self, batch, request, step, rng):
            return Batch(np.full(3, float(step)), 3)

    assert isinstance(as_points(Alternating()), Alternating)
