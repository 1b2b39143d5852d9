"""Differential equations with known answers: stochastic ones, and maps that a network learns."""
