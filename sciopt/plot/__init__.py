"""Pictures of solutions; each function draws into the axes it is given, or into a new figure."""

from sciopt.plot.accessor import PlotAccessor
from sciopt.plot.contour import contour
from sciopt.plot.convergence import convergence
from sciopt.plot.correlation import correlation
from sciopt.plot.field import field
from sciopt.plot.field_frames import field_frames
from sciopt.plot.field_residual import field_residual
from sciopt.plot.fit import fit
from sciopt.plot.phase import phase
from sciopt.plot.profile import profile
from sciopt.plot.residuals import residuals
from sciopt.plot.spectrum import spectrum
from sciopt.plot.trajectory import solver_steps, trajectory

__all__ = [
    "PlotAccessor",
    "contour",
    "convergence",
    "correlation",
    "field",
    "field_frames",
    "field_residual",
    "fit",
    "phase",
    "profile",
    "residuals",
    "solver_steps",
    "spectrum",
    "trajectory",
]
