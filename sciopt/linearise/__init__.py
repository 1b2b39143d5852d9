"""Linearisations: r and J of a problem at a point, one file a kind."""

from sciopt.linearise.base import Linearisation
from sciopt.linearise.build import blocks_of, linearise
from sciopt.linearise.check import check_jacobian
from sciopt.linearise.work import OutOfBudget, Work

__all__ = ["Linearisation", "OutOfBudget", "Work", "blocks_of", "check_jacobian", "linearise"]
