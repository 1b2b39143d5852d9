"""The first line of a report: what happened, why, and what to try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sciopt.report.size import is_small

__all__ = ["Verdict", "verdict_of"]

Tone = Literal["good", "caution", "bad"]

ADVICE = {
    "rounding_floor": "nothing more can be had in this precision; the answer is as good as the arithmetic allows",
    "stalled": "no step lowers the merit any more although the gradient has not vanished; look for a wrong Jacobian, "
    "noise or a kink in the model, or start elsewhere",
    "budget": "allow more steps or seconds, and continue from here with start=solution",
    "nonfinite": "the model is not finite near the last accepted point; add bounds that keep it where it is defined, "
    "or start elsewhere",
    "infeasible": "the conditions cannot be met together; look at the largest residuals, and loosen bounds or drop a "
    "condition",
    "interrupted": "the best point so far is kept; continue with start=solution",
    "stopped_by_callback": "the best point so far is kept; continue with start=solution",
}
USABLE = ("interrupted", "stopped_by_callback", "rounding_floor")
STOPPED_ON_REQUEST = ("interrupted", "stopped_by_callback")


@dataclass(frozen=True)
class Verdict:
    """Status of a solve in words.

    Attributes
    ----------
    word : str
        Status word.
    tone : {"good", "caution", "bad"}
        Whether the answer can be used as it is, with a caveat, or not.
    why : str
        Which test ended the solve.
    caveats, advice : tuple of str
        What limits the answer, and what to try.
    """

    word: str
    tone: Tone
    why: str
    caveats: tuple[str, ...]
    advice: tuple[str, ...]


def verdict_of(solution: Any) -> Verdict:
    """Judge a solution by its status, its rank and its bounds."""
    status = getattr(solution, "status", "")
    key = str(getattr(status, "name", status)).lower()
    success = bool(getattr(solution, "success", False))
    caveats: list[str] = []
    advice = [ADVICE[key]] if key in ADVICE and not (success and key == "stalled") else []
    open_directions = _open_directions(solution)
    if open_directions:
        number = "one combination" if open_directions == 1 else f"{open_directions} combinations"
        caveats.append(f"the data leave {number} of the parameters open")
        advice.append(
            "fix a parameter of each open direction, give it a prior, or report combinations that are identified"
        )
    at_bound = list(getattr(solution, "at_bound", None) or {})
    if at_bound:
        shown = ", ".join(at_bound[:5]) + (f" and {len(at_bound) - 5} more" if len(at_bound) > 5 else "")
        caveats.append(
            f"{shown} at a bound; the other errors hold with {'it' if len(at_bound) == 1 else 'them'} held there"
        )
    if success:
        tone: Tone = "caution" if caveats else "good"
    else:
        tone = "caution" if key in USABLE else "bad"
    why = str(getattr(solution, "message", "") or "")
    return Verdict(_word(key, success), tone, why, tuple(caveats), tuple(advice))


def _word(key: str, success: bool) -> str:
    plain = key.replace("_", " ") or "unknown"
    if key == "converged" or key in STOPPED_ON_REQUEST:
        return plain
    return f"converged ({plain})" if success else f"not converged ({plain})"


def _open_directions(solution: Any) -> int:
    """Return the number of directions in which the data say nothing."""
    directions = getattr(solution, "null_directions", None) if is_small(solution) else None
    return len(directions) if directions is not None else 0
