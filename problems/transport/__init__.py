"""Concrete transport problems: random assignment, densities, images, clouds."""

from problems.transport.families import FAMILIES, Instance, clouds, instance

__all__ = ["FAMILIES", "Instance", "clouds", "instance"]
