"""Rounding of a value and its error by the rule of the Particle Data Group."""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

__all__ = ["number", "plus_minus", "rounded", "value_with_error"]

PLACES = Context(prec=60, rounding=ROUND_HALF_EVEN)
SIGNIFICANT = 15  # decimal digits that a float64 holds for certain


class Split(NamedTuple):
    """A value and its error as mantissas of one power of ten."""

    value: str
    error: str
    exponent: int

    @property
    def tail(self) -> str:
        """The power of ten in the notation of `float`, empty for 10^0."""
        return f"e{self.exponent:+03d}" if self.exponent else ""


def rounded(value: float, error: float | None) -> tuple[str, str]:
    """Round a real value and its error so that both end at the same decimal place.

    The error keeps two digits if its three leading digits are 100 to 354, one digit if they are 355 to 949, and
    becomes 10 (two digits) of the next place from 950 on.

    Parameters
    ----------
    value : float
    error : float or None
        Standard deviation. None leaves the value with six significant digits and an empty second text.

    Returns
    -------
    tuple of str
        Both readable by ``float``, with the same exponent if there is one. A value that is more than 15 digits
        longer than its error is cut at 15 digits, and an error that is zero or not finite is given as it is.

    References
    ----------
    Particle Data Group, Review of Particle Physics, Introduction, section "Rounding".

    Examples
    --------
    >>> rounded(2.50291, 0.0812), rounded(1.234e-7, 0.00321e-7), rounded(0.827, 0.119)
    (('2.50', '0.08'), ('1.2340e-07', '0.0032e-07'), ('0.83', '0.12'))
    """
    if error is None:
        return number(value), ""
    split = _split(value, error)
    if split is None:
        return _alone(value, error), _error_alone(error)
    return split.value + split.tail, split.error + split.tail


def value_with_error(value: complex, error: complex | None) -> str:
    """Write a value with its error in brackets, in units of the last digits.

    Parameters
    ----------
    value : float or complex
    error : float, complex or None
        For complex values the errors of real and imaginary part; a real error holds for both.

    Returns
    -------
    str

    Examples
    --------
    >>> value_with_error(2.50291, 0.0812), value_with_error(1.234e-7, 5.1e-10), value_with_error(1.23, 1.5)
    ('2.50(8)', '1.234(5)e-07', '1.2(1.5)')
    """
    if isinstance(value, complex):
        parts = (None, None) if error is None else _parts(error)
        imaginary = value_with_error(value.imag, parts[1])
        return f"{value_with_error(value.real, parts[0])}{'' if imaginary.startswith('-') else '+'}{imaginary}j"
    if isinstance(error, complex):
        error = error.real
    if error is None:
        return number(value)
    split = _split(value, error)
    if split is None:
        return f"{_alone(value, error)} ± {_error_alone(error)}"
    digits = split.error if float(split.error) >= 1 else split.error.lstrip("0.")
    return f"{split.value}({digits}){split.tail}"


def plus_minus(value: float, error: float | None) -> str:
    """Write ``value ± error`` with both rounded; a common power of ten stands outside brackets.

    Examples
    --------
    >>> plus_minus(2.50291, 0.0812), plus_minus(1.234e-7, 5.1e-10)
    ('2.50 ± 0.08', '(1.234 ± 0.005)e-07')
    """
    if error is None:
        return number(value)
    split = _split(value, error)
    if split is None:
        return f"{_alone(value, error)} ± {_error_alone(error)}"
    inner = f"{split.value} ± {split.error}"
    return f"({inner}){split.tail}" if split.exponent else inner


def number(value: complex) -> str:
    """Write a number without an error: six significant digits."""
    if isinstance(value, complex):
        return f"{value.real:.6g}{value.imag:+.6g}j"
    return f"{value:.6g}"


def _split(value: float, error: float) -> Split | None:
    """Return both as mantissas of a common power of ten, or None if they cannot end at one place."""
    value, error = float(value), abs(float(error))
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return None
    lead, power = f"{error:.2e}".split("e")
    leading, place = int(lead.replace(".", "")), int(power)
    last = place if leading >= 355 else place - 1
    exact = Decimal(error)
    if value and Decimal(value).adjusted() - last >= SIGNIFICANT:
        return None
    unit = Decimal(1).scaleb(last)
    short_error = 10 * unit if leading >= 950 else exact.quantize(unit, context=PLACES)
    short_value = Decimal(value).quantize(unit, context=PLACES)
    if not short_value:
        short_value = abs(short_value)  # no "-0.0"
    top = max(short_value.adjusted() if short_value else last, short_error.adjusted())
    exponent = top if last > 0 or top < -4 or top >= 7 else 0
    value_text, error_text = (f"{part.scaleb(-exponent, context=PLACES):f}" for part in (short_value, short_error))
    return Split(value_text, error_text, exponent)


def _alone(value: float, error: float) -> str:
    """Value beside an error that sets no decimal place: all digits if the error is tiny, else six."""
    tiny = math.isfinite(error) and error != 0 and math.isfinite(value)
    return f"{value:.{SIGNIFICANT}g}" if tiny else number(value)


def _error_alone(error: float) -> str:
    if not math.isfinite(error) or error == 0:
        return f"{abs(error):g}"
    return f"{abs(error):.1e}"


def _parts(error: complex) -> tuple[float, float]:
    return (error.real, error.imag) if isinstance(error, complex) else (float(error), float(error))
