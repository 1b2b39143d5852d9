"""Every method names the option it refuses."""

from typing import Any

import pytest

from sciopt._errors import OptionError
from sciopt.methods.dogleg import Dogleg
from sciopt.methods.first_order import FirstOrder
from sciopt.methods.gauss_newton import GaussNewton
from sciopt.methods.gradient_normalised import GradientNormalised
from sciopt.methods.half_inverse import HalfInverse
from sciopt.methods.levenberg_marquardt import LevenbergMarquardt
from sciopt.methods.ratio_targeting import RatioTargeting
from sciopt.methods.regularised_newton import RegularisedNewton
from sciopt.methods.spring import Spring
from sciopt.methods.ssbroyden import SSBroyden
from sciopt.methods.sven import Sven
from sciopt.methods.zeroth import SketchedGaussNewton, Spsa

WRONG: list[tuple[type, dict[str, Any]]] = [
    (LevenbergMarquardt, {"damping": "marquardt"}),
    (LevenbergMarquardt, {"damping": 3.0}),
    (LevenbergMarquardt, {"target": 1.5}),
    (LevenbergMarquardt, {"scaling": "jac"}),
    (LevenbergMarquardt, {"tries": 0}),
    (LevenbergMarquardt, {"start": 0.0}),
    (GaussNewton, {"rtol": 1.0}),
    (GaussNewton, {"k": 0}),
    (GaussNewton, {"filter": 3}),
    (RatioTargeting, {"n_probes": 1}),
    (RatioTargeting, {"target": 0.0}),
    (RatioTargeting, {"window": -3.0}),
    (RatioTargeting, {"window": 1.0}),
    (RatioTargeting, {"memory": 2}),
    (GradientNormalised, {"acceptance": "armijo"}),
    (RegularisedNewton, {"rule": "newton"}),
    (RegularisedNewton, {"power": 2.0}),
    (Sven, {"k": 1.5}),
    (Sven, {"rtol": -1e-3}),
    (Sven, {"lr": float("nan")}),
    (Sven, {"kappa": 0.0}),
    (Sven, {"microbatch": 0}),
    (Sven, {"param_fraction": 1.1}),
    (HalfInverse, {"rtol": 1.0}),
    (Spring, {"momentum": 1.0}),
    (Spring, {"damping": 0.0}),
    (Spring, {"norm": -1.0}),
    (Dogleg, {"radius": 0.0}),
    (SSBroyden, {"update": "ssbroyden1"}),
    (Spsa, {"c": 0.0}),
    (SketchedGaussNewton, {"directions": 0}),
    (FirstOrder, {"optimiser": "adamw2"}),
    (FirstOrder, {"optimiser": object()}),
    (FirstOrder, {"lr": 0}),
]


@pytest.mark.parametrize(
    ("method", "options"), WRONG, ids=[f"{m.__name__} {sorted(o)} {i}" for i, (m, o) in enumerate(WRONG)]
)
def test_wrong_options_are_named(method, options):
    with pytest.raises(OptionError, match=next(iter(options))):
        method(**options)


@pytest.mark.parametrize("method", list(dict.fromkeys(m for m, _ in WRONG)))
def test_unknown_options_are_refused(method):
    with pytest.raises(TypeError, match="momentun"):
        method(momentun=0.9)


def test_filter_excludes_rtol():
    from sciopt.linalg import Pinv

    with pytest.raises(OptionError, match="filter"):
        GaussNewton(rtol=1e-3, filter=Pinv())
