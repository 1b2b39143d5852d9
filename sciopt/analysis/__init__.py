"""What the merit says beyond the error bars: profiles, limits, contours."""

from sciopt.analysis.contour import contour
from sciopt.analysis.interval import Interval
from sciopt.analysis.limit import limit
from sciopt.analysis.profile import profile

__all__ = ["Interval", "contour", "limit", "profile"]
