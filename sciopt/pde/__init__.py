"""Differential equations: domains and their points, operators on the unknown function, ready conditions."""

from sciopt.pde.annulus import Annulus
from sciopt.pde.balanced import balanced
from sciopt.pde.ball import Ball
from sciopt.pde.box import Box
from sciopt.pde.collocation import Collocation
from sciopt.pde.combined import Combined
from sciopt.pde.continuation import BranchPoint, branch
from sciopt.pde.curl import curl
from sciopt.pde.derivative import derivative
from sciopt.pde.determination import Determination, determination
from sciopt.pde.directional import directional
from sciopt.pde.dirichlet import dirichlet
from sciopt.pde.disk import Disk
from sciopt.pde.div import div
from sciopt.pde.dt import dt
from sciopt.pde.error_estimate import ErrorEstimate, error_estimate
from sciopt.pde.field import Field
from sciopt.pde.grad import grad
from sciopt.pde.grid import Grid
from sciopt.pde.grid_problem import GridProblem
from sciopt.pde.hard import hard
from sciopt.pde.held_out import held_out
from sciopt.pde.hessian import hessian
from sciopt.pde.initial import initial
from sciopt.pde.integral import integral
from sciopt.pde.interface import interface
from sciopt.pde.interior import interior
from sciopt.pde.interval import Interval
from sciopt.pde.laplacian import laplacian
from sciopt.pde.lines import Lines
from sciopt.pde.lines_solution import LinesSolution
from sciopt.pde.lines_solve import solve_lines
from sciopt.pde.method_of_lines import method_of_lines
from sciopt.pde.neumann import neumann
from sciopt.pde.observed import observed
from sciopt.pde.partial import partial
from sciopt.pde.periodic import periodic
from sciopt.pde.polygon import Polygon
from sciopt.pde.product import Product
from sciopt.pde.robin import robin
from sciopt.pde.scaled import Scaled, scaled
from sciopt.pde.time import Time

__all__ = [
    "Annulus",
    "Ball",
    "Box",
    "BranchPoint",
    "Collocation",
    "Combined",
    "Determination",
    "Disk",
    "ErrorEstimate",
    "Field",
    "Grid",
    "GridProblem",
    "Interval",
    "Lines",
    "LinesSolution",
    "Polygon",
    "Product",
    "Scaled",
    "Time",
    "balanced",
    "branch",
    "curl",
    "derivative",
    "determination",
    "directional",
    "dirichlet",
    "div",
    "dt",
    "error_estimate",
    "grad",
    "hard",
    "held_out",
    "hessian",
    "initial",
    "integral",
    "interface",
    "interior",
    "laplacian",
    "method_of_lines",
    "neumann",
    "observed",
    "partial",
    "periodic",
    "robin",
    "scaled",
    "solve_lines",
]
