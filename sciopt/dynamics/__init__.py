"""Differential equations fitted to trajectories: mechanistic, neural, or both.

Names are loaded when first used; importing the room does not import JAX.
"""

import importlib
from typing import Any

# Public name -> file of the room that holds it.
NAMES = {
    "FlowMap": "flow_maps",
    "FlowSolution": "flow_map_solution",
    "Moments": "sde_data",
    "ODESolution": "ode_solution",
    "Paths": "sde_data",
    "Regulariser": "regularise",
    "SDESolution": "sde_solution",
    "Tableau": "tableau",
    "TrajectoryProblem": "ode_problem",
    "fit_flow_map": "flow_map_fit",
    "fit_flow_samples": "flow_map_fit",
    "fit_ode": "ode_fit",
    "fit_sde": "sde_fit",
    "fit_sequences": "sequences",
    "flow_map": "flow_maps",
    "sde": "sde_problem",
    "sequence_problem": "sequences",
    "simulate_sde": "sde_simulate",
    "trajectories": "ode_problem",
}

__all__ = [
    "FlowMap",
    "FlowSolution",
    "Moments",
    "ODESolution",
    "Paths",
    "Regulariser",
    "SDESolution",
    "Tableau",
    "TrajectoryProblem",
    "fit_flow_map",
    "fit_flow_samples",
    "fit_ode",
    "fit_sde",
    "fit_sequences",
    "flow_map",
    "sde",
    "sequence_problem",
    "simulate_sde",
    "trajectories",
]


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name in NAMES:
        value = getattr(importlib.import_module(f"sciopt.dynamics.{NAMES[name]}"), name)
        globals()[name] = value  # a file of the same name would take its place
        return value
    raise AttributeError(f"module 'sciopt.dynamics' has no attribute {name!r}")
