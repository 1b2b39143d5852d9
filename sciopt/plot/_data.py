"""Data of a solution as plots need them: one object a condition."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from sciopt._errors import OptionError, SciOptError
from sciopt._types import Array

__all__ = ["Curve", "curves_of", "pull_label", "pull_scale"]


@dataclass(frozen=True, eq=False)
class Curve:
    """Data, model and pulls of one condition.

    Attributes
    ----------
    name
        Condition.
    kind
        ``"line"`` (one x per datum), ``"complex"`` (complex y), ``"image"`` (y of two dimensions).
    x : ndarray (n,)
        The one coordinate, or the running index.
    continuous : bool
        Whether x is a coordinate, so that the model can be drawn between the data.
    y, model
        Target and model at the fit, shape (n,) or, for images, as they are.
    sigma, sigma_x
        Length of the error bars, or None. For counts sigma is the root of the model.
    pulls : ndarray
        Whitened residuals; real parts, then imaginary parts for complex data. NaN where the datum was left out.
    grid, grid_names
        Coordinates of an image, two arrays of its shape, and what they are called; None where there are none.
    labels
        Text of x and y axis.
    """

    name: str
    kind: Literal["line", "complex", "image"]
    x: Array
    continuous: bool
    y: Any
    model: Any
    sigma: Array | None
    sigma_x: Array | None
    pulls: Array
    grid: tuple[Array, Array] | None
    grid_names: tuple[str, str]
    labels: tuple[str, str]

    @property
    def pull_x(self) -> Array:
        """Coordinate of each pull, repeated for imaginary parts."""
        if self.x.size and self.pulls.size % self.x.size == 0:
            return np.tile(self.x, self.pulls.size // self.x.size)
        return np.arange(float(self.pulls.size))

    def relabelled(self, label: str) -> Curve:
        """Return a copy with another label of the x axis."""
        return replace(self, labels=(label, self.labels[1]))


@dataclass(frozen=True)
class Seen:
    """What a plot reads from a condition itself."""

    keep: Any = None
    loss: str = ""
    label: Mapping[str, str] = field(default_factory=dict)
    argument: str = ""


def curves_of(solution: Any, condition: str | None = None) -> list[Curve]:
    """Return the conditions that have data, or the one asked for.

    Raises
    ------
    OptionError
        There is no such condition, or none with data.
    """
    names = _names(solution)
    if condition is not None and condition not in names:
        raise OptionError(f"no condition named {condition!r}; conditions: {', '.join(names)}")
    curves = []
    for name in names if condition is None else [condition]:
        try:
            data = solution.data_of(name)
        except SciOptError:
            if condition is not None or getattr(solution, "problem", None) is None:
                raise
            continue
        if data is not None and data.get("y") is not None:
            curves.append(_curve(solution, name, data))
    if not curves:
        raise OptionError("there are no data to draw: no condition has a target")
    return curves


def pull_scale(solution: Any) -> float:
    """Return the standard deviation of a pull: 1, or sqrt(chi2/dof) where sigma was estimated from the residuals."""
    chi2, dof = getattr(solution, "chi2", None), getattr(solution, "dof", None)
    scaled = getattr(solution, "errors_kind", "absolute") == "scaled"
    return float(np.sqrt(chi2 / dof)) if scaled and chi2 and dof and dof > 0 else 1.0


def pull_label(solution: Any) -> str:
    """Return what the pulls are called."""
    return "residual / rms" if getattr(solution, "errors_kind", "absolute") == "scaled" else "pull"


def _names(solution: Any) -> list[str]:
    problem = getattr(solution, "problem", None)
    return list(problem.names) if problem is not None else list(getattr(solution, "chi2_by_condition", None) or {})


def _curve(solution: Any, name: str, data: Mapping[str, Any]) -> Curve:
    y, model = np.asarray(data["y"]), np.asarray(data["model"])
    condition = _condition(solution, name)
    y, pulls = _masked(y, np.asarray(data["pulls"], dtype=np.float64).reshape(-1), data.get("keep", condition.keep))
    complex_data = np.iscomplexobj(y) or np.iscomplexobj(model)
    kind: Literal["line", "complex", "image"] = "line"
    if y.ndim == 2 and min(y.shape) > 1 and not complex_data:
        kind = "image"
    elif complex_data:
        kind = "complex"
    x, x_name = _abscissa(data.get("x"), y)
    return Curve(
        name=name,
        kind=kind,
        x=np.arange(float(y.size)) if x is None else x,
        continuous=x is not None,
        y=y if kind == "image" else y.reshape(-1),
        model=model if kind == "image" else model.reshape(-1),
        sigma=_root(model) if condition.loss == "poisson" else _spread(data.get("sigma"), y),
        sigma_x=_spread(data.get("sigma_x"), y),
        pulls=pulls,
        grid=_grid(data.get("x"), y) if kind == "image" else None,
        grid_names=_grid_names(data.get("x")),
        labels=_labels(condition, "index" if x is None else x_name),
    )


def _columns(x: Any) -> list[tuple[str, Any]]:
    if isinstance(x, Mapping):
        return [(str(k), v) for k, v in x.items()]
    if isinstance(x, tuple):
        return [("", v) for v in x]
    return [] if x is None else [("", x)]


def _abscissa(x: Any, y: Any) -> tuple[Array | None, str]:
    """Return the one coordinate and its name, or None if there are several, none, or no numbers."""
    columns = _columns(x)
    if len(columns) != 1:
        return None, ""
    name, column = columns[0]
    try:
        values = np.asarray(column)
    except ValueError:
        return None, ""
    if values.dtype.kind not in "biuf" or values.size != y.size or not np.isfinite(values).all():
        return None, ""
    return values.reshape(-1).astype(np.float64), name


def _grid(x: Any, y: Any) -> tuple[Array, Array] | None:
    columns = [np.asarray(c) for _, c in _columns(x)]
    if len(columns) == 2 and all(c.shape == y.shape and c.dtype.kind in "iuf" for c in columns):
        return columns[0].astype(np.float64), columns[1].astype(np.float64)
    return None


def _grid_names(x: Any) -> tuple[str, str]:
    names = [name for name, _ in _columns(x)]
    return (names[0] or "x[0]", names[1] or "x[1]") if len(names) == 2 else ("", "")


def _spread(sigma: Any, y: Any) -> Any:
    """Return the length of each error bar for a number, an array or a covariance."""
    if sigma is None:
        return None
    sigma = np.asarray(sigma, dtype=np.float64)
    if sigma.shape == (y.size, y.size) and sigma.shape != y.shape:
        sigma = np.sqrt(np.diagonal(sigma))
    return np.broadcast_to(sigma, y.shape).reshape(-1) if sigma.size != y.size else sigma.reshape(-1)


def _root(model: Any) -> Array:
    return np.sqrt(np.maximum(np.asarray(model, dtype=np.float64).reshape(-1), 0.0))


def _masked(y: Any, pulls: Array, keep: Any) -> tuple[Any, Array]:
    """Return data with NaN where they were left out, and pulls of as many entries as data."""
    kept = np.isfinite(y) if keep is None else np.broadcast_to(np.asarray(keep, dtype=bool), y.shape)
    count = int(kept.sum())
    if count == y.size or count == 0:
        return y, pulls
    if pulls.size in (count, 2 * count):
        full = np.full(pulls.size // count * y.size, np.nan)
        full[np.tile(kept.reshape(-1), pulls.size // count)] = pulls
        pulls = full
    return np.where(kept, y, np.nan), pulls


def _condition(solution: Any, name: str) -> Seen:
    for c in getattr(getattr(solution, "problem", None), "conditions", ()):
        if c.name == name:
            loss = str(getattr(getattr(c, "loss", None), "name", ""))
            return Seen(getattr(c, "keep", None), loss, dict(getattr(c, "label", None) or {}), _first_argument(c))
    return Seen()


def _labels(condition: Seen, x_name: str) -> tuple[str, str]:
    """Return the labels of the axes: those of the condition, else argument and condition by name."""
    return condition.label.get("x") or x_name or condition.argument or "x", condition.label.get("y") or "y"


def _first_argument(condition: Any) -> str:
    try:
        arguments = list(inspect.signature(condition.function).parameters)
    except (AttributeError, TypeError, ValueError):
        return ""
    return arguments[0] if arguments and arguments[0] not in {"self", "args", "kwargs"} else ""
