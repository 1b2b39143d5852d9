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
from sciopt.plot.transport import TransportPlots
from sciopt.plot.transport_convergence import transport_convergence
from sciopt.plot.transport_densities import transport_densities
from sciopt.plot.transport_pairs import transport_pairs
from sciopt.plot.transport_plan import transport_plan
from sciopt.plot.transport_strip import transport_strip

__all__ = [
    "PlotAccessor",
    "TransportPlots",
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
    "transport_convergence",
    "transport_densities",
    "transport_pairs",
    "transport_plan",
    "transport_strip",
]
