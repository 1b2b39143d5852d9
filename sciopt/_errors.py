"""Errors raised by sciopt; each message names the thing at fault and the remedy."""

__all__ = ["ConditionError", "DataError", "OptionError", "ParameterError", "SciOptError", "SolveFailed"]


class SciOptError(Exception):
    """Base of every error that sciopt raises on purpose."""


class ConditionError(SciOptError, ValueError):
    """A condition cannot be evaluated: wrong shape, dtype, no rows, non-finite at the start."""


class ParameterError(SciOptError, ValueError):
    """A parameter is contradictory: bounds, start, ties, priors or an unknown name."""


class DataError(SciOptError, ValueError):
    """Data or their uncertainties cannot be used: non-finite, wrong shape, negative counts, sigma <= 0."""


class OptionError(SciOptError, TypeError):
    """An option is unknown or does not fit the other options."""


class SolveFailed(SciOptError, RuntimeError):
    """Raised by ``Solution.raise_if_failed`` only; a solve itself always returns a Solution."""
