import numpy as np
import pytest

from sciopt._errors import OptionError
from sciopt.methods.damping import (
    Damping,
    Fixed,
    Nielsen,
    TargetRatio,
    gradient_normalised,
    nielsen,
    ratio_window,
    spectral_cut,
    target_ratio,
    trust_radius,
)

RATIOS = np.array([-2.0, 0.0, 5e-4, 0.02, 0.1, 0.3, 0.6, 0.9, 1.5, np.nan, -np.inf])


def test_target_ratio_follows_the_published_rule():
    new = target_ratio(np, np.ones_like(RATIOS), RATIOS, 0.1)
    expected = [6.0, 6.0, 6.0, 4.0, 1.0, 1 / 3, 1 / 6, 1 / 9, 0.1, 6.0, 6.0]
    assert new == pytest.approx(expected)


def test_nielsen_is_continuous_and_bounded():
    damping, growth = nielsen(np, np.ones(3), np.full(3, 2.0), np.array([1e-9, 0.5, 1.0]))
    assert damping == pytest.approx([2.0, 1.0, 1 / 3])
    assert growth.tolist() == [2.0, 2.0, 2.0]
    damping, growth = 1.0, 2.0
    for _ in range(200):
        damping, growth = nielsen(np, damping, growth, np.nan)
        damping = min(damping, 1e300)
    assert np.isfinite(growth)


def test_trust_radius_shrinks_and_grows():
    assert [float(trust_radius(np, 1.0, q, 0.8)) for q in (np.nan, 0.1, 0.5, 0.9)] == pytest.approx([0.2, 0.2, 1, 1.6])
    assert float(trust_radius(np, 1.0, 0.9, 0.1)) == 1.0


def test_gradient_normalised_doubles_and_halves():
    assert gradient_normalised(np, np.array([1.0, 1.0, 0.0]), np.array([True, False, True])).tolist() == [
        2.0,
        0.5,
        1e-9,
    ]


def test_spectral_cut_stays_in_its_range():
    assert float(spectral_cut(np, 1e-12, 0.9)) == 1e-12
    assert float(spectral_cut(np, 0.5, np.nan)) == 0.99
    assert float(spectral_cut(np, 1e-3, 0.1)) == 1e-3


@pytest.mark.parametrize(
    ("ratios", "target", "radius", "index"),
    [
        ([0.9, 0.8, 0.5, 0.1], 0.5, 4.0, 2),
        ([0.9, 0.8, 0.7, 0.6], 0.5, 8.0, 3),
        ([0.4, 0.9, 0.9, 0.9], 0.5, 1.0, -1),
        ([0.9, np.nan, 0.9, 0.9], 0.5, 2.0 ** (0.4 / 1.9), 0),
        ([5.0, 1.0, 0.0, 1.0], 0.5, 2.0**1.5, 1),
    ],
)
def test_ratio_window_finds_the_last_crossing(ratios, target, radius, index):
    found, last, monotone = ratio_window(np, 2.0 ** np.arange(4.0), np.array(ratios), target)
    assert float(found) == pytest.approx(radius)
    assert int(last) == index
    assert np.all(np.diff(monotone) <= 0)


def test_rules_run_under_jit():
    import jax
    import jax.numpy as jnp

    rules = {
        "target": lambda xp, x, q: target_ratio(xp, x, q, 0.1),
        "nielsen": lambda xp, x, q: nielsen(xp, x, 2.0, q)[0],
        "radius": lambda xp, x, q: trust_radius(xp, x, q, 0.5),
        "gamma": lambda xp, x, q: gradient_normalised(xp, x, q > 0),
        "cut": lambda xp, x, q: spectral_cut(xp, x, q),
    }
    with jax.enable_x64(True):
        for name, rule in rules.items():
            compiled = jax.jit(jax.vmap(lambda q, rule=rule: rule(jnp, 0.3, q)))(jnp.asarray(RATIOS))
            assert np.asarray(compiled) == pytest.approx(rule(np, 0.3, RATIOS), rel=1e-14), name
        radii, ratios = 2.0 ** np.arange(4.0), np.array([0.9, 0.8, 0.3, 0.4])
        compiled = jax.jit(lambda a, b: ratio_window(jnp, a, b, 0.5))(radii, ratios)
        assert float(compiled[0]) == pytest.approx(float(ratio_window(np, radii, ratios, 0.5)[0]), rel=1e-14)


def test_policies():
    for policy in (TargetRatio(), Nielsen(), Fixed()):
        assert isinstance(policy, Damping)
        damping, memory = policy.start(4.0)
        worse = policy.update(np, damping, memory, -1.0)[0]
        assert worse > damping
    assert Nielsen(begin=0.5).start(4.0) == (2.0, 2.0)
    assert float(Fixed(0.1).update(np, 6.4, 0.0, 0.5)[0]) == 0.1


@pytest.mark.parametrize(
    ("policy", "name", "value"),
    [
        (TargetRatio, "target", 1.0),
        (TargetRatio, "begin", 0.0),
        (Nielsen, "begin", -1.0),
        (Fixed, "damping", np.inf),
        (TargetRatio, "target", "a"),
    ],
)
def test_wrong_options_are_named(policy, name, value):
    with pytest.raises(OptionError, match=name):
        policy(**{name: value})
