"""Where conditions are asked for when the ansatz is chosen: nodes of the basis, or more Sobol points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.pde._domain import Domain
from sciopt.pde.box import Box
from sciopt.pde.collocation import Collocation
from sciopt.pde.product import Product
from sciopt.points import fixed

__all__ = ["domain_of", "is_box", "movable", "on_faces_of_a_box", "on_nodes", "spread"]


def domain_of(conditions: Sequence[Condition]) -> Domain | None:
    """Return the domain on which conditions hold, the first that a condition's points name."""
    for c in conditions:
        domain = getattr(c.points, "domain", None)
        if domain is not None:
            return domain
    return None


def is_box(domain: Any) -> bool:
    """Whether a domain is a box, or a product of boxes and time."""
    if isinstance(domain, Product):
        return is_box(domain.first) and is_box(domain.second)
    return isinstance(domain, Box)


def movable(c: Condition) -> bool:
    """Whether the points of a condition stand for a region rather than for measured places."""
    return (
        isinstance(c.points, Collocation)
        and c.points.rule != "fixed"
        and not c.batched
        and c.sigma is None
        and c.target is None
        and c.weight is not None
    )


def on_nodes(c: Condition, nodes: Sequence[Array]) -> Condition:
    """Return a condition on the tensor grid of nodes of each coordinate: inside, or on its faces."""
    if not movable(c):
        return c
    points, domain = c.points, c.points.domain
    if points.face is None:
        x = _grid(nodes)
        return replace(c, points=domain.at(x))
    coords, normals = [], []
    for face in points.face:
        i, upper = domain.names.index(face[:-1]), face.endswith("+")
        here = list(nodes)
        here[i] = domain.bounds[i, int(upper) : int(upper) + 1]
        coords.append(_grid(here))
        normal = np.zeros_like(coords[-1])
        normal[:, i] = 1.0 if upper else -1.0
        normals.append(normal)
    x = np.concatenate(coords)
    if points.with_normals:
        return replace(c, points=fixed((x, np.concatenate(normals))))
    return replace(c, points=domain.at(x))


def on_faces_of_a_box(c: Condition) -> bool:
    """Whether a condition's points lie inside a box or on its own faces."""
    if not movable(c) or c.points.face is None:
        return True
    names = c.points.domain.names
    return all(face[:-1] in names and face[-1] in "+-" for face in c.points.face)


def spread(c: Condition, n: int) -> Condition:
    """Return a condition with n points inside, and on faces with as many as keep their spacing, 20 at least."""
    if not movable(c):
        return c
    points = c.points
    if points.face is not None:
        d = points.domain.dim
        n = max(int(2 * d * n ** ((d - 1) / d)), 20)
    return replace(c, points=replace(points, n=n, rule="sobol", every=0, refine=0.0))


def _grid(nodes: Sequence[Array]) -> Array:
    mesh = np.meshgrid(*nodes, indexing="ij")
    return np.stack([m.ravel() for m in mesh], axis=1)
