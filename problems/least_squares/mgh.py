"""The 35 More-Garbow-Hillstrom test functions as cases, with MINPACK's own list of starts.

Starts are the classic x0, 10 x0 and 100 x0 of MINPACK's drivers (a classic start of zero becomes the constant 10 or
100). One start only where MINPACK's driver has one, or where the multiples say nothing: Gulf (10 x0 is the root itself;
at 100 x0 the gradient underflows), Box and the large Brown almost-linear and Chebyquad sizes. Jennrich-Sampson
overflows at 100 x0.

Minima with a non-zero sum of squares were found from many starts and polished by Newton's method (``data``); minima at
infinity are derived in the comments. Sources: More, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41; MINPACK-1 (Argonne
ANL-80-74), test drivers for LMDIF and LMDER.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from problems._case import Answer, Case
from problems.least_squares import mgh_data as data
from problems.least_squares import mgh_fixed as fixed
from problems.least_squares import mgh_sized as sized

__all__ = ["CASES", "MINPACK_STARTS"]

PAPER = "More, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41"
DATA = Path(__file__).parent / "data" / "mgh_minima.json"
AT_INFINITY = 1e-4
MAXIMUM = "stationary local maximum: the classic start itself, and the end point MINPACK publishes"


@dataclass(frozen=True)
class Function:
    """One row of the table: residual, number in the paper, classic start, factors, known minima."""

    residual: Callable[..., Any]
    number: int
    start: tuple[float, ...]
    factors: tuple[int, ...] = (1, 10, 100)
    zeros: tuple[tuple[float, ...] | None, ...] = ()
    minima: str = ""
    others: tuple[Answer, ...] = ()
    singular: bool = False
    infinity: bool = False
    targets: tuple[tuple[float, ...], ...] | None = None


def _grid_start(n: int) -> tuple[float, ...]:
    t = np.arange(1, n + 1) / (n + 1)
    return tuple(float(v) for v in t * (t - 1))


def _level(n: int) -> tuple[float, ...]:
    return tuple(j / (n + 1) for j in range(1, n + 1))


def _linear(residual: Callable[..., Any], number: int, n: int, m: int) -> Function:
    """Row of a linear function of full rank (32), rank one (33) or rank one with zero columns (34), m equations.

    With a = (1, 2, ..., n) (34: zero at both ends) the residuals are k a.x - 1, least on the plane
    a.x = s = sum(k) / sum(k^2); the point of that plane nearest to x0, the pseudoinverse answer, is
    x0 - a (a.x0 - s) / |a|^2.
    """
    if number == 32:
        return Function(residual, number, (1.0,) * n, (1,), others=(Answer(float(m - n), (-1.0,) * n),))
    a = np.arange(1.0, n + 1)
    if number == 34:
        a[[0, -1]] = 0.0
    rss, s = (m * (m - 1) / (2 * (2 * m + 1)), 3 / (2 * m + 1))
    if number == 34:
        rss, s = ((m**2 + 3 * m - 6) / (2 * (2 * m - 3)), 3 / (2 * m - 3))
    nearest = 1.0 - a * (np.sum(a) - s) / np.sum(a**2)
    target = tuple(float(v) for v in nearest)
    return Function(residual, number, (1.0,) * n, (1,), others=(Answer(rss),), singular=True, targets=(target,))


def _quadrature(n: int, **known: Any) -> Function:
    return Function(sized.chebyquad(n, n), 35, _level(n), (1,), **known)


# Bard, x2 and x3 -> infinity: only x1 remains, the RSS is the scatter of y about its mean.
BARD_SCATTER = float(np.sum((data.BARD - np.mean(data.BARD)) ** 2))
# Beale, x2 -> 1 and x1 (1 - x2) -> c: the model becomes c i, so c = 13.875 / 14 and RSS = sum(y^2) - 14 c^2.
BEALE_LIMIT = 253.125 / 560
# Jennrich-Sampson, x1 -> -infinity: one exponential is left, sum of (2 + 2 i - exp(i x2))^2 at x2 = 0.33148527792.
JENNRICH_LIMIT = 259.580190134253
# Kowalik-Osborne at infinity, x2 -> -14.07, published.
KOWALIK_LIMIT = 1.02734e-3
BROWN_N = (10, 30, 40)

TABLE: dict[str, Function] = {
    "rosenbrock": Function(fixed.rosenbrock, 1, (-1.2, 1), zeros=((1, 1),)),
    "freudenstein_roth": Function(
        fixed.freudenstein_roth, 2, (0.5, -2), zeros=((5, 4),), minima="freudenstein_roth", singular=True
    ),
    "powell_badly_scaled": Function(
        fixed.powell_badly_scaled,
        3,
        (0, 1),
        zeros=((1.0981593296998e-05, 9.1061467398665), (9.1061467398665, 1.0981593296998e-05)),
    ),
    "brown_badly_scaled": Function(fixed.brown_badly_scaled, 4, (1, 1), zeros=((1e6, 2e-6),)),
    "beale": Function(
        fixed.beale, 5, (1, 1), zeros=((3, 0.5),), others=(Answer(BEALE_LIMIT, tolerance=AT_INFINITY),), infinity=True
    ),
    "jennrich_sampson": Function(
        fixed.jennrich_sampson,
        6,
        (0.3, 0.4),
        (1, 10),
        minima="jennrich_sampson",
        others=(Answer(JENNRICH_LIMIT, tolerance=AT_INFINITY),),
        singular=True,
        infinity=True,
    ),
    "helical_valley": Function(fixed.helical_valley, 7, (-1, 0, 0), zeros=((1, 0, 0),)),
    "bard": Function(
        data.bard, 8, (1, 1, 1), minima="bard", others=(Answer(BARD_SCATTER, tolerance=AT_INFINITY),), infinity=True
    ),
    "gaussian": Function(data.gaussian, 9, (0.4, 1, 0), minima="gaussian"),
    "meyer": Function(data.meyer, 10, (0.02, 4000, 250), minima="meyer"),
    "gulf_research": Function(data.gulf_research, 11, (5, 2.5, 0.15), (1,), zeros=((50, 25, 1.5),)),
    # The root is an isolated point (and its mirror image) and also a whole line x1 = x2, x3 = 0.
    "box_3d": Function(fixed.box_3d, 12, (0, 10, 20), (1,), zeros=((1, 10, 1), (10, 1, -1))),
    "powell_singular": Function(fixed.powell_singular, 13, (3, -1, 0, 1), zeros=((0, 0, 0, 0),), singular=True),
    "wood": Function(fixed.wood, 14, (-3, -1, -3, -1), zeros=((1, 1, 1, 1),)),
    "kowalik_osborne": Function(
        data.kowalik_osborne,
        15,
        (0.25, 0.39, 0.415, 0.39),
        minima="kowalik_osborne",
        others=(Answer(KOWALIK_LIMIT, tolerance=AT_INFINITY),),
        infinity=True,
    ),
    "brown_dennis": Function(fixed.brown_dennis, 16, (25, 5, -5, -1), minima="brown_dennis"),
    "osborne_1": Function(data.osborne_1, 17, (0.5, 1.5, -1, 0.01, 0.02), (1,), minima="osborne_1"),
    "biggs_exp6": Function(
        fixed.biggs_exp6,
        18,
        (1, 2, 1, 1, 1, 1),
        (1, 10),
        zeros=((1, 10, 1, 5, 4, 3), (4, 10, 3, 5, 1, 1)),
        minima="biggs_exp6",
        singular=True,
    ),
    "osborne_2": Function(
        data.osborne_2, 19, (1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5), (1,), minima="osborne_2"
    ),
    **{f"watson_n{n}": Function(sized.watson(n), 20, (0.0,) * n, minima=f"watson_n{n}") for n in (6, 9, 12)},
    **{
        f"extended_rosenbrock_n{n}": Function(
            sized.extended_rosenbrock(n), 21, (-1.2, 1.0) * (n // 2), zeros=((1.0,) * n,)
        )
        for n in (10, 20)
    },
    **{
        f"extended_powell_n{n}": Function(
            sized.extended_powell(n), 22, (3.0, -1.0, 0.0, 1.0) * (n // 4), zeros=((0.0,) * n,), singular=True
        )
        for n in (12, 20)
    },
    **{
        f"penalty_1_n{n}": Function(
            sized.penalty_1(n), 23, tuple(float(j) for j in range(1, n + 1)), minima=f"penalty_1_n{n}"
        )
        for n in (4, 10)
    },
    **{f"penalty_2_n{n}": Function(sized.penalty_2(n), 24, (0.5,) * n, minima=f"penalty_2_n{n}") for n in (4, 10)},
    **{
        f"variably_dimensioned_n{n}": Function(
            sized.variably_dimensioned(n), 25, tuple(1 - j / n for j in range(1, n + 1)), zeros=((1.0,) * n,)
        )
        for n in (10, 20)
    },
    **{
        f"trigonometric_n{n}": Function(
            sized.trigonometric(n), 26, (1 / n,) * n, zeros=(None,), minima=f"trigonometric_n{n}", singular=True
        )
        for n in (5, 10)
    },
    # The RSS of 1 belongs to (0, ..., 0, n + 1), where the product row is lost: rank n - 1.
    **{
        f"brown_almost_linear_n{n}": Function(
            sized.brown_almost_linear(n),
            27,
            (0.5,) * n,
            (1, 10, 100) if n == 10 else (1,),
            zeros=((1.0,) * n, None),
            others=(Answer(1.0, (0.0,) * (n - 1) + (n + 1.0,)),),
            singular=True,
        )
        for n in BROWN_N
    },
    **{
        f"discrete_boundary_n{n}": Function(sized.discrete_boundary(n), 28, _grid_start(n), zeros=(None,))
        for n in (10, 30)
    },
    **{
        f"discrete_integral_n{n}": Function(sized.discrete_integral(n), 29, _grid_start(n), zeros=(None,))
        for n in (10, 30)
    },
    **{
        f"broyden_tridiagonal_n{n}": Function(sized.broyden_tridiagonal(n), 30, (-1.0,) * n, zeros=(None,))
        for n in (10, 30)
    },
    **{f"broyden_banded_n{n}": Function(sized.broyden_banded(n), 31, (-1.0,) * n, zeros=(None,)) for n in (10, 30)},
    **{f"linear_full_rank_n5_m{m}": _linear(sized.linear_full_rank(5, m), 32, 5, m) for m in (10, 50)},
    **{f"linear_rank_1_n5_m{m}": _linear(sized.linear_rank_1(5, m), 33, 5, m) for m in (10, 50)},
    **{f"linear_rank_1_zeros_n5_m{m}": _linear(sized.linear_rank_1_zeros(5, m), 34, 5, m) for m in (10, 50)},
    "chebyquad_n1_m8": Function(sized.chebyquad(1, 8), 35, (0.5,), minima="chebyquad_n1_m8"),
    **{f"chebyquad_n{n}": _quadrature(n, zeros=(None,)) for n in (5, 7, 9)},
    **{f"chebyquad_n{n}": _quadrature(n, minima=f"chebyquad_n{n}", singular=True) for n in (8, 10)},
}


@cache
def _minima() -> dict[str, list[dict[str, Any]]]:
    return json.loads(DATA.read_text(encoding="utf-8"))["minima"]


def _scaled(start: tuple[float, ...], factor: int) -> tuple[float, ...]:
    """MINPACK's multiple of a start; a start of zero becomes the constant ``factor`` (except at factor 1)."""
    if factor == 1:
        return tuple(float(v) for v in start)
    return tuple(float(factor * v) for v in start) if any(start) else (float(factor),) * len(start)


