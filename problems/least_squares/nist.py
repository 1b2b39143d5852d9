"""The 27 nonlinear regression problems of the NIST Statistical Reference Datasets.

Each model is written out as a plain numpy function with its parameters by name. Data, starting values and certified
values are NIST's (public domain); the ``ext_*`` fields beside them are an independent 60-digit solution of the same
data, which agrees with every certified figure to its last printed digit and is what ``Answer.parameters`` holds.

Three traps: the certified sum of squares of Lanczos1 (1.4e-25) is below rounding, so its parameters decide; Rat43's
file states 9 degrees of freedom where its certified residual deviation uses 11; and the sum of squares is quadratic in
the parameters' error, so eight digits of it promise only four of a parameter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from problems._case import Answer, Case

__all__ = ["CASES", "MODELS"]

DATA = Path(__file__).parent / "data" / "nist_strd.json"
URL = "https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml"


def bennett5(x, b1, b2, b3):
    """Superconductivity magnetisation."""
    return b1 * (b2 + x) ** (-1 / b3)


def saturation(x, b1, b2):
    """Exponential approach to a limit (Misra1a dental monolayers, BoxBOD oxygen demand)."""
    return b1 * (1 - np.exp(-b2 * x))


def chwirut(x, b1, b2, b3):
    """Ultrasonic reference block response."""
    return np.exp(-b1 * x) / (b2 + b3 * x)


def dan_wood(x, b1, b2):
    """Power law for the energy radiated by a carbon filament."""
    return b1 * x**b2


def eckerle4(x, b1, b2, b3):
    """Gaussian transmittance line."""
    return (b1 / b2) * np.exp(-0.5 * ((x - b3) / b2) ** 2)


def enso(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    """Air pressure differences: the annual cycle and two unknown periods."""
    year, first, second = 2 * np.pi * x / 12, 2 * np.pi * x / b4, 2 * np.pi * x / b7
    annual = b2 * np.cos(year) + b3 * np.sin(year)
    return b1 + annual + b5 * np.cos(first) + b6 * np.sin(first) + b8 * np.cos(second) + b9 * np.sin(second)


def gauss(x, b1, b2, b3, b4, b5, b6, b7, b8):
    """Two Gaussian peaks on an exponential background."""
    background = b1 * np.exp(-b2 * x)
    return background + b3 * np.exp(-((x - b4) ** 2) / b5**2) + b6 * np.exp(-((x - b7) ** 2) / b8**2)


def cubic_over_cubic(x, b1, b2, b3, b4, b5, b6, b7):
    """Rational function (Hahn1 thermal expansion of copper, Thurber electron mobility)."""
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def kirby2(x, b1, b2, b3, b4, b5):
    """Rational function for scanning electron microscope line widths."""
    return (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2)


def lanczos(x, b1, b2, b3, b4, b5, b6):
    """Sum of three decaying exponentials."""
    return b1 * np.exp(-b2 * x) + b3 * np.exp(-b4 * x) + b5 * np.exp(-b6 * x)


def mgh09(x, b1, b2, b3, b4):
    """Enzyme reaction of Kowalik and Osborne."""
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


def mgh10(x, b1, b2, b3):
    """Thermistor resistance of Meyer."""
    return b1 * np.exp(b2 / (x + b3))


def mgh17(x, b1, b2, b3, b4, b5):
    """Two exponentials and a constant, of Osborne."""
    return b1 + b2 * np.exp(-x * b4) + b3 * np.exp(-x * b5)


def misra1b(x, b1, b2):
    """Monolayer adsorption, second form."""
    return b1 * (1 - (1 + b2 * x / 2) ** (-2))


def misra1c(x, b1, b2):
    """Monolayer adsorption, third form."""
    return b1 * (1 - (1 + 2 * b2 * x) ** (-0.5))


def misra1d(x, b1, b2):
    """Monolayer adsorption, fourth form."""
    return b1 * b2 * x / (1 + b2 * x)


def nelson(x, b1, b2, b3):
    """Log of the dielectric breakdown strength against time ``x[0]`` and temperature ``x[1]``."""
    return b1 - b2 * x[0] * np.exp(-b3 * x[1])


def rat42(x, b1, b2, b3):
    """Logistic growth of pasture."""
    return b1 / (1 + np.exp(b2 - b3 * x))


def rat43(x, b1, b2, b3, b4):
    """Generalised logistic growth of onion bulbs."""
    return b1 / (1 + np.exp(b2 - b3 * x)) ** (1 / b4)


def roszman1(x, b1, b2, b3, b4):
    """Quantum defects in iodine."""
    return b1 - b2 * x - np.arctan(b3 / (x - b4)) / np.pi


MODELS: dict[str, Callable[..., Any]] = {
    "Misra1a": saturation,
    "Chwirut2": chwirut,
    "Chwirut1": chwirut,
    "Lanczos3": lanczos,
    "Gauss1": gauss,
    "Gauss2": gauss,
    "DanWood": dan_wood,
    "Misra1b": misra1b,
    "Kirby2": kirby2,
    "Hahn1": cubic_over_cubic,
    "Nelson": nelson,
    "MGH17": mgh17,
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Gauss3": gauss,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "Roszman1": roszman1,
    "ENSO": enso,
    "MGH09": mgh09,
    "Thurber": cubic_over_cubic,
    "BoxBOD": saturation,
    "Rat42": rat42,
    "MGH10": mgh10,
    "Eckerle4": eckerle4,
    "Rat43": rat43,
    "Bennett5": bennett5,
}
"""Problem -> model, in NIST's order of difficulty."""


@cache
def _records() -> dict[str, dict[str, Any]]:
    records = json.loads(DATA.read_text(encoding="utf-8"))["problems"]
    return {record["name"]: record for record in records}


def nist(name: str) -> Case:
    """Case of the NIST problem ``name``, two starts, certified and 60-digit answers.

    ``published`` holds "certified", "certified_std", "rss", "rsd", "dof", "difficulty", and from the independent
    solution "ext_values", "ext_std", "ext_rss", "ext_corr", "cond_colscaled_jac".
    """
    record = _records()[name]
    predictors = np.array(record["x"], dtype=float)
    x = predictors.T if len(record["predictors"]) > 1 and predictors.shape[1] == 2 else predictors
    y = np.array(record["y"], dtype=float)
    if record["response"] == "log(y)":
        y = np.log(y)
    values = tuple(float(v) for v in record["ext_values"])
    answer = Answer(
        rss=float(record["ext_rss"]),
        parameters=values,
        judged_by="parameters" if name == "Lanczos1" else "rss",
        note="60-digit solution; NIST's certified values to their last digit",
    )
    copied = ("certified", "certified_std", "rss", "rsd", "dof", "nobs", "difficulty", "origin", "ext_corr")
    published: dict[str, Any] = {key: record[key] for key in copied}
    published["ext_values"] = values
    published["ext_std"] = tuple(float(v) for v in record["ext_std"])
    published["ext_rss"] = float(record["ext_rss"])
    published["cond_colscaled_jac"] = record["cond_colscaled_jac"]
    return Case(
        name=f"nist/{name}",
        kind="curve",
        parameters=tuple(record["params"]),
        starts=(tuple(record["start1"]), tuple(record["start2"])),
        answers=(answer,),
        model=MODELS[name],
        x=x,
        y=y,
        tags=frozenset({"nist", record["difficulty"], record["origin"]}),
        source=f"NIST StRD nonlinear regression, {name}, {URL}",
        published=published,
    )


CASES: dict[str, Callable[[], Case]] = {f"nist/{name}": partial(nist, name) for name in MODELS}
