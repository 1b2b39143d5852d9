"""The fitted model at other points, with its band, and the data it was fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import ConditionError, ParameterError
from sciopt._types import Array
from sciopt.condition import Condition, split
from sciopt.effective import EffectiveVariance
from sciopt.uncertainty import prediction_error

__all__ = ["data_of", "predicted"]


def predicted(solution: Any, x: Any, band: bool, condition: str | None) -> Any:
    """Return the model at x, and the standard error of each value if asked for; see `Solution.predict`."""
    problem = solution.problem
    i = _place(problem, condition)
    c, binding, layout = problem.conditions[i], problem.bindings[i], problem.layout
    frame = solution.iterate.frame
    columns = split(_in_order(x, frame.batches[i].coords, c), c.columns)
    function = c.function.model if isinstance(c.function, EffectiveVariance) else c.function

    def at(theta: Array) -> Any:
        tree = layout.tree(theta)
        if c.batched or not columns:
            return _evaluated(lambda: function(*binding.arguments(tree, columns, frame.settings, c.args)))
        return _pointwise(lambda *p: function(*binding.arguments(tree, p, frame.settings, c.args)), columns)

    y = at(solution.theta)
    if not band:
        return y
    known = solution.uncertainty
    scale = 1.0
    if solution.errors_kind == "scaled":
        scale = solution.chi2 / solution.dof if solution.dof > 0 else np.nan
    return y, prediction_error(at, solution.theta, known, layout.scale, scale)


def data_of(solution: Any, name: str | None) -> dict[str, Any]:
    """Return x, y, model, sigma, sigma_x and pulls of a condition."""
    problem, lin = solution.problem, solution._lin
    i = _place(problem, name)
    c, coords = problem.conditions[i], solution.iterate.frame.batches[i].coords
    k = [s.name for s in lin.specs].index(c.name)
    pulls = lin.specs[k].pulls(lin._z[k])
    model = predicted(solution, coords, False, c.name) if c.batched else lin._z[k]
    if isinstance(c.function, EffectiveVariance):
        f = c.function
        sigma_x = f.sigma_x[0] if len(f.sigma_x) == 1 else None
        return {"x": coords, "y": f.y, "model": model, "sigma": f.sigma, "sigma_x": sigma_x, "pulls": pulls}
    y = None if c.target is None else np.asarray(c.target)
    sigma = None if c.sigma is None or isinstance(c.sigma, tuple) else np.asarray(c.sigma)
    return {"x": coords, "y": y, "model": model, "sigma": sigma, "sigma_x": None, "pulls": pulls}


def _place(problem: Any, condition: str | None) -> int:
    names = getattr(problem, "names", ())
    if condition is None and names:
        return 0
    if condition not in names:
        raise ConditionError(f"no condition named {condition!r}; conditions: {', '.join(names) or 'none'}")
    return names.index(condition)


def _in_order(x: Any, fitted: Any, c: Condition) -> Any:
    """Return columns given as a dict in the order of the fit's."""
    if not isinstance(x, dict) or not isinstance(fitted, dict) or c.columns == ("*",):
        return x
    missing = [k for k in fitted if k not in x]
    if missing:
        raise ParameterError(f"predict: x lacks the column {missing[0]!r}; the fit had {', '.join(map(repr, fitted))}")
    return {k: x[k] for k in fitted}


def _evaluated(call: Any) -> Any:
    """Return the output as an array; what JAX computes, in double precision."""
    out = call()
    if type(out).__module__.startswith("jax"):
        from sciopt.linearise.autodiff import double

        with double():
            return np.asarray(call())
    return np.asarray(out)


def _pointwise(function: Any, columns: tuple[Any, ...]) -> Any:
    """Evaluate a function of one point at all points; JAX functions at once."""
    columns = tuple(map(np.asarray, columns))
    if type(function(*(column[0] for column in columns))).__module__.startswith("jax"):
        import jax

        return _evaluated(lambda: jax.vmap(function)(*columns))
    return np.array([function(*p) for p in zip(*columns, strict=True)])
