"""Ready line shapes with automatic starting values.

Each is a `LineShape`: call it like a function, or hand it to ``sciopt.fit`` as the model.
"""

from sciopt.lineshapes._lineshape import LineShape
from sciopt.lineshapes.decays import exponential_decay, polynomial, power_law
from sciopt.lineshapes.image import gaussian_2d
from sciopt.lineshapes.oscillation import damped_oscillation
from sciopt.lineshapes.peaks import gaussian, lorentzian, pseudo_voigt
from sciopt.lineshapes.resonator import resonator_notch, resonator_transmission

__all__ = [
    "LineShape",
    "damped_oscillation",
    "exponential_decay",
    "gaussian",
    "gaussian_2d",
    "lorentzian",
    "polynomial",
    "power_law",
    "pseudo_voigt",
    "resonator_notch",
    "resonator_transmission",
]
