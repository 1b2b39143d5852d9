"""Differential equations: domains and their points, operators on the unknown function, ready conditions."""

from sciopt.pde.annulus import Annulus
from sciopt.pde.ball import Ball
from sciopt.pde.box import Box
from sciopt.pde.collocation import Collocation
from sciopt.pde.combined import Combined
from sciopt.pde.curl import curl
from sciopt.pde.derivative import derivative
from sciopt.pde.directional import directional
from sciopt.pde.disk import Disk
from sciopt.pde.div import div
from sciopt.pde.dt import dt
from sciopt.pde.grad import grad
from sciopt.pde.hessian import hessian
from sciopt.pde.interval import Interval
from sciopt.pde.laplacian import laplacian
from sciopt.pde.partial import partial
from sciopt.pde.polygon import Polygon
from sciopt.pde.product import Product
from sciopt.pde.time import Time

__all__ = [
    "Annulus",
    "Ball",
    "Box",
    "Collocation",
    "Combined",
    "Disk",
    "Interval",
    "Polygon",
    "Product",
    "Time",
    "curl",
    "derivative",
    "directional",
    "div",
    "dt",
    "grad",
    "hessian",
    "laplacian",
    "partial",
]