def mgh(name: str) -> Case:
    """Case of the More-Garbow-Hillstrom function ``name`` (see ``TABLE``).

    ``published`` holds the number in the paper and the factors of the classic start.
    """
    row = TABLE[name]
    finite = tuple(
        Answer(
            entry["rss"],
            tuple(entry["parameters"]),
            note=MAXIMUM if name == "chebyquad_n1_m8" and entry["parameters"] == [0.5] else "",
        )
        for entry in (_minima()[row.minima] if row.minima else ())
    )
    zeros = tuple(Answer(0.0, None if z is None else tuple(float(v) for v in z)) for z in row.zeros)
    tags = {"mgh"}
    tags |= {"zero"} if zeros else set()
    tags |= {"rank_deficient"} if row.singular else set()
    tags |= {"infinity"} if row.infinity else set()
    tags |= {"minpack"} if any(case == f"mgh/{name}" for case, _ in MINPACK_STARTS) else set()
    return Case(
        name=f"mgh/{name}",
        kind="residual",
        parameters=tuple(f"x{j}" for j in range(1, len(row.start) + 1)),
        starts=tuple(_scaled(row.start, factor) for factor in row.factors),
        answers=zeros + finite + row.others,
        function=row.residual,
        targets=row.targets,
        tags=frozenset(tags),
        source=f"{PAPER}, function {row.number}",
        published={"number": row.number, "factors": row.factors},
    )


CASES: dict[str, Callable[[], Case]] = {f"mgh/{name}": partial(mgh, name) for name in TABLE}

_THREE = ("rosenbrock", "helical_valley", "powell_singular", "freudenstein_roth", "bard", "kowalik_osborne")
_THREE += ("brown_dennis", "watson_n6", "watson_n9", "watson_n12", "brown_almost_linear_n10", "chebyquad_n1_m8")
_ONE = tuple(f"linear_{kind}_n5_m{m}" for kind in ("full_rank", "rank_1", "rank_1_zeros") for m in (10, 50))
_ONE += ("box_3d", "jennrich_sampson", "chebyquad_n8", "chebyquad_n9", "chebyquad_n10")
_ONE += ("brown_almost_linear_n30", "brown_almost_linear_n40", "osborne_1", "osborne_2")

MINPACK_STARTS: tuple[tuple[str, int], ...] = (
    *((f"mgh/{name}", k) for name in _THREE for k in range(3)),
    *(("mgh/meyer", k) for k in range(2)),
    *((f"mgh/{name}", 0) for name in _ONE),
)
"""The 53 (case, index of start) of MINPACK's nonlinear least-squares test driver."""
