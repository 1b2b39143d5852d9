"""What all domains share: names, faces, points inside and on the boundary, and the algebra of domains."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.pde._patch import Patch
from sciopt.pde.collocation import Collocation

__all__ = ["Domain"]

NAMES = ("x", "y", "z")


class Domain:
    """A region of space, or of time and space; the base of all domains.

    A kind of domain provides ``names``, ``bounds``, ``_inside``, ``_patches`` and ``_faces``. Domains combine:
    ``A | B`` (union), ``A - B`` (difference), ``A & B`` (intersection), and ``A * B`` (product: ``Time(0, 1) * Disk()``).

    Attributes
    ----------
    names
        Name of each coordinate.
    periodic
        Whether each coordinate is periodic, a tuple of bool.
    has_time
        Whether coordinate 0 is time.
    """

    names: tuple[str, ...]
    periodic: tuple[bool, ...]
    has_time: bool = False

    # ---- what a kind provides -------------------------------------------------------------------------------------
    @property
    def bounds(self) -> Array:
        """Lower and upper end of each coordinate, shape (d, 2)."""
        raise NotImplementedError

    def _inside(self, x: Array, slack: float) -> Any:
        raise NotImplementedError

    def _patches(self) -> tuple[Patch, ...]:
        raise NotImplementedError

    def _faces(self) -> dict[str, tuple[Patch, ...]]:
        raise NotImplementedError

    def _all_faces(self) -> dict[str, tuple[Patch, ...]]:
        """Faces, and the ends of periodic coordinates, which are none."""
        return self._faces()

    # ---- what follows ---------------------------------------------------------------------------------------------
    @property
    def dim(self) -> int:
        """Number of coordinates, time included."""
        return len(self.names)

    @property
    def space(self) -> tuple[int, ...]:
        """Places of the coordinates of space."""
        return tuple(range(1 if self.has_time else 0, self.dim))

    @property
    def faces(self) -> tuple[str, ...]:
        """Names of the faces of the boundary, those of time excluded."""
        return tuple(name for name in self._faces() if not self._temporal(name))

    @property
    def measure(self) -> float:
        """Length, area or volume (times the duration)."""
        return float(sum(p.extent() for p in self._patches()))

    @property
    def sizes(self) -> Array:
        """Length of each coordinate's range, shape (d,)."""
        return self.bounds[:, 1] - self.bounds[:, 0]

    def contains(self, x: Any) -> Any:
        """Tell which points lie in the closed domain (to rounding; periodic coordinates count as inside).

        Parameters
        ----------
        x
            Points of shape (n, d), or one point (d,).

        Returns
        -------
        ndarray of bool
            Shape (n,), or () for one point.
        """
        a = self._array(x)
        inside = self._inside(a.reshape(-1, self.dim), 1e-9) & np.isfinite(a.reshape(-1, self.dim)).all(axis=1)
        return inside.reshape(a.shape[:-1])

    def interior(
        self, n: Any, rule: str = "sobol", *, every: int | None = None, refine: float | None = None
    ) -> Collocation:
        """Return points inside.

        Parameters
        ----------
        n
            Number of points; for ``"grid"`` and ``"gauss"`` also a tuple, one number a coordinate.
        rule
            ``"sobol"`` (scrambled), ``"uniform"``, ``"grid"`` (cell centres) or ``"gauss"`` (quadrature, with weights).
        every
            Look at the points after that many steps; 0 = only at a plateau or when a method asks. 25 by default where
            points follow the residual.
        refine
            Share of the points, between 0 and 1, that is drawn where the residual is large, once fresh points show a
            residual twice that on the points in use; 0 = never. Half by default for random rules.
        """
        random = rule in ("sobol", "uniform")
        share = (0.5 if random and not every else 0.0) if refine is None else refine
        return Collocation(self, None, n, rule, (25 if share else 0) if every is None else every, share)

    def boundary(
        self,
        n: Any,
        face: str | tuple[str, ...] | None = None,
        rule: str = "sobol",
        *,
        normals: bool = False,
        every: int = 0,
        refine: float = 0.0,
    ) -> Collocation:
        """Return points of the boundary, shared out over its faces by their size.

        Parameters
        ----------
        n
            Number of points, of all the faces together.
        face
            One face or several; all of space by default. ``domain.faces`` lists them.
        rule, every, refine
            As in `interior`.
        normals
            Hand the outward unit normal to the condition, as a further argument after x.
        """
        names = self.faces if face is None else (face,) if isinstance(face, str) else tuple(face)
        if not names:
            raise OptionError(f"{self!r} has no boundary in space (all its coordinates are periodic)")
        return Collocation(self, self._known(names), n, rule, every, refine, normals)

    def initial(self, n: Any, rule: str = "sobol", *, every: int = 0, refine: float = 0.0) -> Collocation:
        """Return points at the first instant; x[0] is time there too."""
        return Collocation(self, (self._time_face("-"),), n, rule, every, refine)

    def final(self, n: Any, rule: str = "sobol", *, every: int = 0, refine: float = 0.0) -> Collocation:
        """Return points at the last instant."""
        return Collocation(self, (self._time_face("+"),), n, rule, every, refine)

    def at(self, x: Any) -> Collocation:
        """Return given points, shape (n, d), as fixed points of the domain.

        Raises
        ------
        DataError
            Naming the first point outside.
        """
        a = np.atleast_2d(self._array(x))
        return Collocation(self, None, len(a), "fixed", given=self._checked(a))

    def _checked(self, x: Array) -> Array:
        bad = np.flatnonzero(~self.contains(x))
        if bad.size:
            raise DataError(
                f"{bad.size} of {len(x)} points lie outside {self!r}; the first is point {bad[0]} = {x[bad[0]].tolist()}"
            )
        return x

    def _array(self, x: Any) -> Array:
        a = np.asarray(x)
        if a.dtype.kind == "c":
            raise DataError(f"points of {self!r} must be real, got dtype {a.dtype}")
        if a.dtype.kind not in "iuf" or not a.ndim or a.shape[-1] != self.dim:
            raise DataError(f"points of {self!r} need shape (n, {self.dim}), got shape {a.shape} and dtype {a.dtype}")
        return a.astype(np.float64)

    def _temporal(self, face: str) -> bool:
        return self.has_time and face in (f"{self.names[0]}-", f"{self.names[0]}+")

    def _time_face(self, side: str) -> str:
        if not self.has_time:
            raise OptionError(f"{self!r} has no time; make it a product: so.pde.Time(0, 1) * domain")
        return f"{self.names[0]}{side}"

    def _known(self, names: tuple[str, ...]) -> tuple[str, ...]:
        faces = self._faces()
        out: list[str] = []
        for name in names:
            sides = [name] if name in faces else [f for f in (f"{name}-", f"{name}+") if f in faces]
            if not sides:
                raise OptionError(f"{self!r} has no face {name!r}; its faces: {', '.join(faces) or 'none'}")
            out += sides
        return tuple(dict.fromkeys(out))

    def axis(self, name: str | int) -> int:
        """Return the place of a coordinate given by name or place."""
        if isinstance(name, str) and name in self.names:
            return self.names.index(name)
        if isinstance(name, (int, np.integer)) and not isinstance(name, bool) and -self.dim <= name < self.dim:
            return int(name) % self.dim
        raise OptionError(f"{self!r} has no coordinate {name!r}; its coordinates: {', '.join(self.names)}")

    # ---- algebra --------------------------------------------------------------------------------------------------
    def __mul__(self, other: Domain) -> Domain:
        """Return the product of two domains; time must come first."""
        from sciopt.pde.product import Product

        return Product(self, other) if isinstance(other, Domain) else NotImplemented

    def __or__(self, other: Domain) -> Domain:
        """Return the union."""
        from sciopt.pde.combined import Combined

        return Combined(self, other, "|") if isinstance(other, Domain) else NotImplemented

    def __sub__(self, other: Domain) -> Domain:
        """Return the part outside the other domain."""
        from sciopt.pde.combined import Combined

        return Combined(self, other, "-") if isinstance(other, Domain) else NotImplemented

    def __and__(self, other: Domain) -> Domain:
        """Return the intersection."""
        from sciopt.pde.combined import Combined

        return Combined(self, other, "&") if isinstance(other, Domain) else NotImplemented


def interval(owner: str, low: Any, high: Any) -> tuple[float, float]:
    """Return a checked pair lower < upper of finite numbers."""
    try:
        a, b = float(low), float(high)
    except (TypeError, ValueError):
        raise OptionError(f"{owner}: ends must be numbers, got {low!r} and {high!r}") from None
    if not (np.isfinite(a) and np.isfinite(b) and a < b):
        raise OptionError(f"{owner}: needs finite lower < upper, got ({low!r}, {high!r})")
    return a, b


def names_of(dim: int) -> tuple[str, ...]:
    """Return x, y, z, or x0, x1, ... beyond three dimensions."""
    return NAMES[:dim] if dim <= 3 else tuple(f"x{i}" for i in range(dim))
