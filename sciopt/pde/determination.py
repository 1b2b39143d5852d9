"""Whether the conditions determine the unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.linearise.autodiff import double
from sciopt.pde._probe import Probe, probed
from sciopt.pde._read import given
from sciopt.pde.field import Field

__all__ = ["Determination", "determination"]

SIZES = {1: 24, 2: 13, 3: 7, 4: 5, 5: 4}
OPEN = 1e-5  # change of the conditions, relative to that by a function of low degree, that counts as none


@dataclass(frozen=True, eq=False)
class Determination:
    """Whether the conditions determine the unknown functions and parameters.

    Attributes
    ----------
    determined
        Whether every change of the unknown changes the conditions.
    null
        Number of independent changes that do not.
    weakest
        Change of the conditions (root mean square, in units of what functions of low degree do) by the unit change of
        the unknown that does least.
    spectrum
        That number for all independent changes, ascending, shape (K,).
    directions
        For each open direction the changes of the unknown functions (`Field`) and of the parameters, by name.
    sentences
        The findings in words.
    """

    determined: bool
    null: int
    weakest: float
    spectrum: Array
    directions: tuple[dict[str, Any], ...]
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        """The findings in words."""
        return " ".join(self.sentences)


def determination(solution: Any) -> Determination:
    r"""Tell whether the conditions determine the unknown, near a solution.

    The conditions are linearised about the solution in smooth functions w (a tensor basis of polynomials, waves in
    periodic coordinates) on points that were not used. With :math:`\|w\| = 1` in the mean square, the smallest singular
    values of :math:`w \mapsto F'(u)\, w` tell by how much the conditions notice the least noticed change; each
    condition counts in units of what it says to functions of degree two, so that neither units nor weights matter. A
    small residual cannot tell: a missing initial condition, walls of given slope only, or an eigenfunction of any size
    leave it at zero.

    Parameters
    ----------
    solution
        Solution of a problem on points of domains, inverse parameters included.

    Returns
    -------
    Determination

    Notes
    -----
    The statement is local and about smooth changes. Solutions far from this one are found by solving with other keys.

    Examples
    --------
    >>> import jax.numpy as jnp, sciopt as so
    >>> square = so.pde.Box((0, 1), (0, 1))
    >>> @so.condition(points=square.interior(100))
    ... def poisson(u, x):
    ...     return so.pde.laplacian(u)(x) - jnp.cos(jnp.pi * x[0])
    >>> walls = so.pde.neumann(square.boundary(40))
    >>> found = so.solve(so.Problem([poisson, walls], so.models.tensor_basis(square, 6)))
    >>> str(so.pde.determination(found))
    'The conditions leave 1 direction open: any constant can be added to u.'
    """
    p = probed(solution, SIZES)
    B, back = _orthonormal(p)
    values, vectors = np.linalg.eigh(B.T @ B) if len(B) > 20_000 else _svd(B)
    spectrum = np.sqrt(np.maximum(values, 0.0))
    null = int(np.count_nonzero(spectrum < OPEN))
    open_ = [back @ vectors[:, k] for k in range(null)]
    directions = tuple(_direction(p, v) for v in open_[:8])
    sentences = _told(solution, p, open_, spectrum)
    sentences += _trivial(solution, p)
    return Determination(null == 0, null, float(spectrum[0]), spectrum, directions, tuple(sentences))


def _svd(B: Array) -> tuple[Array, Array]:
    _, S, Vt = np.linalg.svd(B, full_matrices=True)
    squares = np.zeros(len(Vt))
    squares[: len(S)] = S**2
    return squares[::-1], Vt[::-1].T


def _orthonormal(p: Probe) -> tuple[Array, Array]:
    """Return the rows in functions of unit mean square, and the map back to coefficients."""
    back = np.zeros((p.A.shape[1], 0))
    for space in p.spaces.values():
        k = space.basis.shape[1]
        _, S, Vt = np.linalg.svd(space.basis / np.sqrt(len(space.basis)), full_matrices=False)
        keep = 1e-9 * S[0] < S  # on a part of its box a basis has functions that vanish
        Q = Vt[keep].T / S[keep]
        for begin in range(space.columns.start, space.columns.stop, k):
            block = np.zeros((p.A.shape[1], Q.shape[1]))
            block[begin : begin + k] = Q
            back = np.concatenate([back, block], axis=1)
    for span in p.parameters.values():
        back = np.concatenate([back, np.eye(p.A.shape[1])[:, span]], axis=1)
    return p.A @ back, back


def _direction(p: Probe, v: Array) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, space in p.spaces.items():
        with double():
            model = _with(space.model, v[space.columns])
        out[name] = Field(model, space.domain, f"open direction of {name}")
    for name, span in p.parameters.items():
        out[name] = v[span]
    return out


def _with(model: Any, coefficients: Array) -> Any:
    import equinox as eqx
    import jax.numpy as jnp

    shape = np.shape(model.coefficients)
    return eqx.tree_at(lambda m: m.coefficients, model, jnp.asarray(coefficients.reshape(shape)))


def _told(solution: Any, p: Probe, open_: list[Array], spectrum: Array) -> list[str]:
    """Say which directions are open."""
    if not open_:
        weak = spectrum[0] < 1e-3
        told = f"; the least noticed change of unit size moves them by {spectrum[0]:.0e}, so errors are amplified"
        return [f"The conditions determine the unknown{told if weak else ''}."]
    k = len(open_)
    told = []
    for v in open_[:8]:
        for name, span in p.parameters.items():
            if np.linalg.norm(v[span]) > 0.999:
                told.append(f"they do not depend on {name}")
        for name, space in p.spaces.items():
            w = space.basis @ v[space.columns].reshape(-1, space.basis.shape[1]).T
            size = np.linalg.norm(w)
            if size < 0.9 * np.sqrt(len(w)):
                continue
            if np.linalg.norm(w - w.mean(axis=0)) < 1e-3 * size:
                told.append(f"any constant can be added to {name}")
            else:
                u = space.values
                along = abs(float(np.sum(w * u))) / max(size * float(np.linalg.norm(u)), 1e-300)
                if along > 0.999:
                    told.append(f"{name} can be multiplied by any factor")
        moving = [n for n, span in p.parameters.items() if 1e-3 < np.linalg.norm(v[span]) <= 0.999]
        if moving:
            told.append(f"{', '.join(moving)} and {', '.join(p.spaces)} can change together")
    if not told:
        faces = _missing(solution)
        told = [faces] if faces else []
    many = "1 direction" if k == 1 else f"{k} directions" if k < 8 else f"{k} or more directions"
    return [f"The conditions leave {many} open{': ' + '; '.join(dict.fromkeys(told)) if told else ''}."]


def _missing(solution: Any) -> str:
    """Name the faces without a condition."""
    from sciopt.pde.collocation import Collocation

    seen: dict[Any, set[str]] = {}
    for c in given(solution.problem):
        if isinstance(c.points, Collocation):
            faces = seen.setdefault(c.points.domain, set())
            faces.update(c.points.face or ())
            if c.name.startswith("periodic("):
                faces.update(f.replace("-", "+") for f in c.points.face or ())
    out = []
    for domain, faces in seen.items():
        wanted = [*domain.faces, *([domain._time_face("-")] if domain.has_time else [])]
        out += [f for f in wanted if f not in faces]
    return f"there is no condition on {', '.join(out)}" if out else "a condition is missing"


def _trivial(solution: Any, p: Probe) -> list[str]:
    """Tell if the answer is zero, or zero would do as well."""
    sizes = {n: float(np.sqrt(np.mean(s.values**2))) for n, s in p.spaces.items()}
    at_zero = probed(solution, dict.fromkeys(SIZES, 3), zero=True)
    if np.max(np.abs(at_zero.r), initial=0.0) > 1e-12 * max(1.0, *sizes.values()):
        return []
    vanishing = [n for n, size in sizes.items() if size < 1e-6]
    if vanishing:
        return [f"{', '.join(vanishing)} = 0 meets every condition, and that is what was found; add a normalisation."]
    return ["All conditions are met by zero too: a normalisation (so.pde.integral) is needed to fix the size."]
