"""Whether a traced function uses its first arguments."""

from __future__ import annotations

from typing import Any

from jax.extend import core

__all__ = ["depends"]


def depends(jaxpr: Any, used: list[bool]) -> list[bool]:
    """Return which outputs of a jaxpr may depend on the inputs marked in ``used``.

    Calls are followed into their bodies; of any other primitive all outputs depend on all inputs.
    """
    marked = {var for var, mark in zip(jaxpr.invars, used, strict=True) if mark}
    for eqn in jaxpr.eqns:
        inputs = [not isinstance(v, core.Literal) and v in marked for v in eqn.invars]
        if not any(inputs):
            continue
        inner = eqn.params.get("jaxpr")
        inner = getattr(inner, "jaxpr", inner)
        if inner is not None and eqn.primitive.name in ("pjit", "jit") and len(inner.invars) == len(inputs):
            outputs = depends(inner, inputs)
        else:
            outputs = [True] * len(eqn.outvars)
        marked.update(var for var, mark in zip(eqn.outvars, outputs, strict=True) if mark)
    return [not isinstance(v, core.Literal) and v in marked for v in jaxpr.outvars]
